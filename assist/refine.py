"""Ask a model to refine a draft, and decide what becomes of its suggestion (seed 002, "Refine with AI").

Asking writes a row; a worker asks the model (``assist.runs``). What a model writes is a suggestion and nothing else:
only :func:`accept`, by a person or a service, brings it into the draft.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from assist import llm, switches, texts
from assist.models import Suggestion
from assist.states import MOVES, SuggestionState
from audit import events
from audit.actions import Action
from foundation import correlation
from foundation.actors import Actor
from foundation.after_commit import after_commit
from foundation.clock import from_database_now
from foundation.redaction import SHORTEST_SECRET
from instances import drafts, versions
from instances.models import PromptInstance
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.strict_json import require_storable
from publishing import bell
from tenancy import clients, policy
from tenancy.models import Client
from tenancy.policy import Permission

RUN = "assist.run_suggestion"  # by name: tasks stand above the verbs that ring for them
LONGEST_INSTRUCTION = 4_000
RUNG_SECONDS = 2.0


def suggest(
    *,
    instance: PromptInstance,
    instruction: str,
    revision: int,
    by: Actor,
    at: datetime,
    previous: Suggestion | None = None,
) -> Suggestion:
    """Ask for a suggestion for the draft as it is at ``revision``; with ``previous``, for a better one than that.

    Raises ``403.feature_off``, ``409.draft_stale``, ``409.archived``, and ``422.request_invalid`` for an instruction
    or a draft that a model must not see because it holds the value of a secret variable.
    """
    policy.require(by, Permission.EDIT, instance.client)
    clients.require_active(instance.client)
    switches.require_on(client=instance.client)
    wish = _instruction(instruction)
    port = llm.chosen()
    with transaction.atomic():
        draft = drafts.locked(instance=instance)
        drafts.require_revision(draft=draft, revision=revision)
        base = draft.body.source()
        _require_no_secret(draft, {"/instruction": wish, "/revision": base})
        if previous is not None and (previous.instance_id != draft.pk or not previous.text):
            unknown = Problem("/previous", "unknown", "is no suggestion for this prompt that has a text")
            raise NotFound("404.not_found", "There is no such suggestion to go on from.", problems=[unknown])
        row = Suggestion(
            instance=draft,
            previous=previous,
            revision=draft.revision,
            instruction=wish,
            base=base,
            provider=port.name,
            model=port.model,
            rung_until=from_database_now(RUNG_SECONDS),
            created_at=at,
            created_by=by.id,
            created_by_label=by.label,
            correlation_id=correlation.current(),
        )
        row.save(force_insert=True)
        _record(Action.SUGGESTION_ASK, row, by, at, {"provider": port.name, "model": port.model})
        after_commit(bell.send, RUN, suggestion_id=row.id)
    return row


def accept(
    *, suggestion: Suggestion, by: Actor, at: datetime, text: str | None = None, changes: Sequence[str] | None = None
) -> PromptInstance:
    """Bring a suggestion into the draft: all of it, an edited ``text`` instead, or those ``changes`` alone.

    Names of changes are :func:`assist.texts.change_id`. Raises ``409.draft_stale`` when the draft was changed since,
    ``409.state_conflict`` unless the suggestion is ready, ``403.feature_off``, ``422.request_invalid`` when the
    chosen changes alone drop a variable, and what ``instances.drafts.edit`` raises for a text that cannot be used.
    """
    client = suggestion.instance.client
    policy.require(by, Permission.EDIT, client)
    switches.require_on(client=client)
    if text is not None and changes is not None:
        raise _invalid("/changes", "not", "only one of text and changes")
    with transaction.atomic():
        row = _locked(suggestion)
        if row.state not in {SuggestionState.READY, SuggestionState.STALE}:
            raise Conflict("409.state_conflict", f"Only a ready suggestion is accepted; this one is {row.state}.")
        draft = drafts.locked(instance=row.instance)
        drafts.require_revision(draft=draft, revision=row.revision)
        source = row.text if text is None else text
        if changes is not None:
            source = texts.with_changes(old=row.base, new=row.text, chosen=changes)
        body = texts.body_of(instance=draft, source=source)
        if changes is not None and (broken := texts.broken_rules(instance=draft, before=draft.body, after=body)):
            raise Invalid(
                "422.request_invalid",
                "These changes belong to others of the suggestion: alone they break the prompt.",
                problems=[Problem("/changes", problem.code, problem.detail) for problem in broken],
            )
        edited = drafts.edit(instance=draft, revision=row.revision, body=body, by=by, at=at)
        _end(row, SuggestionState.ACCEPTED, at)
        taken = "edited" if text is not None else "whole" if changes is None else "changes"
        metadata = {"taken": taken, "changes": len(changes or ()), "digest": body.digest()}
        _record(Action.SUGGESTION_ACCEPT, row, by, at, metadata)
    return edited


def reject(*, suggestion: Suggestion, by: Actor, at: datetime) -> Suggestion:
    """Put a suggestion aside; the draft stays as it is. Raises ``409.state_conflict`` unless it is ready."""
    policy.require(by, Permission.EDIT, suggestion.instance.client)
    with transaction.atomic():
        row = _locked(suggestion)
        if row.standing is not SuggestionState.READY:
            raise Conflict("409.state_conflict", f"Only a ready suggestion is rejected; this one is {row.standing}.")
        _end(row, SuggestionState.REJECTED, at)
        _record(Action.SUGGESTION_REJECT, row, by, at, {})
    return row


def get(*, key: uuid.UUID | str, actor: Actor) -> Suggestion:
    """A suggestion by id, as far as the actor may see its client; ``404.not_found`` otherwise."""
    found = listing(actor=actor).filter(pk=key).first()
    if found is None:
        raise NotFound("404.not_found", "No such suggestion.")
    return found


def listing(*, actor: Actor) -> QuerySet[Suggestion]:
    """Suggestions for the prompts of the clients the actor may see."""
    return Suggestion.objects.filter(instance__client__in=policy.visible(actor, Client)).select_related(
        "instance__client", "instance__template_version__template"
    )


def subject(suggestion: Suggestion) -> events.Subject:
    """A suggestion as the ledger knows it: something about its prompt."""
    return drafts.subject(suggestion.instance)


def _instruction(given: str) -> str:
    """What is asked for, without white space around it."""
    wish = given.strip()
    if not 0 < len(wish) <= LONGEST_INSTRUCTION:
        raise _invalid("/instruction", "maxLength", f"1 to {LONGEST_INSTRUCTION} characters")
    require_storable(wish, "/instruction")
    return wish


def _require_no_secret(draft: PromptInstance, sent: dict[str, str]) -> None:
    """A model sees the places of secrets, never their values, also where a person wrote one into the text."""
    secrets = [value for value in versions.secrets_ever(instance=draft) if len(value) >= SHORTEST_SECRET]
    for pointer, text in sent.items():
        if any(value in text for value in secrets):
            raise _invalid(pointer, "secret", "holds the value of a secret variable, which a model must not see")


def _locked(suggestion: Suggestion) -> Suggestion:
    """The row itself, locked until commit."""
    Suggestion.objects.select_for_update().get(pk=suggestion.pk)
    return Suggestion.objects.select_related("instance__client", "instance__template_version").get(pk=suggestion.pk)


def _end(row: Suggestion, state: SuggestionState, at: datetime) -> None:
    if state not in MOVES[SuggestionState(row.state)]:
        raise Conflict("409.state_conflict", f"A suggestion does not go from {row.state} to {state}.")
    row.state, row.ended_at = state, at
    row.save(update_fields=["state", "ended_at"])


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid("422.request_invalid", problems=[Problem(pointer, code, detail)])


def _record(action: Action, row: Suggestion, by: Actor, at: datetime, metadata: dict[str, object]) -> None:
    told = {"suggestion": str(row.id), "revision": row.revision, **metadata}
    events.record(action=action, subject=subject(row), by=by, at=at, metadata=told)
