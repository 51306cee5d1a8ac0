"""Proposals: moves of a channel under review, which somebody else has to approve.

A proposal says from where to where. Whoever approves names the revision that was looked at, and a change of the
proposal makes another one; a change of an approved one that is not due yet takes the approval away. Nobody approves
what they asked for or changed: by their own account, by a token they issued, or by whoever issued theirs, however many
tokens lie between. Superusers neither. It is changed by the account that asked for it alone, with whichever token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit.actions import Action
from foundation.actors import Actor
from foundation.clock import database_now
from prompthub_kernel import shapes
from prompthub_kernel.errors import Conflict, Refused
from prompthub_kernel.hidden_characters import shows_something
from prompthub_kernel.strict_json import require_storable
from registry import aims, channels, pending
from registry.models import Activation, Channel, Release
from registry.pending import record
from tenancy import policy
from tenancy.models import Project
from tenancy.policy import Permission

S = Activation.State


def propose(
    *,
    channel: Channel,
    to: str | Release,
    by: Actor,
    at: datetime,
    percent: int | None = None,
    segments: Sequence[str] = (),
    due_at: datetime | None = None,
    reason: str = "",
    confirm: bool = False,
) -> Activation:
    """Ask for a move of a channel under review; with ``percent`` or ``segments``, for a rollout to that share.

    Approved, it is made at once or, with ``due_at``, then. Raises ``409.state_conflict`` for a channel that is not
    under review, or points there already, ``403.channel_locked``, and what :func:`registry.pending.wish` raises.
    """
    require_storable(reason, "/reason")
    with transaction.atomic():
        row = channels.locked(channel=channel)
        policy.require(by, Permission.PUBLISH, row.bundle.project)
        if row.policy == Channel.Policy.LOCKED:
            raise Refused("403.channel_locked", f"'{row.name}' is not moved by review.")
        if row.policy == Channel.Policy.LIVE:
            raise Conflict("409.state_conflict", f"'{row.name}' is not under review: move it.")
        aim = pending.wish(
            channel=row, to=to, percent=percent, segments=segments, confirm=confirm, by=by, due_at=due_at
        )
        proposal = channels.asked(channel=row, aim=aim, by=by, at=at, reason=reason)
        proposal.state, proposal.guarded, proposal.confirmed = S.PROPOSED, True, confirm
        proposal.makers, proposal.due_at = sorted(pending.hands(actor=by)), due_at
        proposal.save(force_insert=True)
        record(action=Action.CHANNEL_PROPOSAL_MAKE, activation=proposal, by=by, at=at)
    return proposal


def change(
    *,
    proposal: Activation,
    revision: int,
    to: str | Release,
    by: Actor,
    at: datetime,
    percent: int | None = None,
    segments: Sequence[str] = (),
    due_at: datetime | None = None,
    reason: str = "",
    confirm: bool = False,
) -> Activation:
    """Ask for something else instead, as whoever made the proposal. An approval that it has is lost, and whoever
    changed it has made it, too.

    Raises ``409.proposal_changed`` for another revision, ``409.state_conflict`` when it is no longer to be decided,
    ``403.permission_denied`` for somebody else, and what :func:`propose` raises.
    """
    require_storable(reason, "/reason")
    with pending.locked(activation=proposal) as row:
        policy.require(by, Permission.PUBLISH, row.channel.bundle.project)
        if row.pk not in pending.own(rows=[row], actor=by):
            raise Refused("403.permission_denied", "Whoever proposed it may change it; others propose something else.")
        _require_undecided(row, also=S.SCHEDULED)
        _require_revision(row, revision)
        aim = pending.wish(
            channel=row.channel,
            to=to,
            percent=percent,
            segments=segments,
            confirm=confirm,
            by=by,
            due_at=due_at,
            instead_of=row,
        )
        channels.set_aim(row=row, aim=aim)
        channels.look(activation=row)
        hands = pending.hands(actor=by)
        row.state, row.revision, row.makers = S.PROPOSED, row.revision + 1, sorted(hands.union(row.makers))
        row.due_at, row.reason, row.confirmed = due_at, reason, confirm
        row.decided_at, row.decided_by, row.decided_by_label, row.comment = None, "", "", ""
        row.save()
        record(action=Action.CHANNEL_PROPOSAL_CHANGE, activation=row, by=by, at=at)
    return row


def approve(
    *, proposal: Activation, revision: int, by: Actor, at: datetime, comment: str = "", confirm: bool = False
) -> Activation:
    """Make the move that is proposed or, when it is not due yet, schedule it.

    ``confirm`` goes on although the channel was moved since it was proposed, or the release was yanked
    since. Raises ``403.permission_denied`` for one's own, ``409.proposal_changed`` for another revision than the one
    looked at, ``409.state_conflict`` when it was decided, ``409.version_conflict`` when the channel moved since, and
    what :func:`registry.pending.make` raises.
    """
    require_storable(comment, "/comment")
    with pending.locked(activation=proposal) as row:
        policy.require(by, Permission.REVIEW, row.channel.bundle.project)
        if pending.hands(actor=by) & set(row.makers):
            raise Refused("403.permission_denied", "Nobody approves their own proposal: somebody else has to.")
        _require_undecided(row)
        _require_revision(row, revision)
        if not confirm:
            pending.require_unmoved(activation=row)
        channels.look(activation=row)
        row.confirmed = row.confirmed or confirm
        _decide(row, comment, by, at)
        record(action=Action.CHANNEL_PROPOSAL_APPROVE, activation=row, by=by, at=at)
        if row.due_at is not None and row.due_at > database_now():
            aims.warnings(release=pending.named(activation=row), confirm=row.confirmed)
            row.state = S.SCHEDULED
            row.save()
        else:
            pending.make(activation=row, by=by, at=at)
    return row


def reject(*, proposal: Activation, comment: str, by: Actor, at: datetime) -> Activation:
    """Say no, and why. Raises ``422.request_invalid`` without a comment, ``409.state_conflict`` when it was decided, or
    the channel is no longer under review.
    """
    require_storable(comment, "/comment")
    with pending.locked(activation=proposal) as row:
        policy.require(by, Permission.REVIEW, row.channel.bundle.project)
        pending.require_move(activation=row, to=S.REJECTED)
        pending.require_ruled(activation=row)
        if not shows_something(comment):
            shapes.refuse("/comment", "required", "Say why, so that another proposal can be better.")
        row.state = S.REJECTED
        _decide(row, comment, by, at)
        row.save()
        record(action=Action.CHANNEL_PROPOSAL_REJECT, activation=row, by=by, at=at)
    return row


def queue(*, actor: Actor) -> QuerySet[Activation]:
    """What waits for a decision where the actor may review, the oldest first; one's own is among it."""
    projects = policy.visible(actor, Project, Permission.REVIEW)
    return pending.rows().filter(state=S.PROPOSED, channel__bundle__project__in=projects).order_by("at", "id")


def _decide(row: Activation, comment: str, by: Actor, at: datetime) -> None:
    row.decided_at, row.decided_by, row.decided_by_label, row.comment = at, by.id, by.label, comment


def _require_undecided(row: Activation, also: Activation.State = S.PROPOSED) -> None:
    if row.policy != Channel.Policy.REVIEW:
        raise Conflict("409.state_conflict", "It was scheduled, not proposed: take it back and schedule another.")
    if row.state not in {S.PROPOSED, also}:
        told = row.get_state_display().lower()
        raise Conflict("409.state_conflict", f"It is {told}: nothing is left to decide.", context={"state": row.state})
    pending.require_ruled(activation=row)


def _require_revision(row: Activation, revision: int) -> None:
    if row.revision != revision:
        raise Conflict(
            "409.proposal_changed",
            "The proposal was changed since you looked at it: look again.",
            context={"revision": row.revision},
        )
