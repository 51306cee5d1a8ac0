"""Moves of a channel that wait: proposed ones for somebody's approval, scheduled ones for their time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from audit import events
from audit.actions import Action
from foundation.actors import SYSTEM, Actor, ActorKind
from foundation.clock import database_now
from prompthub_kernel import shapes
from prompthub_kernel.errors import Conflict, NotFound, Refused
from registry import aims, channels
from registry.aims import Aim, Share
from registry.models import Activation, Channel, Release
from registry.states import MOVES, WAITING
from tenancy import policy, tokens
from tenancy.models import ServiceToken
from tenancy.policy import Permission

S = Activation.State
MOST_ISSUERS = 100
"""Tokens that issued each other, one after another, which are followed back."""
LAST_YEAR = 2999
"""Up to which moves are scheduled: later is what somebody writes who means never."""
_DECIDES = {
    Channel.Policy.LIVE: Permission.PUBLISH,
    Channel.Policy.REVIEW: Permission.REVIEW,
    Channel.Policy.LOCKED: Permission.DEPLOY,
}
_WITHDRAWN = {S.PROPOSED: Action.CHANNEL_PROPOSAL_WITHDRAW, S.SCHEDULED: Action.CHANNEL_SCHEDULE_WITHDRAW}


def get(*, key: uuid.UUID | str, actor: Actor) -> Activation:
    """An activation by id, as far as the actor may see its project; ``404.not_found`` otherwise."""
    found = rows().filter(pk=key).first()
    if found is None or not policy.can(actor, Permission.VIEW, found.channel.bundle.project):
        raise NotFound("404.not_found", "No such activation.")
    return found


def listing(*, channel: Channel) -> QuerySet[Activation]:
    """What is proposed or scheduled for a channel, the oldest first."""
    return rows().filter(channel=channel, state__in=WAITING).order_by("at", "id")


def withdraw(*, activation: Activation, by: Actor, at: datetime) -> Activation:
    """Take back what was proposed or scheduled: whoever may decide about it, or asked for it and still may.

    Raises ``403.permission_denied`` for others, ``409.state_conflict`` when it was decided or made.
    """
    with locked(activation=activation) as row:
        project = row.channel.bundle.project
        enough = withdrawing(activation=row, asked=row.pk in own(rows=[row], actor=by))
        policy.require(by, next((one for one in enough if policy.can(by, one, project)), enough[-1]), project)
        require_move(activation=row, to=S.WITHDRAWN)
        action = _WITHDRAWN[S(row.state)]
        row.state = S.WITHDRAWN
        row.save(update_fields=["state"])
        record(action=action, activation=row, by=by, at=at)
    return row


def withdrawing(*, activation: Activation, asked: bool) -> tuple[Permission, ...]:
    """The permissions each of which is enough to take back what waits: to decide about it or, for whoever ``asked``
    for it, to ask for it.
    """
    decides = _DECIDES[Channel.Policy(activation.policy)]
    return (decides, Permission.PUBLISH) if asked and decides is Permission.REVIEW else (decides,)


def make(*, activation: Activation, by: Actor, at: datetime) -> None:
    """Move the channel as an activation says that was approved, or is due. ``activation`` is the locked row.

    Raises ``409.version_conflict`` when it is guarded and the channel was moved since, ``409.state_conflict`` when the
    channel has another policy by now, and what :func:`registry.channels.move` raises.
    """
    require_ruled(activation=activation)
    if activation.guarded:
        require_unmoved(activation=activation)
    channels.move(
        channel=activation.channel,
        choose=aims.wanted(to=named(activation=activation), share=aims.share_of(row=activation), actor=by),
        by=by,
        at=at,
        reason=activation.reason,
        confirm=activation.confirmed,
        activation=activation,
    )


def wish(
    *,
    channel: Channel,
    to: str | Release,
    percent: int | None,
    segments: Sequence[str],
    confirm: bool,
    by: Actor,
    due_at: datetime | None = None,
    instead_of: Activation | None = None,
) -> Aim:
    """Where to, of releases that can be pointed at; to a part of the callers with ``percent`` or ``segments``.

    With ``due_at`` the channel is taken as it will be then, as far as that is known: after the moves that are scheduled
    for before, but for the one that this is asked ``instead_of``. Raises ``422.request_invalid`` for a ``due_at`` that
    has passed or lies beyond :data:`LAST_YEAR`, ``409.state_conflict`` when the channel points there already, and what
    :func:`registry.aims.wanted` and :func:`registry.aims.warnings` raise. ``channel`` is the locked row.
    """
    share = Share.checked(percent=percent or 0, segments=segments) if percent is not None or segments else None
    then = channel if due_at is None else _then(channel, due_at, instead_of)
    aim = aims.wanted(to=to, share=share, actor=by)(then)
    if aim == aims.of(row=then):
        if aim == aims.of(row=channel):
            raise Conflict("409.state_conflict", f"'{channel.name}' points there already.")
        raise Conflict("409.state_conflict", f"'{channel.name}' will point there already when the time has come.")
    aims.warnings(release=aim.named, confirm=confirm)
    return aim


@contextmanager
def locked(*, activation: Activation) -> Iterator[Activation]:
    """A transaction with the channel's row and then the activation's locked."""
    with transaction.atomic():
        channel = channels.locked(channel=activation.channel)
        Activation.objects.select_for_update().get(pk=activation.pk)
        row = rows().get(pk=activation.pk)
        row.channel = channel
        yield row


def require_move(*, activation: Activation, to: Activation.State) -> None:
    """Raises ``409.state_conflict`` when its state does not lead there."""
    if to not in MOVES[S(activation.state)]:
        raise Conflict(
            "409.state_conflict",
            f"It is {activation.get_state_display().lower()}, which cannot become {to.label.lower()}.",
            context={"state": str(activation.state)},
        )


def require_ruled(*, activation: Activation) -> None:
    """Raises ``409.state_conflict`` when the channel has another policy than the one it was asked for under."""
    if activation.channel.policy != activation.policy:
        raise Conflict(
            "409.state_conflict",
            f"'{activation.channel.name}' was made {activation.channel.policy} since this was asked for: withdraw it.",
            context={"policy": activation.channel.policy},
        )


def require_unmoved(*, activation: Activation) -> None:
    """Raises ``409.version_conflict`` when the channel was moved since it was looked at, back to there, too; but for
    moves that were scheduled for before it by then.
    """
    if not unmoved(activation=activation):
        raise channels.overtaken(channel=activation.channel)


def unmoved(*, activation: Activation) -> bool:
    """Whether all moves since it was looked at were scheduled by then, for a time before its own."""
    moves = activation.channel.last_ordinal - activation.seen_ordinal
    if not moves or activation.due_at is None:
        return not moves
    known = Activation.objects.filter(channel=activation.channel, ordinal__gt=activation.seen_ordinal)
    known = known.filter(due_at__lte=activation.due_at).alias(settled=Coalesce(F("decided_at"), F("at")))
    return known.filter(settled__lte=activation.decided_at or activation.at).count() == moves


def named(*, activation: Activation) -> Release:
    """The release that it is about: the second one of a rollout."""
    found = activation.split_release or activation.release
    assert found is not None  # noqa: S101 - whoever asked said where to
    return found


def own(*, rows: Iterable[Activation], actor: Actor) -> frozenset[uuid.UUID]:
    """The ids of those that an actor asked for itself: as this account, or with a token of it. At most one query.

    Who issued a token has no part in it: one administrator issues those of many.
    """
    askers = {row.pk: row.by for row in rows}
    mine = {actor.id}
    if actor.account is not None:
        mine.add(str(actor.account.pk))
        if others := [asker for asker in {*askers.values()} - mine if tokens.ID.fullmatch(asker)]:
            held = ServiceToken.objects.order_by().filter(pk__in=others, account=actor.account.pk)
            mine.update(str(key) for key in held.values_list("pk", flat=True))
    return frozenset(key for key, asker in askers.items() if asker in mine)


def hands(*, actor: Actor) -> frozenset[str]:
    """Whose hands an actor has: its own, its account's, and those of who issued its token: of that one's account and
    issuer, too, if it was a token, and so on up to a person or the operator. They forbid to approve and allow nothing:
    what is an actor's own tells :func:`own`.

    Raises ``403.permission_denied`` beyond :data:`MOST_ISSUERS` of them.
    """
    found = {actor.id}
    if actor.account is not None:
        found.add(str(actor.account.pk))
    if actor.kind is ActorKind.TOKEN:
        found |= _issuers(actor.id)
    return frozenset(found)


def record(*, action: Action, activation: Activation, by: Actor, at: datetime) -> None:
    """Have the ledger tell what was done about an activation."""
    subject = channels.subject(activation.channel)
    events.record(action=action, subject=subject, by=by, at=at, metadata=facts(activation=activation))


def rows() -> QuerySet[Activation]:
    """Activations with everything they name."""
    return Activation.objects.select_related("channel__bundle__project", "release", "split_release", "previous")


def facts(*, activation: Activation) -> dict[str, Any]:
    """What the ledger keeps of an activation that waits, or waited."""
    aim = named(activation=activation)
    return {
        "activation": str(activation.pk),
        "to": str(aim.pk),
        "digest": aim.digest,
        "percent": activation.split_percent,
        "revision": activation.revision,
    }


def _then(channel: Channel, due_at: datetime, instead_of: Activation | None) -> Channel:
    """The channel as it will be, as far as is known: after what is scheduled and can still be made."""
    if due_at <= database_now():
        shapes.refuse("/due_at", "range", "This time has passed.")
    if due_at.year > LAST_YEAR:
        shapes.refuse("/due_at", "range", f"At the latest in the year {LAST_YEAR}.")
    then = Channel(**{name: getattr(channel, name) for name in ("id", "bundle", "name", *aims.COLUMNS)})
    before = rows().filter(channel=channel, state=S.SCHEDULED, policy=channel.policy, due_at__lte=due_at)
    for row in before.order_by("due_at", "id"):
        row.channel = channel
        first = row.release if row.split_release is None else then.release
        if row == instead_of or (row.guarded and not unmoved(activation=row)):
            continue
        if first is not None and first != row.split_release:
            channels.set_aim(row=then, aim=Aim(first, row.split_release, aims.share_of(row=row)))
    return then


def _issuers(token: str) -> set[str]:
    """Who issued a token, who issued theirs, and so on, each with the account it acts for."""
    rows = ServiceToken.objects.order_by().values_list("account_id", "created_by")
    found: set[str] = set()
    for _ in range(MOST_ISSUERS):
        row = rows.filter(pk=token).first()
        if row is None:  # a person's id in a host whose people have UUIDs
            return found
        account, issuer = str(row[0]), row[1]
        circle = issuer in found
        found |= {account, issuer} - {SYSTEM}  # whoever sits at the command line
        if circle or not tokens.ID.fullmatch(issuer):
            return found
        token = issuer
    raise Refused("403.permission_denied", "Too many tokens issued each other to tell whose hand this one is.")
