"""Moves of a channel for later: made when they are due by the database's clock, by whoever wakes first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction

from audit import events
from audit.actions import Action
from foundation import correlation
from foundation.actors import Actor, Door
from foundation.clock import database_now
from prompthub_kernel.errors import NotFound, PromptHubError, Refused
from prompthub_kernel.strict_json import require_storable
from registry import channels, pending
from registry.models import Activation, Channel, Release
from registry.pending import record
from tenancy import policy, tokens
from tenancy.policy import Permission

log = structlog.get_logger(__name__)
S = Activation.State
WAKE_AT_MOST = 100


def schedule(
    *,
    channel: Channel,
    to: str | Release,
    due_at: datetime,
    by: Actor,
    at: datetime,
    percent: int | None = None,
    segments: Sequence[str] = (),
    reason: str = "",
    expected: str | None = None,
    confirm: bool = False,
) -> Activation:
    """Move a channel when ``due_at`` has come; with ``percent`` or ``segments``, begin a rollout then.

    Whoever may move it now may. With ``expected`` it is made only if the channel still points there then. Under review
    a move for later is proposed, with ``due_at``. Raises what :func:`registry.channels.require_way`,
    :func:`registry.channels.require_expected` and :func:`registry.pending.wish` raise.
    """
    require_storable(reason, "/reason")
    with transaction.atomic():
        row = channels.locked(channel=channel)
        policy.require(by, Permission.VIEW, row.bundle.project)
        channels.require_way(channel=row, by=by, reason=reason)
        channels.require_expected(channel=row, expected=expected)
        aim = pending.wish(
            channel=row, to=to, percent=percent, segments=segments, confirm=confirm, by=by, due_at=due_at
        )
        activation = channels.asked(channel=row, aim=aim, by=by, at=at, reason=reason)
        activation.state, activation.due_at = S.SCHEDULED, due_at
        activation.guarded, activation.confirmed = expected is not None, confirm
        activation.makers = sorted(pending.hands(actor=by))
        activation.save(force_insert=True)
        record(action=Action.CHANNEL_SCHEDULE, activation=activation, by=by, at=at)
    return activation


def wake(*, by: Actor, at: datetime) -> int:
    """Make the moves that are due, the earliest first; returns how many were. May run twice and at once, or be killed.

    What can no longer be made, or was scheduled by somebody who may not any more, has failed: its row says why, and so
    does the log.
    """
    due = Activation.objects.filter(state=S.SCHEDULED, due_at__lte=database_now())
    return sum(
        _carry_out(key, by, at) for key in due.order_by("due_at", "id").values_list("pk", flat=True)[:WAKE_AT_MOST]
    )


def _carry_out(key: uuid.UUID, by: Actor, at: datetime) -> bool:
    """One move in a transaction of its own; whether it was made."""
    found = pending.rows().get(pk=key)
    with correlation.use(found.correlation_id or correlation.new()), pending.locked(activation=found) as row:
        if row.state != S.SCHEDULED or row.due_at is None or row.due_at > database_now():
            return False  # somebody else woke for it, or it was taken back
        try:
            with transaction.atomic():
                _require_right(row, at)
                pending.make(activation=row, by=by, at=at)
        except PromptHubError as error:
            _fail(row.pk, error, by, at)
            return False
    return True


def _require_right(row: Activation, at: datetime) -> None:
    """Go on only if whoever had it scheduled may still move the channel: under review whoever approved it.

    Raises ``409.state_conflict`` when the channel has another policy by now, ``403.permission_denied`` that names whose
    right is gone.
    """
    pending.require_ruled(activation=row)
    reviewed = row.policy == Channel.Policy.REVIEW
    key, label = (row.decided_by, row.decided_by_label) if reviewed else (row.by, row.by_label)
    try:
        actor = tokens.as_now(key=key, at=at, door=Door.WORKER)
        if reviewed:
            policy.require(actor, Permission.REVIEW, row.channel.bundle.project)
        else:
            channels.require_way(channel=row.channel, by=actor, reason=row.reason)
    except (NotFound, Refused) as error:
        why = error.detail if isinstance(error, Refused) else "The project can no longer be seen."
        told = f"{label} may no longer move '{row.channel.name}'. {why}"
        raise Refused("403.permission_denied", told) from error


def _fail(key: uuid.UUID, error: PromptHubError, by: Actor, at: datetime) -> None:
    row = pending.rows().get(pk=key)
    row.state, row.error_code, row.error_detail = S.FAILED, error.code, error.detail
    row.save(update_fields=["state", "error_code", "error_detail"])
    events.record(
        action=Action.CHANNEL_SCHEDULE_FAIL,
        subject=channels.subject(row.channel),
        by=by,
        at=at,
        metadata={**pending.facts(activation=row), "code": error.code},
    )
    log.warning("channel.schedule_failed", channel=str(row.channel_id), activation=str(row.pk), code=error.code)
