"""Asking for a suggestion, and deciding what becomes of it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from assist import refine, runs, switches, texts
from assist.llm.null import Null
from assist.models import Suggestion
from assist.states import LIVE, MOVES, OPEN, SuggestionState
from audit.models import AuditEvent
from instances import drafts
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Invalid, NotFound, PromptHubError, Refused
from publishing import bell
from tenancy import clients
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.fakes.says import Says

pytestmark = pytest.mark.django_db


@pytest.fixture
def instance():
    return factories.make_instance(
        body=PromptBody.parse(
            content_md="Speak for {{ company }}.\n\nBe {{ tone }}.\n\nNever shout.\n", content_json=None
        )
    )


def ask(instance, instruction="Be brief.", **more):
    given = {"revision": instance.revision, "by": SYSTEM, "at": AT, **more}
    return refine.suggest(instance=instance, instruction=instruction, **given)


def refusal_of(call, *arguments, **more) -> PromptHubError:
    with pytest.raises(PromptHubError) as refusal:
        call(*arguments, **more)
    return refusal.value


def actions():
    return [event.action for event in AuditEvent.objects.filter(action__startswith="suggestion.").order_by("id")]


def test_asking_writes_a_row_and_rings_after_the_commit(instance, monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    monkeypatch.setattr(bell, "send", lambda task, **ids: rung.append((task, ids)))
    with django_capture_on_commit_callbacks(execute=True):
        row = ask(instance, "  Be brief. \n")
        assert rung == []
    assert rung == [("assist.run_suggestion", {"suggestion_id": row.id})]
    row.refresh_from_db()
    assert (row.state, row.instruction, row.revision) == ("asked", "Be brief.", instance.revision)
    assert (row.base, row.text, row.provider) == (instance.body.source(), "", "scripted")
    assert (row.created_by, row.created_by_label, row.created_at) == (SYSTEM.id, SYSTEM.label, AT)
    [event] = AuditEvent.objects.filter(action="suggestion.ask")
    assert (event.subject_kind, event.subject_id) == ("instance", str(instance.id))
    assert event.metadata["suggestion"] == str(row.id)
    assert "brief" not in str(event.metadata)


@pytest.mark.parametrize("instruction", ["", " \n ", "x" * 4001, "a\0b"])
def test_an_instruction_says_something_and_not_too_much(instance, instruction):
    error = refusal_of(ask, instance, instruction)
    assert (error.code, error.problems[0].pointer) == ("422.request_invalid", "/instruction")


def test_the_revision_must_be_the_present_one(instance):
    assert refusal_of(ask, instance, revision=99).code == "409.draft_stale"


def test_archived_prompts_and_clients_are_not_refined(instance):
    drafts.archive(instance=instance, by=SYSTEM, at=AT)
    assert refusal_of(ask, instance).code == "409.archived"
    other = factories.make_instance()
    clients.archive(client=other.client, by=SYSTEM, at=AT)
    other.client.refresh_from_db()
    assert refusal_of(ask, other).code == "409.archived"


def test_only_editors_ask_accept_and_reject(instance):
    row = factories.make_suggestion(instance=instance)
    for role, code in (("viewer", "403.permission_denied"), (None, "404.not_found")):
        by = factories.make_actor(roles={instance.client: role} if role else {})
        assert refusal_of(ask, instance, by=by).code == code
        assert refusal_of(refine.accept, suggestion=row, by=by, at=AT).code == code
        assert refusal_of(refine.reject, suggestion=row, by=by, at=AT).code == code
    editor = factories.make_actor(roles={instance.client: "editor"})
    assert refine.reject(suggestion=row, by=editor, at=AT).state == "rejected"
    assert refine.get(key=row.id, actor=editor) == row
    with pytest.raises(NotFound):
        refine.get(key=row.id, actor=factories.make_actor())


@pytest.mark.parametrize("where", ["instruction", "draft"])
def test_the_value_of_a_secret_is_never_asked_about(where):
    schema = {"type": "object", "properties": {"pin": {"type": "string", "x-secret": True}}}
    text = "Use {{ pin }}." + (" It is kumquat-7319." if where == "draft" else "")
    instance = factories.make_instance(
        template_version=factories.make_template_version(content_md=text, variables_schema=schema),
        variables={"pin": "kumquat-7319"},
    )
    error = refusal_of(ask, instance, "Say kumquat-7319 twice." if where == "instruction" else "Be brief.")
    assert (error.code, error.problems[0].code) == ("422.request_invalid", "secret")
    assert "kumquat" not in str(error) + error.problems[0].detail
    assert not Suggestion.objects.exists()


def test_a_previous_suggestion_is_one_for_the_same_prompt_with_a_text(instance):
    first = factories.make_suggestion(instance=instance)
    assert ask(instance, previous=first).previous == first
    for other in (factories.make_suggestion(), factories.make_suggestion(instance=instance, run=False)):
        assert refusal_of(ask, instance, previous=other).problems[0].pointer == "/previous"


@pytest.mark.parametrize("off", ["installation", "client", "model"])
def test_a_feature_that_is_off_refuses(instance, settings, model, off):
    row = factories.make_suggestion(instance=instance)
    if off == "installation":
        settings.ASSIST = {**settings.ASSIST, "refine": False}
    elif off == "client":
        switches.switch(client=instance.client, enabled=False, by=SYSTEM, at=AT)
    else:
        model(Null())
    for call in (lambda: ask(instance), lambda: refine.accept(suggestion=row, by=SYSTEM, at=AT)):
        with pytest.raises(Refused) as refusal:
            call()
        assert refusal.value.code == "403.feature_off"
    assert refine.reject(suggestion=row, by=SYSTEM, at=AT).state == "rejected"


def test_a_whole_suggestion_becomes_the_draft(instance):
    row = factories.make_suggestion(instance=instance)
    edited = refine.accept(suggestion=row, by=SYSTEM, at=AT)
    assert (edited.content_md, edited.revision) == (row.text, instance.revision + 1)
    row.refresh_from_db()
    assert (row.state, row.ended_at) == ("accepted", AT)
    assert actions() == ["suggestion.ask", "suggestion.ready", "suggestion.accept"]
    assert AuditEvent.objects.get(action="suggestion.accept").metadata["taken"] == "whole"
    assert AuditEvent.objects.filter(action="instance.draft.edit").count() == 1


def test_an_edited_text_takes_the_place_of_the_suggested_one(instance):
    row = factories.make_suggestion(instance=instance)
    edited = refine.accept(suggestion=row, text="By hand, for {{ company }}.", by=SYSTEM, at=AT)
    assert edited.content_md == "By hand, for {{ company }}."
    assert AuditEvent.objects.get(action="suggestion.accept").metadata["taken"] == "edited"


def test_an_edited_text_that_cannot_be_used_leaves_everything_as_it_was(instance):
    row = factories.make_suggestion(instance=instance)
    error = refusal_of(refine.accept, suggestion=row, text="{{ invented }}", by=SYSTEM, at=AT)
    assert error.code == "400.template_schema_invalid"
    row.refresh_from_db()
    assert (row.state, drafts.get(key=instance.id, actor=SYSTEM).revision) == ("ready", instance.revision)


def test_some_changes_become_the_draft_without_the_others(instance, model):
    new = "Speak kindly for {{ company }}.\n\nBe {{ tone }}.\n\nNever shout or whisper.\n"
    row = factories.make_suggestion(instance=instance, port=Says(new))
    names = [texts.change_id(hunk) for hunk in row.changes.hunks]
    assert len(names) == 2
    edited = refine.accept(suggestion=row, changes=names[1:], by=SYSTEM, at=AT)
    assert edited.content_md == "Speak for {{ company }}.\n\nBe {{ tone }}.\n\nNever shout or whisper.\n"
    assert AuditEvent.objects.get(action="suggestion.accept").metadata["changes"] == 1


def test_changes_that_alone_drop_a_variable_are_refused(instance):
    new = "Speak.\n\nBe {{ tone }}.\n\nNever shout at {{ company }}.\n"
    row = factories.make_suggestion(instance=instance, port=Says(new))
    names = [texts.change_id(hunk) for hunk in row.changes.hunks]
    error = refusal_of(refine.accept, suggestion=row, changes=names[:1], by=SYSTEM, at=AT)
    assert (error.code, error.problems[0].code) == ("422.request_invalid", "variable_dropped")
    assert refine.accept(suggestion=row, changes=names, by=SYSTEM, at=AT).content_md == new


def test_a_document_is_suggested_and_accepted_as_one():
    version = factories.make_template_version(content_json={"a": "one", "b": "two"})
    instance = factories.make_instance(template_version=version)
    row = factories.make_suggestion(instance=instance, port=Says('{"a": "one", "b": "two", "c": "three"}'))
    assert row.text == '{\n  "a": "one",\n  "b": "two",\n  "c": "three"\n}'
    edited = refine.accept(suggestion=row, by=SYSTEM, at=AT)
    assert edited.content_json == {"a": "one", "b": "two", "c": "three"}


def test_a_text_or_changes_but_not_both(instance):
    row = factories.make_suggestion(instance=instance)
    with pytest.raises(Invalid):
        refine.accept(suggestion=row, text="x", changes=["0" * 16], by=SYSTEM, at=AT)


def test_a_draft_that_was_changed_makes_its_suggestion_stale(instance):
    row = factories.make_suggestion(instance=instance)
    assert row.standing is SuggestionState.READY
    drafts.edit(instance=instance, revision=instance.revision, name="other", by=SYSTEM, at=AT)
    row = refine.get(key=row.id, actor=SYSTEM)
    assert (row.state, row.standing) == ("ready", SuggestionState.STALE)
    for _ in ("before and after it is written down", "that it is stale"):
        assert refusal_of(refine.accept, suggestion=row, by=SYSTEM, at=AT).code == "409.draft_stale"
        assert refusal_of(refine.reject, suggestion=row, by=SYSTEM, at=AT).code == "409.state_conflict"
        runs.sweep()
        row = refine.get(key=row.id, actor=SYSTEM)
        assert row.state == "stale"
    assert row.text


@pytest.mark.parametrize("state", ["asked", "failed", "accepted", "rejected"])
def test_only_a_ready_suggestion_is_decided_about(instance, state):
    row = factories.make_suggestion(instance=instance, run=state != "asked", instruction="Well")
    if state == "failed":
        row = factories.make_suggestion(instance=instance, instruction="[malformed]")
    elif state in {"accepted", "rejected"}:
        {"accepted": refine.accept, "rejected": refine.reject}[state](suggestion=row, by=SYSTEM, at=AT)
    for call in (refine.accept, refine.reject):
        error = refusal_of(call, suggestion=row, by=SYSTEM, at=AT)
        assert isinstance(error, Conflict)
        assert (error.code, state in error.detail) == ("409.state_conflict", True)


def test_the_table_of_states_is_whole():
    assert set(MOVES) == set(SuggestionState)
    assert {state for state, moves in MOVES.items() if moves} == set(LIVE)
    assert set(OPEN) < set(LIVE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "lost"},
        {"state": "accepted", "ended_at": None},
        {"state": "ready", "ended_at": AT},
        {"state": "failed", "ended_at": AT, "error_code": ""},
        {"state": "ready", "error_code": "502.llm_unavailable"},
    ],
)
def test_the_database_holds_rows_to_their_states(instance, wrong):
    row = factories.make_suggestion(instance=instance)
    with pytest.raises(IntegrityError), transaction.atomic():
        Suggestion.objects.filter(pk=row.pk).update(**wrong)
