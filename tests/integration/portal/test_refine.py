"""Refining at the portal: a wish, what a model makes of it, and what a person takes of that."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assist import runs
from assist.llm.scripted import Scripted
from assist.models import Suggestion
from instances import drafts
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.portal.shop import build_shop, page_of, row_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TEXT = "You answer the phone for {{ company }}.\n\nBe kind.\nBe quick.\n\nIf the line is bad, say so.\n"


@pytest.fixture(autouse=True)
def _model(monkeypatch):
    monkeypatch.setattr("assist.llm.chosen", Scripted)


@pytest.fixture
def shop(db):
    return build_shop(TEXT)


@pytest.fixture
def editor(shop):
    return shop.person(Role.EDITOR)


@pytest.fixture
def address(shop):
    return shop.address


def made(shop, instruction="Say goodbye at the end.", **more):
    return factories.make_suggestion(instance=row_of(shop), instruction=instruction, **more)


def texts_of(row):
    from assist import texts

    return [texts.change_id(hunk) for hunk in row.changes.hunks]


def test_the_page_tells_the_model_and_shows_the_draft(editor, address):
    page = page_of(editor.get(address("refine")))

    assert "scripted-1 (demonstration)" in page
    assert "You answer the phone for {{ company }}." in page
    assert page.count('name="quick"') == 4


def test_a_wish_is_asked_for_and_leads_to_its_page(editor, address, shop):
    answer = editor.post(address("refine"), {"instruction": " Be brief. ", "revision": row_of(shop).revision})
    row = Suggestion.objects.get()

    assert answer.url == address("suggestion", suggestion=row.pk)
    assert (row.instruction, row.state) == ("Be brief.", "asked")


def test_a_ready_wish_is_asked_by_its_button(editor, address, shop):
    editor.post(address("refine"), {"quick": "short", "instruction": "", "revision": row_of(shop).revision})
    assert "shorter" in Suggestion.objects.get().instruction


def test_what_was_typed_is_asked_for_together_with_a_ready_wish(editor, address, shop):
    given = {"quick": "short", "instruction": " Never say sorry. ", "revision": row_of(shop).revision}
    editor.post(address("refine"), given)
    asked = Suggestion.objects.get().instruction
    assert asked.startswith("Never say sorry.\n\nMake it shorter.")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"instruction": "  "}, "Say what should be better"),
        ({"instruction": "x" * 4001}, "4000"),
        ({"instruction": "Be kind.", "previous": "no id"}, "This is not right yet"),
    ],
)
def test_a_wish_that_cannot_be_asked_comes_back_with_the_reason(editor, address, shop, given, told):
    page = page_of(editor.post(address("refine"), {"revision": row_of(shop).revision, **given}), 422)

    assert told in page
    assert not Suggestion.objects.exists()


def test_a_wish_that_holds_a_secret_is_not_sent_and_not_lost(shop):
    schema = {"type": "object", "properties": {"key": {"type": "string", "x-secret": True}}, "required": ["key"]}
    version = factories.make_template_version(content_md="Use {{ key }}.", variables_schema=schema)
    instance = factories.make_instance(
        client=shop.client, template_version=version, variables={"key": "booking-key-0451"}, name="keyed"
    )
    where = reverse("portal:refine", kwargs={"client": shop.client.slug, "instance": instance.pk})
    page = page_of(
        shop.person(Role.EDITOR).post(where, {"instruction": "Say booking-key-0451 twice.", "revision": 1}), 422
    )

    assert "holds the value of a secret variable" in page
    assert not Suggestion.objects.exists()


def test_a_draft_changed_meanwhile_is_told_and_the_wish_is_kept(editor, address, shop):
    ana = factories.make_actor(roles={shop.client: Role.EDITOR}, user=factories.make_user(username="ana"))
    drafts.edit(instance=row_of(shop), revision=1, variables={"company": "Beta"}, by=ana, at=AT)
    page = page_of(editor.post(address("refine"), {"instruction": "Be brief.", "revision": 1}), 409)

    assert "ana changed the draft meanwhile" in page
    assert "Be brief." in page
    assert 'name="revision" value="2"' in page


def test_what_the_model_writes_is_shown_as_it_comes(editor, address, shop):
    row = made(shop, run=False)
    here = address("suggestion", suggestion=row.pk)
    waiting = page_of(editor.get(here))
    Suggestion.objects.filter(pk=row.pk).update(state="running", progress="You are", tries=1)
    part = page_of(editor.get(here + "?seen=asked-0-0", headers=HTMX))

    assert "The model is reading the draft" in waiting
    assert 'hx-trigger="every 500ms"' in waiting
    assert "Look again now" in waiting
    assert 'name="instruction"' not in waiting
    assert "<html" not in part
    assert "You are" in part
    assert editor.get(here + "?seen=running-7-1", headers=HTMX).status_code == 204

    Suggestion.objects.filter(pk=row.pk).update(state="asked", progress="", tries=0)
    runs.run(suggestion_id=row.pk, by=SYSTEM, at=AT)
    done = page_of(editor.get(here + "?seen=running-7-1", headers=HTMX))
    assert "Accept all" in done
    assert "hx-trigger" not in done
    assert "The suggestion is ready: 2 changes." in done


def test_a_suggestion_is_shown_change_by_change_with_the_models_notes(editor, address, shop):
    row = made(shop)
    page = page_of(editor.get(address("suggestion", suggestion=row.pk)))

    assert page.count('name="change"') == page.count(" checked") == 2
    assert "Take change 2" in page
    assert "friendly" in page
    assert "says more now" in page
    assert f'name="previous" value="{row.pk}"' in page
    assert "Improve this suggestion" in page
    assert '<details class="ph-edit">' in page


def test_all_of_it_is_accepted_into_the_draft(editor, address, shop):
    row = made(shop)
    answer = editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "all", "text": "not this"})

    assert answer.url == address("prompt")
    assert row_of(shop).body.source() == row.text
    assert "This was accepted" in page_of(editor.get(address("suggestion", suggestion=row.pk)))


def test_only_ticked_changes_are_accepted(editor, address, shop):
    row = made(shop)
    editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "changes", "change": texts_of(row)[1]})

    source = row_of(shop).body.source()
    assert source.startswith("You answer the phone")
    assert "Above all: say goodbye at the end." in source


def test_no_ticked_change_is_told_and_nothing_happens(editor, address, shop):
    row = made(shop)
    page = page_of(editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "changes"}), 422)

    assert "Tick at least one change" in page
    assert " checked" not in page
    assert row_of(shop).revision == 1


def test_an_edited_text_is_accepted_with_plain_line_ends(editor, address, shop):
    row = made(shop)
    editor.post(
        address("accept_suggestion", suggestion=row.pk), {"take": "edited", "text": "Mine {{ company }}\r\nnow\r\n"}
    )
    assert row_of(shop).body.source() == "Mine {{ company }}\nnow\n"


def test_an_edited_text_that_cannot_be_used_comes_back(editor, address, shop):
    row = made(shop)
    where = address("accept_suggestion", suggestion=row.pk)
    page = page_of(editor.post(where, {"take": "edited", "text": "For {{ nobody }}"}), 422)

    assert "For {{ nobody }}" in page
    assert '<details class="ph-edit" open>' in page
    assert row_of(shop).revision == 1


def test_a_change_that_is_none_of_its_own_is_refused(editor, address, shop):
    row = made(shop)
    page = page_of(
        editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "changes", "change": "x"}), 409
    )
    assert "no change of this suggestion" in page


def test_a_suggestion_for_an_older_draft_is_outdated_and_an_edited_text_is_not_lost(editor, address, shop):
    row = made(shop)
    drafts.edit(instance=row_of(shop), revision=1, variables={"company": "Beta"}, by=SYSTEM, at=AT)
    page = page_of(editor.get(address("suggestion", suggestion=row.pk)))
    refused = page_of(
        editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "edited", "text": "Mine {{ company }}"}),
        409,
    )

    assert "it cannot be accepted" in page
    assert "Accept all" not in page
    assert "Say goodbye at the end.</textarea>" in page
    assert 'name="revision" value="2"' in page
    assert "Mine {{ company }}" in refused
    assert row_of(shop).body.source() == TEXT


def test_a_rejected_suggestion_leaves_the_draft_as_it_was(editor, address, shop):
    row = made(shop)
    where = address("reject_suggestion", suggestion=row.pk)

    assert editor.post(where).url == address("prompt")
    assert "This was put aside." in page_of(editor.get(address("suggestion", suggestion=row.pk)))
    assert "Only a ready suggestion is rejected" in page_of(editor.post(where, follow=True))
    assert row_of(shop).revision == 1


def test_one_wish_builds_on_another(editor, address, shop):
    first = made(shop)
    editor.post(address("refine"), {"instruction": "Shorter.", "revision": 1, "previous": first.pk})

    assert Suggestion.objects.exclude(pk=first.pk).get().previous == first
    assert "Say goodbye at the end." in page_of(editor.get(address("refine")))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("[drops variables]", "`company` is used no more"),
        ("[breaks off]", "broke off before the end"),
        ("[malformed]", "did not answer in the form"),
        ("[unavailable]", "wants to be left in peace"),
    ],
)
def test_a_failing_model_leaves_the_draft_the_wish_and_the_reason(editor, address, shop, fault, told):
    row = made(shop, instruction=f"Better {fault}")
    page = page_of(editor.get(address("suggestion", suggestion=row.pk)))

    assert told in page
    assert f"Better {fault}</textarea>" in page
    assert "Back to the editor" in page
    assert ("What the model noted" in page) is bool(row.notes)
    assert row_of(shop).revision == 1


def test_a_reason_is_told_once(editor, address, shop):
    row = made(shop, instruction="Better [refuses]")
    page = page_of(editor.get(address("suggestion", suggestion=row.pk)))
    assert page.count("The model refused.") == 1
    assert "Asking again may succeed." in page


def test_a_model_that_is_not_set_up_well_is_a_matter_for_the_administrator(editor, address, shop):
    row = made(shop, instruction="Better [locked out]")
    page = page_of(editor.get(address("suggestion", suggestion=row.pk)))
    assert "answered 401" in page
    assert "Asking again does not help" in page
    assert "Asking again may succeed." not in page
    assert Suggestion.objects.get(pk=row.pk).retryable is False


def test_a_document_is_shown_by_its_structure_and_taken_by_lines(editor, shop):
    messages = [
        {"role": "system", "content": "You answer the phone for {{ company }}."},
        {"role": "user", "content": "Hello"},
    ]
    schema = {"type": "object", "properties": {"company": {"type": "string"}}, "required": ["company"]}
    version = factories.make_template_version(content_json=messages, variables_schema=schema)
    instance = factories.make_instance(
        client=shop.client, template_version=version, variables={"company": "Acme"}, name="talk"
    )
    row = factories.make_suggestion(instance=instance)
    where = {"client": shop.client.slug, "instance": instance.pk, "suggestion": row.pk}
    page = page_of(editor.get(reverse("portal:suggestion", kwargs=where)))

    assert 'class="ph-chat"' in page
    assert "Choose single changes" in page
    assert page.count('id="change-1"') == 1
    assert editor.post(reverse("portal:accept_suggestion", kwargs=where), {"take": "all"}).status_code == 302


def test_markup_of_people_and_models_never_becomes_a_node(editor, address, shop):
    row = made(shop, instruction=f"Say {MARKUP}")
    Suggestion.objects.filter(pk=row.pk).update(notes=MARKUP)
    failed = made(shop, instruction=f"{MARKUP} [drops variables]")
    Suggestion.objects.filter(pk=failed.pk).update(error_detail=MARKUP, notes=MARKUP)
    writing = made(shop, instruction=MARKUP, run=False)
    Suggestion.objects.filter(pk=writing.pk).update(progress=MARKUP, state="running")

    for place in (address("refine"), *(address("suggestion", suggestion=one.pk) for one in (row, failed, writing))):
        page = page_of(editor.get(place))
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_only_who_edits_may_refine(shop, address):
    row = made(shop)
    viewer = shop.person(Role.VIEWER)

    assert viewer.get(address("refine")).status_code == 403
    assert viewer.get(address("suggestion", suggestion=row.pk)).status_code == 403
    assert viewer.post(address("accept_suggestion", suggestion=row.pk)).status_code == 403


def test_another_prompts_suggestion_is_not_found_here(editor, address, shop):
    other = factories.make_suggestion(instance=factories.make_instance(client=shop.client, name="other"))

    for key in (other.pk, uuid.uuid4()):
        assert editor.get(address("suggestion", suggestion=key)).status_code == 404
        assert editor.post(address("accept_suggestion", suggestion=key)).status_code == 404
        assert editor.post(address("refine"), {"instruction": "x", "revision": 1, "previous": key}).status_code == 404


def test_an_archived_prompt_is_not_refined(editor, address, shop):
    row = made(shop)
    drafts.archive(instance=row_of(shop), by=SYSTEM, at=AT)

    assert editor.get(address("refine")).status_code == 409
    assert editor.post(address("refine"), {"instruction": "x", "revision": 2}).status_code == 409
    assert editor.post(address("accept_suggestion", suggestion=row.pk), {"take": "all"}).status_code == 409


def test_refining_asks_the_database_a_few_times_only(editor, address, shop):
    rows = [made(shop) for _ in range(4)]
    editor.get(address("refine"))
    for place, most in ((address("refine"), 9), (address("suggestion", suggestion=rows[0].pk), 10)):
        with CaptureQueriesContext(connection) as asked:
            page_of(editor.get(place))
        assert len(asked) <= most, "\n".join(query["sql"][:150] for query in asked)


class TestEndings:
    """What a page that looks again by itself is told at last."""

    def test_an_outdated_one_is_told_and_has_the_focus(self, editor, address, shop):
        row = made(shop)
        drafts.edit(instance=row_of(shop), revision=1, variables={"company": "Beta"}, by=SYSTEM, at=AT)
        part = page_of(editor.get(address("suggestion", suggestion=row.pk) + "?seen=running-7-1", headers=HTMX))

        assert "The draft was changed meanwhile, so this suggestion cannot be accepted." in part
        assert 'tabindex="-1" data-controller="focus">The suggestion' in part

    def test_a_failed_one_has_the_focus(self, editor, address, shop):
        row = made(shop, run=False)
        Suggestion.objects.filter(pk=row.pk).update(state="failed", error_code="502.llm_unavailable", ended_at=AT)
        part = page_of(editor.get(address("suggestion", suggestion=row.pk) + "?seen=running-7-1", headers=HTMX))

        assert "No suggestion came of it." in part
        assert 'tabindex="-1" data-controller="focus">The suggestion' in part

    @pytest.mark.parametrize("run", [True, False])
    def test_nobody_is_asked_to_go_on_with_an_archived_prompt(self, editor, address, shop, run):
        row = made(shop, run=run)
        drafts.archive(instance=row_of(shop), by=SYSTEM, at=AT)
        if not run:
            runs.run(suggestion_id=row.pk, by=SYSTEM, at=AT)
        for headers in ({}, HTMX):
            page = page_of(editor.get(address("suggestion", suggestion=row.pk) + "?seen=x", headers=headers))
            assert "Ask again" not in page
            assert "Improve this suggestion" not in page
            assert "Accept all" not in page
            assert "This prompt is archived: it is not edited any more." in page
