"""A draft that follows another version of its template."""

from __future__ import annotations

import pytest
from django.urls import reverse

from instances import drafts
from prompthub_kernel.body import PromptBody
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db
ASKS = {
    "properties": {"company": {"type": "string"}, "hours": {"type": "string", "description": "When it is open"}},
    "required": ["hours"],
}


@pytest.fixture
def newer(world):
    template = world.template_version.template
    return factories.make_template_version(
        project=template.project,
        name=template.name,
        content_md="Speak for {{ company }}, open {{ hours }}.",
        variables_schema=ASKS,
    )


@pytest.fixture
def browser(signed_in):
    return signed_in(superuser=True)


def where(world, to=None):
    address = reverse("portal:move", kwargs={"client": world.client.slug, "instance": world.instance.pk})
    return f"{address}?to={to}" if to else address


def draft_of(world):
    return drafts.get(key=world.instance.pk, actor=SYSTEM)


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[-1500:]
    return answer.content.decode()


def sent(newer, **more):
    return {"to": newer.pk, "revision": "1", "variable-company": "Acme", "variable-hours": "nine to five", **more}


def test_the_page_shows_what_the_template_changes_and_asks_for_what_is_new(browser, world, newer):
    prompt = page_of(browser.get(where(world).removesuffix("template/")))
    assert where(world, newer.pk) in prompt

    page = page_of(browser.get(where(world, newer.pk)))

    assert "<ins>" in page
    assert "When it is open" in page
    assert 'name="variable-hours"' in page
    assert "This prompt has a text of its own" not in page


def test_the_draft_follows_the_other_version_with_its_variables(browser, world, newer):
    answer = browser.post(where(world), sent(newer))

    draft = draft_of(world)
    assert answer.status_code == 302
    assert (draft.template_version_id, draft.variables) == (newer.pk, {"company": "Acme", "hours": "nine to five"})
    assert draft.active_version_id == world.instance.active_version_id


def test_what_the_other_version_needs_is_told_beside_its_field(browser, world, newer):
    page = page_of(browser.post(where(world), sent(newer, **{"variable-hours": ""})), 422)

    assert 'href="#id_variable-hours"' in page
    assert draft_of(world).template_version_id == world.template_version.pk


@pytest.mark.parametrize(("own", "kept"), [("keep", "Mine for {{ company }}"), ("drop", None)])
def test_a_text_of_its_own_stays_or_goes_as_is_said(browser, world, newer, own, kept):
    body = PromptBody.parse(content_md="Mine for {{ company }}", content_json=None)
    drafts.edit(instance=world.instance, revision=1, body=body, by=SYSTEM, at=AT)
    assert "This prompt has a text of its own" in page_of(browser.get(where(world, newer.pk)))

    assert browser.post(where(world), sent(newer, revision="2", own=own)).status_code == 302

    assert draft_of(world).content_md == kept


def test_an_own_text_that_the_other_version_cannot_use_is_refused_with_the_reason(browser, world, newer):
    body = PromptBody.parse(content_md="Book with {{ booking_key }}", content_json=None)
    drafts.edit(instance=world.instance, revision=1, body=body, by=SYSTEM, at=AT)

    page = page_of(browser.post(where(world), sent(newer, revision="2", own="keep")), 422)

    assert "booking_key" in page
    assert draft_of(world).template_version_id == world.template_version.pk


def test_a_draft_that_was_changed_meanwhile_is_not_moved(browser, world, newer):
    drafts.edit(instance=world.instance, revision=1, variables={"company": "Theirs"}, by=SYSTEM, at=AT)

    page = page_of(browser.post(where(world), sent(newer)), 409)

    assert "nothing was moved" in page
    assert 'name="revision" value="2"' in page
    assert draft_of(world).variables == {"company": "Theirs"}


def test_only_another_version_of_the_same_template_that_one_may_read(browser, signed_in, world, newer):
    stranger = factories.make_template_version()
    for key in (world.template_version.pk, stranger.pk, "nonsense", ""):
        assert browser.get(where(world, key or "%20")).status_code == 404
    assert signed_in(Role.EDITOR).get(where(world, newer.pk)).status_code == 404
    assert signed_in(Role.VIEWER).get(where(world, newer.pk)).status_code == 403


def test_an_archived_prompt_is_not_moved(browser, world, newer):
    drafts.archive(instance=world.instance, by=SYSTEM, at=AT)

    assert browser.post(where(world), sent(newer, revision="2")).status_code == 409
