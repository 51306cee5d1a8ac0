"""The worker's side of a suggestion: take the row, ask the model, check what it wrote, write down what came of it.

A run may be started twice, or end in the middle: the row is leased, the lease is fenced by ``tries``, and the sweep
rings again for what nobody is at work on. No transaction is open while the model writes.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from assist import asking, llm, metrics, refine, switches, texts
from assist.models import Suggestion
from assist.ports import Ending, Finish, LlmError, LlmPort
from assist.states import MOVES, SuggestionState
from audit import events
from audit.actions import Action
from foundation import correlation, redaction, tracing
from foundation.actors import Actor
from foundation.clock import database_now
from instances import versions
from prompthub_kernel.errors import Invalid, Problem, PromptHubError, Unavailable
from publishing import bell
from tenancy import clients

log = structlog.get_logger(__name__)
PROGRESS_SECONDS = 0.25
LEASE_SECONDS = 10.0  # beyond the deadline of the call
RESERVED_SECONDS = 5.0
TRIES = 3
LONGEST_ANSWER = 512 * 1024
"""Characters: twice the largest prompt, so that there is room for notes."""
SWEEP_AT_MOST = 500
_ACTIONS = {SuggestionState.READY: Action.SUGGESTION_READY, SuggestionState.FAILED: Action.SUGGESTION_FAIL}


class LostRow(Exception):
    """Somebody else took the row over, or it was ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    state: SuggestionState
    text: str = field(default="", repr=False)
    notes: str = field(default="", repr=False)
    finish: Finish | None = None
    error: PromptHubError | None = None


@dataclass(slots=True)
class _Written:
    """What the model wrote, as far as it came."""

    pieces: list[str] = field(default_factory=list)
    size: int = 0
    finish: Finish | None = None

    @property
    def answer(self) -> str:
        return "".join(self.pieces)


def run(*, suggestion_id: uuid.UUID, by: Actor, at: datetime) -> bool:
    """Ask the model for a suggestion that was asked for; False when there is nothing to do, or too much at once."""
    started = time.monotonic()
    row = _claim(suggestion_id)
    if row is None:
        return False
    bound = {"suggestion_id": str(row.id), "instance_id": str(row.instance_id), "provider": row.provider}
    with (
        correlation.use(row.correlation_id or correlation.new()),
        structlog.contextvars.bound_contextvars(**bound),
        tracing.span("suggestion.run", **bound) as span,
        redaction.known_secrets(settings.ASSIST["key"], *versions.secrets_ever(instance=row.instance)),
    ):
        outcome = _outcome(row, llm.chosen())
        if outcome is None:
            return False
        span.set_attribute("outcome", str(outcome.state))
        ended = _settle(row, outcome, by, at + timedelta(seconds=time.monotonic() - started))
        code = outcome.error.code if outcome.error is not None else ""
        log.info("suggestion.ended", state=str(outcome.state), code=code, written=ended)
    metrics.suggestions.labels(provider=row.provider, outcome=str(outcome.state)).inc()
    if code == "500.internal_error" and outcome.error is not None and outcome.error.__cause__ is not None:
        raise outcome.error.__cause__
    return ended


def sweep(*, limit: int = SWEEP_AT_MOST) -> int:
    """Ring for suggestions nobody is at work on, as many as may run; returns for how many. Marks what is stale."""
    now = database_now()
    stale = Suggestion.objects.filter(state=SuggestionState.READY).exclude(revision=F("instance__revision"))
    if ids := list(stale.values_list("pk", flat=True)[:limit]):
        still = Suggestion.objects.filter(pk__in=ids, state=SuggestionState.READY)
        still.update(state=SuggestionState.STALE, ended_at=now)
    free = settings.ASSIST["at_once"] - _running(now).count()
    waiting = Suggestion.objects.filter(_takeable(now)).filter(Q(rung_until__isnull=True) | Q(rung_until__lte=now))
    due = list(waiting.order_by("created_at", "pk").values_list("pk", flat=True)[: max(0, free)])
    if due:
        Suggestion.objects.filter(pk__in=due).update(rung_until=now + timedelta(seconds=RESERVED_SECONDS))
    for key in due:
        bell.send(refine.RUN, suggestion_id=key)
    return len(due)


def _takeable(now: datetime) -> Q:
    return Q(state=SuggestionState.ASKED) | Q(state=SuggestionState.RUNNING, leased_until__lte=now)


def _running(now: datetime) -> QuerySet[Suggestion]:
    return Suggestion.objects.filter(state=SuggestionState.RUNNING, leased_until__gt=now)


def _claim(key: uuid.UUID) -> Suggestion | None:
    """The row, leased; None when it is taken, or as many run as may: models must not hold up deliveries."""
    with transaction.atomic():
        now = database_now()
        row = Suggestion.objects.select_for_update().filter(_takeable(now), pk=key).first()
        if row is None or _running(now).count() >= settings.ASSIST["at_once"]:
            return None
        row.state = SuggestionState.RUNNING
        row.tries += 1
        row.leased_until = now + timedelta(seconds=settings.ASSIST["seconds"] + LEASE_SECONDS)
        row.save(update_fields=["state", "tries", "leased_until"])
    return Suggestion.objects.select_related("previous", "instance__client", "instance__template_version").get(pk=key)


