"""A prompt is begun in the portal: its template, its variables, a draft."""

from __future__ import annotations

import pytest
from django.urls import reverse

from instances.models import PromptInstance
from tenancy.policy import Role
from tests import factories
from tests.integration.admin.rooms import VARIABLES, browser_of


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def template(db):
    """A template whose newest version asks for a company and a key."""
    old = factories.make_template_version(content_md="Old.", variables_schema={})
    return factories.make_template_version(
        project=old.template.project,
        name=old.template.name,
        label="newest",
        content_md="Speak for {{ company }}. Book with {{ booking_key }}.",
        variables_schema=VARIABLES,
    )


@pytest.fixture
def browser(client, template):
    account = factories.make_user()
    factories.make_actor(user=account, roles={client: Role.EDITOR, template.template.project: Role.VIEWER})
    return browser_of(account)


@pytest.fixture
def url(client):
    return reverse("portal:prompt_new", kwargs={"client": client.slug})


def given(template, **more):
    values = {"variable-company": "Acme", "variable-booking_key": "key-0451"}
    return {"template": template.pk, "revision": 1, **values, **more}


def test_the_newest_version_of_each_template_is_offered(browser, url, template):
    factories.make_template_version(name="not-yours")
    html = browser.get(url).content.decode()
    assert f'href="?template={template.pk}"' in html
    assert html.count("?template=") == 1
    assert "not-yours" not in html
    assert "Nothing fits" in browser.get(url, {"q": "no such name"}).content.decode()


def test_without_templates_it_says_what_to_do(client, url):
    account = factories.make_user()
    factories.make_actor(user=account, roles={client: Role.EDITOR})
    assert "There is no template for you yet" in browser_of(account).get(url).content.decode()


def test_a_draft_is_made_and_shown(browser, url, template, client):
    form = browser.get(url, {"template": template.pk}).content.decode()
    assert 'name="variable-company"' in form
    answer = browser.post(url, given(template, name="front-desk"))
    made = PromptInstance.objects.get(client=client)
    assert (made.name, made.variables, made.status) == ("front-desk", {"company": "Acme"}, "draft")
    assert made.secret_values == {"booking_key": "key-0451"}
    assert answer.headers["Location"] == reverse("portal:prompt", kwargs={"client": client.slug, "instance": made.pk})


def test_left_empty_it_is_called_like_its_template(browser, url, template, client):
    browser.post(url, given(template))
    assert PromptInstance.objects.get(client=client).name == template.template.name


def test_what_is_missing_is_told_at_its_field_and_no_secret_comes_back(browser, url, template, client):
    answer = browser.post(url, given(template, **{"variable-company": ""}))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#id_variable-company"' in html
    assert "key-0451" not in html
    assert not PromptInstance.objects.filter(client=client).exists()


def test_a_taken_name_is_told_at_the_name(browser, url, template, client):
    factories.make_instance(client=client, name="desk")
    answer = browser.post(url, given(template, name="desk"))
    assert answer.status_code == 422
    assert 'href="#id_name"' in answer.content.decode()
    assert "is taken" in answer.content.decode()


@pytest.mark.parametrize("key", ["x", "", "01890000-0000-7000-8000-000000000001"])
def test_a_template_that_is_not_there_is_told_calmly(browser, url, key):
    assert browser.get(url, {"template": key}).status_code == 404
    assert browser.post(url, {"template": key}).status_code == 404


@pytest.mark.parametrize("name", ["desk\u202etxt", "\u2066desk"])
def test_a_name_that_turns_the_writing_is_told_at_the_name(browser, url, template, name):
    answer = browser.post(url, given(template, name=name))
    assert answer.status_code == 422
    assert "without characters that turn the direction of writing" in answer.content.decode()
    assert not PromptInstance.objects.exists()
