"""A prompt's page: frame, text, variables, versions, preview."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from instances import drafts
from portal.forms.variables import VariablesForm
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing import publish, targets
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import SECRETS

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(world):
    def make(name="prompt", **query):
        where = reverse(f"portal:{name}", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        return where + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")

    return make


@pytest.fixture
def read(operator, address):
    def get(name="prompt", *, status=200, **query):
        answer = operator.get(address(name, **query))
        assert answer.status_code == status, answer.content.decode()[-2000:]
        return answer.content.decode()

    return get


def own(text):
    return PromptBody.parse(content_md=text, content_json=None)


def test_the_frame_tells_status_places_and_what_drifted(read, world):
    page = read()

    assert world.instance.name in page
    assert "Speak for {{ company }}. Book with {{ booking_key }}." in page
    assert "changed there" in page
    assert "version 1" in page
    assert f'name="revision" value="{world.instance.revision}"' in page


def test_a_place_of_a_target_that_is_switched_off_is_shown_with_what_it_runs(read, world, system, at):
    assert "target switched off" not in read()
    targets.disable(target=world.target, by=system, at=at)

    page = read()
    runs = page[page.index('class="ph-runs"') :]
    assert "target switched off" in runs[: runs.index("</ul>")]
    assert "version 1" in runs[: runs.index("</ul>")]


def test_unpublished_changes_and_a_newer_template_are_told(signed_in, address, world, system, at):
    drafts.edit(instance=world.instance, revision=1, body=own("Only {{ company }}."), by=system, at=at)
    template = world.template_version.template
    newer = factories.make_template_version(
        project=template.project, name=template.name, content_md="New", variables_schema={}
    )

    browser = signed_in(superuser=True)
    page = browser.get(address()).content.decode()

    assert "active, with unpublished changes" in page
    assert f"target=template:{newer.pk}" in page
    assert "This prompt's own text" in page.replace("&#x27;", "'")
    assert "Declared, but not used here:" in page


def test_a_prompt_that_never_ran_is_a_draft_and_an_archived_one_is_not_edited(signed_in, world, system, at):
    instance = factories.make_instance(client=world.client)
    browser = signed_in(Role.PUBLISHER)
    where = reverse("portal:prompt", kwargs={"client": world.client.slug, "instance": instance.pk})

    assert "ph-badge-note" in browser.get(where).content.decode()
    assert "Nothing is published yet" in browser.get(where + "?tab=versions").content.decode()
    drafts.archive(instance=instance, by=system, at=at)
    page = browser.get(where).content.decode()

    assert "This prompt is archived: it is not edited any more." in page
    assert " readonly" in page
    assert 'name="use_template"' not in page


def test_a_viewer_sees_controls_with_the_reason_why_not(signed_in, address):
    page = signed_in(Role.VIEWER).get(address()).content.decode()

    assert 'aria-disabled="true"' in page
    assert " readonly" in page
    assert "autosave" not in page
    assert signed_in(Role.VIEWER).post(address("draft"), {"part": "text"}).status_code == 403


@pytest.mark.parametrize("name", ["prompt", "compare", "patch"])
def test_a_foreign_prompt_is_not_there(operator, foreign, world, name):
    for client, instance in ((foreign.client, foreign.instance), (world.client, foreign.instance)):
        where = reverse(f"portal:{name}", kwargs={"client": client.slug, "instance": instance.pk})
        assert operator.get(where).status_code == 404
    for verb in ("draft", "preview"):
        where = reverse(f"portal:{verb}", kwargs={"client": foreign.client.slug, "instance": foreign.instance.pk})
        assert operator.post(where, {"part": "text", "text": "x"}).status_code == 404


def test_secrets_are_masked_everywhere(read, world):
    for tab in ("prompt", "variables", "versions"):
        page = read(tab=tab)
        assert SECRETS["booking_key"] not in page
    assert '<span class="ph-secret" title="booking_key">••••••</span>' in read()


def test_markup_in_texts_names_and_values_never_becomes_markup(read, world, system, at):
    hostile = "</textarea><script>alert(1)</script>{{ company }}"
    edited = drafts.edit(
        instance=world.instance,
        revision=1,
        body=own(hostile),
        name="<img src=x>",
        variables={"company": '"><script>alert(2)</script>'},
        by=system,
        at=at,
    )
    publish.publish(instance=edited, by=SYSTEM, at=AT)

    pages = [read(tab=tab) for tab in ("prompt", "variables", "versions")]
    pages += [read("compare", view=view, level="rendered", base="template") for view in ("unified", "split")]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x>" not in page


def test_a_version_is_opened_by_its_number(read, world, system, at):
    edited = drafts.edit(instance=world.instance, revision=1, body=own("Second {{ company }}"), by=system, at=at)
    publish.publish(instance=edited, reason="Shorter", by=SYSTEM, at=AT)

    page = read(version=1)

    assert "Speak for Acme. Book with" in page
    assert "Second Acme" not in page
    assert "Shorter" in page
    assert page.count('aria-current="true"') == 1
    assert "Second Acme" in read(tab="versions")
    read(version=99, status=404)
    read(version="one", status=404)
    read(version="9" * 5000, status=404)


def test_the_variables_tab_is_a_form_or_one_json_text(read):
    page, json = read(tab="variables"), read(tab="variables", **{"as": "json"})

    assert 'name="variable-company"' in page
    assert 'type="password" name="variable-booking_key"' in page
    assert 'name="variables_json"' in json
    assert 'name="variable-company"' not in json
    assert "variable-booking_key" in json


def test_variables_are_turned_into_json_and_back_with_what_was_typed(signed_in, address):
    browser = signed_in(Role.EDITOR)
    given = {"part": "variables", "revision": "1", "variable-company": "Nova", "show": "turned"}
    json = browser.post(address("preview"), given).content.decode()
    given = {"part": "variables", "revision": "1", "as": "json", "show": "turned", "variables_json": '{"company": "N"}'}
    form = browser.post(address("preview"), given).content.decode()
    wrong = browser.post(address("preview"), {**given, "variables_json": "{"}).content.decode()

    assert "&quot;company&quot;: &quot;Nova&quot;" in json
    assert "data-unsaved" in json
    assert re.search(r'name="variable-company"[^>]*>\s*N</textarea>', form)
    assert 'name="variables_json"' in wrong
    assert "This is not JSON" in wrong


def test_all_that_is_wrong_with_variables_is_told_at_once(world):
    properties = {
        "company": {"type": "string", "minLength": 2},
        "tone": {"type": "string", "pattern": "^[a-z]+$"},
        "n": {"type": "integer"},
        "key": {"type": "string", "minLength": 8, "x-secret": True},
    }
    schema = VariablesSchema.parse({"type": "object", "required": ["company", "n", "key"], "properties": properties})
    typed = {"revision": "1", "variable-company": "A", "variable-tone": "LOUD", "variable-n": "abc"}
    form = VariablesForm(typed, schema=schema, values={}, secrets_set=frozenset({"key"}))

    assert set(form.errors) == {"variable-company", "variable-tone", "variable-n"}
    assert len(form.errors["variable-n"]) == 1


def test_a_page_that_answers_a_form_has_no_link_that_leads_nowhere(signed_in, address):
    browser = signed_in(Role.EDITOR)
    given = {"part": "variables", "revision": "1", "variable-company": ""}
    for as_json in ({}, {"as": "json", "variables_json": "{"}):
        page = browser.post(address("draft"), {**given, **as_json})
        assert page.status_code == 422
        assert 'href="?' not in page.content.decode()


@pytest.mark.parametrize("name", ["draft", "preview"])
def test_an_address_that_only_takes_a_form_leads_to_the_prompt(operator, address, name):
    answer = operator.get(address(name))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    page = answer.content.decode()
    assert "405.method_not_allowed" in page
    assert f'href="{address("prompt")}"' in page


def test_a_preview_is_made_of_what_the_form_holds_and_stores_nothing(operator, address, world):
    given = {"part": "text", "text": "Dear {{ company }}", "revision": "1"}

    whole = operator.post(address("preview"), given)
    part = operator.post(address("preview"), given, headers={"HX-Request": "true"})

    assert "Dear Acme" in whole.content.decode()
    assert "<html" in whole.content.decode()
    assert "Dear Acme" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert 'id="notes" hx-swap-oob="true"' in part.content.decode()
    assert drafts.get(key=world.instance.pk, actor=SYSTEM).revision == 1


def test_a_preview_that_cannot_be_made_says_why(operator, address):
    def preview(**given):
        answer = operator.post(address("preview"), {"revision": "1", **given}, headers={"HX-Request": "true"})
        return answer.content.decode()

    assert "is not declared" in preview(part="text", text="{{ nobody }}")
    assert "Not declared by the template:" in preview(part="text", text="{{ nobody }}")
    assert "The prompt is empty." in preview(part="text", text=" ")
    assert "/variables/company" in preview(part="variables", **{"variable-company": ""})
    assert "not JSON" in preview(part="variables", **{"as": "json", "variables_json": "{"})


def test_a_preview_of_variables_uses_the_stored_secrets(operator, address):
    given = {"part": "variables", "revision": "1", "variable-company": "Nova", "variable-booking_key": "typed-secret"}

    for headers in ({}, {"HX-Request": "true"}):
        page = operator.post(address("preview"), given, headers=headers).content.decode()
        assert "Speak for Nova. Book with" in page
        assert "typed-secret" not in page
    broken = operator.post(address("preview"), {"part": "variables", "revision": "x"}).content.decode()
    assert "Speak for Acme" in broken


def test_chat_and_json_are_previewed_as_what_they_are(signed_in, world):
    browser = signed_in(Role.EDITOR)
    for content, seen in (
        ([{"role": "user", "content": "Hi"}, {"type": "placeholder", "name": "talk"}], '<div class="ph-text">Hi</div>'),
        ({"deep": {"er": 1}}, "&quot;er&quot;: 1"),
    ):
        version = factories.make_template_version(content_json=content, variables_schema={})
        instance = factories.make_instance(client=world.client, template_version=version, variables={})
        where = reverse("portal:prompt", kwargs={"client": world.client.slug, "instance": instance.pk})
        assert seen in browser.get(where).content.decode()


def test_the_page_of_a_long_prompt_asks_the_database_little(operator, address, world, system, at):
    line = "Speak calmly with {{ company }} about every thing they ask, one line after another.\n"
    instance = world.instance
    for number in range(3):
        instance = drafts.edit(
            instance=instance, revision=instance.revision, body=own(f"{number} {{{{ company }}}}"), by=system, at=at
        )
        publish.publish(instance=instance, by=SYSTEM, at=AT)
    drafts.edit(instance=instance, revision=instance.revision, body=own(line * (20_000 // len(line))), by=system, at=at)
    operator.get(address())

    for query in ({}, {"tab": "variables"}, {"tab": "versions"}):
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(address(**query)).status_code == 200
        assert len(queries) <= 12, "\n".join(query["sql"][:200] for query in queries)
