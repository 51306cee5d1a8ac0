"""Saving a draft at the portal: by a button, while writing, and when somebody else was quicker."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from audit.models import AuditEvent
from instances import drafts
from instances.models import PromptInstance
from prompthub_kernel.body import PromptBody
from publishing import publish
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import SYSTEM
from tests.integration.admin.rooms import SECRETS

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def post(signed_in, world):
    browser = signed_in(Role.EDITOR)

    def save(*, htmx=False, **given):
        where = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        given = {"revision": "1", "part": "text", **({"autosave": "1"} if htmx else {}), **given}
        return browser.post(where, given, headers=HTMX if htmx else {})

    return save


def draft_of(world):
    return drafts.get(key=world.instance.pk, actor=SYSTEM)


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[-1500:]
    return answer.content.decode()


def changed_elsewhere(world, at, text="Theirs for {{ company }}"):
    drafts.edit(
        instance=world.instance,
        revision=1,
        body=PromptBody.parse(content_md=text, content_json=None),
        by=SYSTEM,
        at=at,
    )


def test_a_text_is_saved_with_plain_line_ends_and_told(post, world):
    answer = post(text="One {{ company }}\r\ntwo\r\n")

    assert answer.status_code == 302
    assert (draft_of(world).content_md, draft_of(world).revision) == ("One {{ company }}\ntwo\n", 2)


def test_the_templates_own_text_is_no_text_of_the_prompts(post, world):
    post(text="Mine {{ company }}")
    post(revision="2", text=world.template_version.content_md)
    assert (draft_of(world).content_md, draft_of(world).revision) == (None, 3)
    post(revision="3", text="Mine {{ company }}")
    post(revision="4", text="ignored {{ company }}", use_template="1")
    assert (draft_of(world).content_md, draft_of(world).revision) == (None, 5)


def test_saving_what_is_there_already_changes_nothing(post, world):
    post(text=world.template_version.content_md)
    post(part="variables", **{"variable-company": "Acme", "variable-booking_key": ""})
    post(part="variables", **{"variable-company": "Acme", "variable-booking_key": SECRETS["booking_key"]})

    assert draft_of(world).revision == 1
    assert not AuditEvent.objects.filter(action="instance.draft.edit").exists()


def test_a_text_that_cannot_be_used_comes_back_with_the_reason_beside_it(post, world):
    page = page_of(post(text="Dear {{ nobody }}"), 422)

    assert "Dear {{ nobody }}" in page
    assert "is not declared in the variables schema" in page
    assert 'href="#id_text"' in page
    assert 'aria-invalid="true"' in page
    assert draft_of(world).revision == 1


def test_variables_are_saved_reset_and_refused_beside_their_fields(post, world):
    assert post(part="variables", **{"variable-company": "Nova", "variable-booking_key": ""}).status_code == 302
    assert draft_of(world).variables == {"company": "Nova"}
    assert draft_of(world).secret_values == {"booking_key": SECRETS["booking_key"]}

    page = page_of(post(part="variables", revision="2", **{"variable-company": ""}), 422)
    assert "This is needed." in page
    assert 'href="#id_variable-company"' in page
    page = page_of(
        post(part="variables", revision="2", **{"variable-company": "Nova", "remove-booking_key": "on"}), 422
    )
    assert 'href="#id_variable-booking_key"' in page
    page = page_of(post(part="variables", revision="2", **{"as": "json", "variables_json": '{"company": 1}'}), 422)
    assert "/variables/company" in page or "Expected string" in page


def test_a_new_secret_is_kept_and_never_shown(post, world):
    given = {"variable-company": "Acme", "variable-booking_key": "brand-new-key"}
    assert post(part="variables", **given).status_code == 302
    assert draft_of(world).secret_values == {"booking_key": "brand-new-key"}
    refused = page_of(post(part="variables", revision="2", **{**given, "variable-company": ""}), 422)
    assert "brand-new-key" not in refused


def test_saving_while_writing_tells_the_new_revision_and_keeps_no_history(post, world):
    kept = PromptInstance.history.count()

    page = page_of(post(htmx=True, text="Draft one {{ company }}", session="session-0001"))

    assert 'name="revision" value="2"' in page
    assert 'hx-swap-oob="true"' in page
    assert "<html" not in page
    assert PromptInstance.history.count() == kept
    event = AuditEvent.objects.get(action="instance.draft.edit")
    assert (event.correlation_id, event.metadata["autosave"]) == ("session-0001", True)
    assert "data-saved" in page_of(post(htmx=True, revision="2", text="Draft one {{ company }}"))
    assert draft_of(world).revision == 2


def test_saving_while_writing_brings_what_the_page_says_of_the_draft(post, world, at):
    publish.publish(instance=draft_of(world), by=SYSTEM, at=at)
    own = page_of(post(htmx=True, text="Draft one {{ company }}"))
    assert re.search(r'id="prompt-status" hx-swap-oob="true">\s*<span[^>]*>active, with unpublished changes<', own)
    assert ">This prompt's own text<" in own
    assert 'id="own-buttons" hx-swap-oob="true"' in own
    assert 'name="use_template"' in own
    again = page_of(post(htmx=True, revision="2", text=draft_of(world).template_version.content_md))
    assert ">active<" in again
    assert ">The template's text<" in again
    assert 'name="use_template"' not in again


def test_saving_variables_while_writing_brings_only_what_their_page_has(post):
    page = page_of(post(htmx=True, part="variables", **{"variable-company": "Borealis"}))
    assert 'id="prompt-status" hx-swap-oob="true"' in page
    assert "text-heading" not in page


def test_everything_saved_from_one_page_has_one_correlation_id(post):
    post(htmx=True, text="Draft one {{ company }}", session="session-0001")
    post(revision="2", text="Draft two {{ company }}", session="session-0001")

    ids = AuditEvent.objects.filter(action="instance.draft.edit").values_list("correlation_id", flat=True)
    assert list(ids) == ["session-0001"] * 2


def test_a_text_that_cannot_be_saved_while_writing_says_why(post, world):
    page = page_of(post(htmx=True, text="{{ nobody }}"), 422)

    assert "Not saved:" in page
    assert "<html" not in page
    assert draft_of(world).revision == 1


def test_two_who_write_at_once_are_shown_both_texts_and_nothing_is_lost(post, world, at):
    changed_elsewhere(world, at)

    page = page_of(post(text="Mine for {{ company }}"), 409)

    assert "PromptHub changed this draft meanwhile" in page
    assert "<del>Theirs</del>" in page
    assert "<ins>Mine</ins>" in page
    assert "Mine for {{ company }}</textarea>" in page
    assert 'name="revision" value="2"' in page
    assert draft_of(world).content_md == "Theirs for {{ company }}"

    assert post(revision="2", text="Mine for {{ company }}").status_code == 302
    assert draft_of(world).content_md == "Mine for {{ company }}"


def test_who_wrote_the_same_as_the_other_is_asked_nothing(post, world, at):
    changed_elsewhere(world, at, "Same {{ company }}")

    assert post(text="Same {{ company }}").status_code == 302
    assert draft_of(world).revision == 2


def test_variables_that_somebody_else_changed_are_shown_beside_mine(post, world, at):
    drafts.edit(instance=world.instance, revision=1, variables={"company": "Theirs"}, by=SYSTEM, at=at)

    page = page_of(post(part="variables", **{"variable-company": "Mine", "variable-booking_key": "typed-key"}), 409)

    assert "<del>Theirs</del>" in page
    assert "\nMine</textarea>" in page
    assert "typed-key" not in page
    assert draft_of(world).variables == {"company": "Theirs"}


def test_saving_while_writing_stops_at_somebody_elses_change(post, world, at):
    changed_elsewhere(world, at)

    page = page_of(post(htmx=True, text="Mine for {{ company }}"), 409)

    assert "Yours is not saved." in page
    assert 'form="editor"' in page
    assert 'name="revision"' not in page
    assert draft_of(world).content_md == "Theirs for {{ company }}"


def test_an_archived_prompt_is_not_saved(post, world, at):
    drafts.archive(instance=world.instance, by=SYSTEM, at=at)

    assert post(text="Mine {{ company }}", revision="2").status_code == 409
    assert draft_of(world).content_md is None


def test_a_form_without_a_revision_is_refused(post, world):
    assert post(text="Mine {{ company }}", revision="").status_code == 422
    assert draft_of(world).revision == 1


def test_documents_are_edited_as_json(signed_in, world):
    version = factories.make_template_version(
        content_json=[{"role": "user", "content": "Hi {{ company }}"}],
        variables_schema={"properties": {"company": {"type": "string", "default": "us"}}},
    )
    instance = factories.make_instance(client=world.client, template_version=version, variables={})
    where = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": instance.pk})
    browser = signed_in(Role.EDITOR)

    def save(text):
        return browser.post(where, {"part": "text", "revision": "1", "text": text})

    assert "This is not JSON: line 2, column" in page_of(save("[\n{"), 422)
    assert "nested" in page_of(save("[" * 100_000), 422)
    assert "Roles are" in page_of(save('[{"role": "nobody", "content": "x"}]'), 422)
    assert save('[{"role": "system", "content": "Be kind to {{ company }}."}]').status_code == 302
    assert drafts.get(key=instance.pk, actor=SYSTEM).content_json[0]["role"] == "system"


def test_pressing_save_is_no_conflict_with_what_the_same_page_saved_by_itself(post, world):
    post(htmx=True, text="Half {{ company }}", session="session-0001")
    post(htmx=True, revision="2", text="Half of it {{ company }}", session="session-0001")

    assert post(text="The whole of it {{ company }}", session="session-0001").status_code == 302
    assert (draft_of(world).content_md, draft_of(world).revision) == ("The whole of it {{ company }}", 4)


def test_another_page_of_the_same_person_is_a_conflict(post, world, at):
    post(htmx=True, text="First page {{ company }}", session="session-0001")

    assert post(text="Second page {{ company }}", session="session-0002").status_code == 409
    assert post(htmx=True, text="Late {{ company }}", session="session-0001").status_code == 409
    drafts.edit(instance=draft_of(world), revision=2, variables={"company": "Theirs"}, by=SYSTEM, at=at)
    assert post(text="First page, more {{ company }}", session="session-0001").status_code == 409


def test_enter_in_a_field_presses_save(signed_in, world):
    where = reverse("portal:prompt", kwargs={"client": world.client.slug, "instance": world.instance.pk})
    form = page_of(signed_in(Role.EDITOR).get(f"{where}?tab=variables")).partition('id="editor"')[2]

    first = form[form.index('<button type="submit"') :].partition("</button>")[0]
    assert first.endswith(">Save")
    assert "name=" not in first


def test_pressing_save_after_it_saved_by_itself_tells_that_it_is_saved(post, world):
    post(htmx=True, text="Whole {{ company }}", session="session-0001")

    answer = post(text="Whole {{ company }}", session="session-0001")
    assert [str(told) for told in get_messages(answer.wsgi_request)] == ["The draft is saved."]
    answer = post(text="Whole {{ company }}", revision="2", session="session-0002")
    assert "There was nothing to save." in [str(told) for told in get_messages(answer.wsgi_request)]
