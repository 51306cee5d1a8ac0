"""Moves of a channel that wait: proposed ones for somebody's approval, scheduled ones for their time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor, ActorKind
from prompthub_kernel.errors import Conflict, NotFound
from registry import aims, channels
from registry.aims import Aim, Share
from registry.models import Activation, Channel, Release
from registry.states import MOVES, WAITING
from tenancy import policy
from tenancy.models import ServiceToken
from tenancy.policy import Permission

S = Activation.State
_MAY_WITHDRAW = {
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
    """Take back what was proposed or scheduled: whoever asked for it, or may decide about it.

    Raises ``409.state_conflict`` when it was decided or made.
    """
    with locked(activation=activation) as row:
        project = row.channel.bundle.project
        policy.require(by, Permission.VIEW, project)
        if not hands(actor=by) & set(row.makers):
            policy.require(by, _MAY_WITHDRAW[Channel.Policy(row.policy)], project)
        require_move(activation=row, to=S.WITHDRAWN)
        action = _WITHDRAWN[S(row.state)]
        row.state = S.WITHDRAWN
        row.save(update_fields=["state"])
        subject = channels.subject(row.channel)
        events.record(action=action, subject=subject, by=by, at=at, metadata=facts(activation=row))
    return row


def make(*, activation: Activation, by: Actor, at: datetime) -> None:
    """Move the channel as an activation says that was approved, or is due. ``activation`` is the locked row.

    Raises ``409.version_conflict`` when it leads away from where the channel no longer is, ``409.state_conflict`` when
    the channel has another policy by now, and what :func:`registry.channels.move` raises.
    """
    require_ruled(activation=activation)
    if activation.guarded and activation.channel.release_id != activation.previous_id:
        raise channels.overtaken(channel=activation.channel)
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
) -> Aim:
    """Where to, of releases that can be pointed at; to a part of the callers with ``percent`` or ``segments``.

    Raises ``409.state_conflict`` when the channel points there already, and what :func:`registry.aims.wanted` and
    :func:`registry.aims.warnings` raise. ``channel`` is the locked row.
    """
    share = Share.checked(percent=percent or 0, segments=segments) if percent is not None or segments else None
    aim = aims.wanted(to=to, share=share, actor=by)(channel)
    if aim == aims.of(row=channel):
        raise Conflict("409.state_conflict", f"'{channel.name}' points there already.")
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


def named(*, activation: Activation) -> Release:
    """The release that it is about: the second one of a rollout."""
    found = activation.split_release or activation.release
    assert found is not None  # noqa: S101 - whoever asked said where to
    return found


def hands(*, actor: Actor) -> frozenset[str]:
    """Whose hands an actor has: its own, its account's, and those of the person who issued its token."""
    found = {actor.id}
    if actor.account is not None:
        found.add(str(actor.account.pk))
    if actor.kind is ActorKind.TOKEN:
        found |= set(ServiceToken.objects.filter(pk=actor.id).values_list("created_by", flat=True)) - {"system"}
    return frozenset(found)


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