def _outcome(row: Suggestion, port: LlmPort) -> Outcome | None:
    """What came of it; None when the row was lost on the way."""
    written = _Written()
    try:
        _require_sensible(row, port)
        if row.instance.revision != row.revision:
            return Outcome(SuggestionState.STALE)
        _listen(row, port, written)
        return _judged(row, written)
    except LostRow:
        return None
    except PromptHubError as error:
        return _failed(row, written, error)
    except DatabaseError:
        raise  # nothing can be written down now; the lease ends and the sweep rings again
    except Exception as surprise:  # noqa: BLE001 - raised again once the row says that nothing comes of it
        broken = PromptHubError("500.internal_error")
        broken.__cause__ = surprise
        return _failed(row, written, broken)


def _failed(row: Suggestion, written: _Written, error: PromptHubError) -> Outcome:
    notes = asking.read(answer=written.answer, mark=asking.mark_of(row), base=row.base).notes
    return Outcome(SuggestionState.FAILED, notes=notes, finish=written.finish, error=error)


def _require_sensible(row: Suggestion, port: LlmPort) -> None:
    """Raises when the model is not to be asked at all."""
    clients.require_active(row.instance.client)
    switches.require_on(client=row.instance.client)
    if row.tries > TRIES:
        raise LlmError("Its worker stopped each time the model was asked.", again=False)
    if Suggestion.objects.filter(provider=port.name, retry_at__gt=database_now()).exists():
        raise LlmError("The model's provider asked for patience.")


def _listen(row: Suggestion, port: LlmPort, written: _Written) -> None:
    """Take in the answer, and show how far it has come."""
    mark, shown = asking.mark_of(row), time.monotonic()
    asked = port.complete(messages=asking.messages(suggestion=row), deadline=settings.ASSIST["seconds"])
    with closing(_generator(asked)) as pieces:
        for piece in pieces:
            if isinstance(piece, Finish):
                written.finish = piece
                break
            written.pieces.append(piece)
            written.size += len(piece)
            if written.size > LONGEST_ANSWER:
                raise _unusable("too_long", "The model wrote more than a prompt can hold.")
            if time.monotonic() - shown >= PROGRESS_SECONDS:
                _show(row, asking.partial(answer=written.answer, mark=mark))
                shown = time.monotonic()


def _generator(pieces: Iterator[str | Finish]) -> Any:
    """The same, to be closed: a connection ends when nobody listens any more."""
    yield from pieces


def _show(row: Suggestion, progress: str) -> None:
    mine = Suggestion.objects.filter(pk=row.pk, state=SuggestionState.RUNNING, tries=row.tries)
    if not mine.update(progress=progress):
        raise LostRow


def _judged(row: Suggestion, written: _Written) -> Outcome:
    """A suggestion, when what the model wrote may be shown as one. Raises ``502.llm_answer_unusable``."""
    finish = written.finish
    if finish is None:
        raise LlmError("The model broke off before the end of its answer.")
    if finish.ending is Ending.REFUSED:
        raise _unusable("refused", "The model refused.")
    if finish.ending is Ending.TOO_LONG:
        raise _unusable("too_long", "The model ran into its limit before the end of its answer.")
    reply = asking.read(answer=written.answer, mark=asking.mark_of(row), base=row.base)
    if not written.answer.strip() or reply.text == "":
        raise _unusable("empty", "The model answered with nothing.")
    if reply.text is None:
        raise _unusable("malformed", "The model did not answer in the form it was asked for.")
    try:
        before, after = (texts.body_of(instance=row.instance, source=source) for source in (row.base, reply.text))
    except Invalid as error:
        raise _unusable("text", "The model's text is no prompt.", list(error.problems)) from error
    if broken := texts.broken_rules(instance=row.instance, before=before, after=after):
        raise _unusable("variables", "The model's text does not keep to the prompt's variables.", broken)
    if after.source() == row.base:
        raise _unusable("unchanged", "The model left the text as it was.")
    return Outcome(SuggestionState.READY, text=after.source(), notes=reply.notes, finish=finish)


def _unusable(code: str, detail: str, problems: list[Problem] | None = None) -> Unavailable:
    return Unavailable("502.llm_answer_unusable", detail, problems=problems or [Problem("/text", code, detail)])


def _settle(row: Suggestion, outcome: Outcome, by: Actor, at: datetime) -> bool:
    """Write how a run ended, if the row is still ours; False when it is not (then nothing is written)."""
    with transaction.atomic():
        mine = Suggestion.objects.select_for_update().filter(pk=row.pk, state=SuggestionState.RUNNING, tries=row.tries)
        if mine.first() is None or outcome.state not in MOVES[SuggestionState.RUNNING]:
            return False
        row.state, row.text, row.notes, row.progress = outcome.state, outcome.text, redaction.redact(outcome.notes), ""
        row.ended_at = None if outcome.state is SuggestionState.READY else at
        row.leased_until = None
        if outcome.finish is not None:
            row.model = outcome.finish.model[:200] or row.model
            row.input_tokens, row.output_tokens = outcome.finish.input_tokens, outcome.finish.output_tokens
        if outcome.error is not None:
            _explain(row, outcome.error)
        row.save()
        if (action := _ACTIONS.get(outcome.state)) is not None:
            metadata = {
                "suggestion": str(row.id),
                "revision": row.revision,
                "code": row.error_code,
                "input_tokens": row.input_tokens,
                "output_tokens": row.output_tokens,
            }
            events.record(action=action, subject=refine.subject(row), by=by, at=at, metadata=metadata)
    return True


def _explain(row: Suggestion, error: PromptHubError) -> None:
    row.error_code, row.error_detail = error.code, redaction.redact(error.detail)
    row.again = error.retryable
    row.problems = [
        {"pointer": problem.pointer, "code": problem.code, "detail": problem.detail} for problem in error.problems
    ]
    if isinstance(error, LlmError) and error.retry_after is not None:
        row.retry_at = database_now() + timedelta(seconds=error.retry_after)
