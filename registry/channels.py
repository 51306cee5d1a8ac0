"""Channels: names of a bundle that move. The one writer of where they point.

A move is one row of ``Activation``, whoever made it and however: its ordinal is newer than all before it, also when it
goes back. Whether the actor may move the channel is asked here, under the lock, so that every door meets the same rule:

- *live*: whoever may publish in the project;
- *review*: only by approving a proposal (:mod:`registry.reviews`); a reviewer may end a rollout, to roll back is that;
- *locked*: only a token with the scope ``deploy``, and with a reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from audit import events
from audit.actions import Action
from foundation import broadcast, correlation
from foundation.actors import Actor, ActorKind
from foundation.clock import rfc3339
from prompthub_kernel import shapes
from prompthub_kernel.errors import Conflict, NotFound, Problem, Refused
from prompthub_kernel.hidden_characters import shows_something
from prompthub_kernel.place import Place
from prompthub_kernel.selector import LATEST, Named
from prompthub_kernel.semver import SemVer
from prompthub_kernel.strict_json import require_storable
from registry import aims
from registry.aims import Aim, Choose
from registry.choosing import HIDDEN
from registry.models import Activation, Bundle, Channel, Release
from tenancy import policy
from tenancy.policy import Permission, Scope

REMEMBERED = 1_000
"""Moves that a rollback without a version looks back over."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move came to: the activation that made the present state, and what is to be said of the release.

    Not ``changed``: the channel pointed there already, and nothing was written.
    """

    channel: Channel
    activation: Activation
    changed: bool
    warnings: tuple[str, ...] = ()


def create(*, bundle: Bundle, name: str, by: Actor, at: datetime, rule: str = Channel.Policy.LIVE) -> Channel:
    """A channel that points nowhere yet: ``stable``, or ``active@staging`` for an environment. ``rule`` is its policy.

    A live one may be made by whoever may publish, another by administrators. Raises ``400.address_invalid`` for what is
    no name, ``422.request_invalid`` for ``latest``, and ``409.version_conflict`` when the bundle has it already.
    """
    wanted = _rule(rule)
    policy.require(by, Permission.PUBLISH if wanted == Channel.Policy.LIVE else Permission.ADMIN, bundle.project)
    if Named.parse(name, where=Place("/name")).name == LATEST:
        shapes.refuse("/name", "reserved", "latest is computed: it is the highest release, and no channel.")
    channel = Channel(bundle=bundle, name=name, policy=wanted, created_at=at, updated_at=at)
    try:
        with transaction.atomic():
            channel.save(force_insert=True)
            metadata = {"policy": str(wanted)}
            events.record(action=Action.CHANNEL_CREATE, subject=subject(channel), by=by, at=at, metadata=metadata)
            broadcast.announce(topic="channel", key=f"{bundle.pk}/{name}")
    except IntegrityError as error:
        raise Conflict(
            "409.version_conflict",
            "The bundle has a channel of that name.",
            problems=[Problem("/name", "unique", "is there already")],
        ) from error
    return channel


def set_policy(*, channel: Channel, rule: str, by: Actor, at: datetime) -> Channel:
    """Say how the channel moves from now on; where it points stays. What waits under another policy will fail."""
    policy.require(by, Permission.ADMIN, channel.bundle.project)
    wanted = _rule(rule)
    with transaction.atomic():
        row = locked(channel=channel)
        before = row.policy
        if before != wanted:
            row.policy, row.updated_at = wanted, at
            row.save(update_fields=["policy", "updated_at"])
            metadata = {"from": before, "to": str(wanted)}
            events.record(action=Action.CHANNEL_POLICY_SET, subject=subject(row), by=by, at=at, metadata=metadata)
    return row


def get(*, bundle: Bundle, name: str, actor: Actor) -> Channel:
    """A channel by name, as far as the actor may see its project. Raises ``404.channel_not_found``."""
    found = _read().filter(bundle=bundle, name=name).first()
    if found is None or not policy.can(actor, Permission.VIEW, found.bundle.project):
        raise NotFound("404.channel_not_found", "The bundle has no channel of that name.")
    return found


def listing(*, bundle: Bundle) -> QuerySet[Channel]:
    """A bundle's channels by name, with where they point. Whoever sees the bundle sees them."""
    return _read().filter(bundle=bundle).order_by("name")


def current(*, bundle: Bundle, name: str, actor: Actor) -> Aim:
    """Where a channel points. Raises ``404.channel_not_found``, also when it points nowhere yet."""
    aim = aims.of(row=get(bundle=bundle, name=name, actor=actor))
    if aim is None:
        raise NotFound("404.channel_not_found", "No release is active on this channel yet.")
    return aim


def history(*, channel: Channel) -> QuerySet[Activation]:
    """The moves that were made, newest first: also what can be rolled back to."""
    return _moves(channel).filter(ordinal__isnull=False).order_by("-ordinal")


def activate(
    *,
    channel: Channel,
    to: str | Release,
    by: Actor,
    at: datetime,
    reason: str = "",
    expected: str | None = None,
    confirm: bool = False,
) -> Moved:
    """Have all callers of the channel get a release, given by version or id; a rollout that was going on ends.

    ``expected`` is the version that the caller believes to be there, ``""`` for none: another one raises
    ``409.version_conflict``. ``confirm`` allows a yanked release. Raises what :func:`move` does.
    """
    choose = aims.wanted(to=to, share=None, actor=by)
    return move(channel=channel, choose=choose, by=by, at=at, reason=reason, expected=expected, confirm=confirm)


def rollback(
    *,
    channel: Channel,
    by: Actor,
    at: datetime,
    to: str | Release | None = None,
    reason: str = "",
    expected: str | None = None,
    confirm: bool = False,
) -> Moved:
    """Go back: to a release given by version or id, else to what all callers got before.

    While a rollout goes on, that is to end it, which under review a reviewer may; else the release that was active
    before the present one and is neither yanked nor reverted: twice in a row goes back twice. Raises
    ``409.state_conflict`` when there is none.
    """
    choose = _before if to is None else aims.wanted(to=to, share=None, actor=by)
    return move(channel=channel, choose=choose, by=by, at=at, reason=reason, expected=expected, confirm=confirm)


def earlier(*, channel: Channel) -> Release | None:
    """The release that was active before the present one and is neither yanked nor reverted; None without any.

    Going back to a release forgets what came after it.
    """
    way = [*ways(rows=[channel])[channel.pk]]
    offered = Release.objects.filter(pk__in=way).exclude(marks__kind__in=HIDDEN).in_bulk()
    return next((offered[key] for key in reversed(way) if key in offered), None)


def ways(*, rows: Iterable[Channel]) -> dict[uuid.UUID, dict[uuid.UUID, None]]:
    """The releases by which channels came to the present ones, in order and without those, by the channel's id; one
    query for all of them.
    """
    found: dict[uuid.UUID, dict[uuid.UUID, None]] = {row.pk: {} for row in rows}
    moves = Activation.objects.filter(channel__in=found, ordinal__gt=F("channel__last_ordinal") - REMEMBERED)
    for channel, release in moves.order_by("ordinal").values_list("channel_id", "release_id"):
        way = found[channel]
        while release in way:
            way.popitem()
        way[release] = None
    for way in found.values():
        if way:
            way.popitem()
    return found


def move(
    *,
    channel: Channel,
    choose: Choose | None,
    by: Actor,
    at: datetime,
    reason: str = "",
    expected: str | None = None,
    confirm: bool = False,
    activation: Activation | None = None,
) -> Moved:
    """The one place where a channel moves; ``choose`` None ends its rollout. Doors call verbs that call this.

    ``activation`` is a row that waited and was approved or is due: who approves needs ``review``, all else was asked by
    :mod:`registry.reviews` or when it was scheduled. Raises ``409.review_required``, ``403.channel_locked``,
    ``409.version_conflict``, ``400.release_unknown``, ``422.release_not_in_bundle``, ``410.gone``, and
    ``409.state_conflict`` for a yanked release without ``confirm``, unless all others have it anyway, and when an
    ``activation`` wants the channel where it points already.
    """
    require_storable(reason, "/reason")
    with transaction.atomic():
        row = locked(channel=channel)
        if activation is None:
            ending = choose is None or (choose is _before and row.split_release_id is not None)
            require_way(channel=row, by=by, reason=reason, ending=ending)
        else:
            policy.require(by, Permission.REVIEW, row.bundle.project)
        require_expected(channel=row, expected=expected)
        aim = (choose or _whole)(row)
        warnings = aims.warnings(release=aim.named, confirm=confirm or aim.named == row.release)
        if aim == aims.of(row=row):
            if activation is not None:
                raise Conflict("409.state_conflict", f"'{row.name}' points there already.")
            return Moved(row, history(channel=row)[0], changed=False, warnings=warnings)
        if activation is None:
            activation = asked(channel=row, aim=aim, by=by, at=at, reason=reason)
        _point(row, aim, activation, by, at)
        return Moved(row, activation, changed=True, warnings=warnings)


def asked(*, channel: Channel, aim: Aim, by: Actor, at: datetime, reason: str) -> Activation:
    """A move that somebody asks for, not yet stored. ``channel`` is the locked row."""
    activation = Activation(
        channel=channel,
        policy=channel.policy,
        at=at,
        by=by.id,
        by_label=by.label,
        reason=reason,
        correlation_id=correlation.current(),
    )
    look(activation=activation)
    set_aim(row=activation, aim=aim)
    return activation


def look(*, activation: Activation) -> None:
    """Have an activation remember where its channel points now, and how often it was moved; nothing is stored."""
    activation.previous, activation.seen_ordinal = activation.channel.release, activation.channel.last_ordinal


def set_aim(*, row: Channel | Activation, aim: Aim) -> None:
    """Say where an activation that waits wants the channel, or where the channel will point; nothing is stored."""
    _aim(row, aim)


def require_way(*, channel: Channel, by: Actor, reason: str, ending: bool = False) -> None:
    """Go on only if the actor may move the channel at once, or (``ending``) end its rollout.

    Raises ``409.review_required``, ``403.channel_locked``, ``422.request_invalid`` without a reason where one is
    needed, and what the policy raises. ``channel`` is the locked row.
    """
    project = channel.bundle.project
    if channel.policy == Channel.Policy.LOCKED:
        policy.require(by, Permission.VIEW, project)
        if by.kind is not ActorKind.TOKEN or Scope.DEPLOY not in (by.scopes or ()):
            raise Refused("403.channel_locked", f"Only a token with the scope 'deploy' moves '{channel.name}'.")
        policy.require(by, Permission.DEPLOY, project)
        if not shows_something(reason):
            shapes.refuse("/reason", "required", "A locked channel is moved with a reason.")
    elif channel.policy == Channel.Policy.REVIEW and ending:
        policy.require(by, Permission.REVIEW, project)
    else:
        policy.require(by, Permission.PUBLISH, project)
        if channel.policy != Channel.Policy.LIVE:
            raise Conflict("409.review_required", f"'{channel.name}' moves when somebody else approved: propose it.")


def require_expected(*, channel: Channel, expected: str | None) -> None:
    """Go on only if the channel points at the version that is expected, ``""`` for nothing; None expects nothing.

    Raises ``409.version_conflict`` that says what is there, since when and by whom. ``channel`` is the locked row.
    """
    if expected is None:
        return
    there = "" if channel.release is None else channel.release.number
    if there == (expected and str(SemVer.parse(expected, where=Place("/expected"))).partition("+")[0]):
        return
    raise overtaken(channel=channel)


def overtaken(*, channel: Channel) -> Conflict:
    """What to say when the channel does not point where it was believed to."""
    there = channel.release.version if channel.release is not None else ""
    last = history(channel=channel).first()
    told = {"by": last.by_label, "at": rfc3339(last.active_at or last.at)} if last is not None else {}
    return Conflict(
        "409.version_conflict",
        f"'{channel.name}' points at {there or 'nothing'} now: look again before you move it.",
        context={"version": there, "ordinal": channel.last_ordinal, **told},
    )


def locked(*, channel: Channel) -> Channel:
    """The channel's row, locked until commit, with its bundle and where it points."""
    Channel.objects.select_for_update().get(pk=channel.pk)  # apart: a join could show what was there before the wait
    return _read().get(pk=channel.pk)


def subject(channel: Channel) -> events.Subject:
    """A channel as the ledger knows it."""
    return events.Subject(
        kind="channel",
        id=str(channel.pk),
        label=f"{channel.bundle.address}@{channel.name}",
        project_id=channel.bundle.project_id,
    )


def _point(row: Channel, aim: Aim, activation: Activation, by: Actor, at: datetime) -> None:
    """Move the pointer, write the row that tells of it, record it, and tell every process."""
    row.last_ordinal += 1
    activation.state, activation.ordinal, activation.active_at = Activation.State.ACTIVE, row.last_ordinal, at
    activation.previous = previous = row.release
    _aim(activation, aim)
    activation.save()
    _aim(row, aim)
    row.updated_at = at
    row.save(update_fields=["last_ordinal", "updated_at", *aims.COLUMNS])
    events.record(
        action=Action.CHANNEL_ACTIVATE,
        subject=subject(row),
        by=by,
        at=at,
        metadata={
            "activation": str(activation.pk),
            "ordinal": activation.ordinal,
            "from": str(previous.pk) if previous else None,
            "to": str(aim.release.pk),
            "digest": aim.release.digest,
            "split": str(aim.split.pk) if aim.split else None,
            "percent": row.split_percent,
            "segments": len(row.split_segments),
        },
    )
    broadcast.announce(topic="channel", key=f"{row.bundle_id}/{row.name}")


def _aim(row: Channel | Activation, aim: Aim) -> None:
    row.release, row.split_release = aim.release, aim.split
    row.split_percent = aim.share.percent if aim.share else None
    row.split_segments = list(aim.share.segments) if aim.share else []


def _whole(row: Channel) -> Aim:
    """Where a channel points, without its rollout."""
    if row.split_release is None or row.release is None:
        raise Conflict("409.state_conflict", "No rollout is going on.")
    return Aim(row.release)


def _before(row: Channel) -> Aim:
    """What all callers got before."""
    if row.split_release is not None:
        return _whole(row)
    found = earlier(channel=row)
    if found is None:
        raise Conflict("409.state_conflict", "There is no earlier release to go back to.")
    return Aim(aims.held(release=found))


def _read() -> QuerySet[Channel]:
    return Channel.objects.select_related("bundle__project", "release", "split_release")


def _moves(channel: Channel) -> QuerySet[Activation]:
    return Activation.objects.filter(channel=channel).select_related("release", "split_release", "previous")


def _rule(word: str) -> Channel.Policy:
    if word not in Channel.Policy.values:
        shapes.refuse("/policy", "enum", "A channel is live, review or locked.")
    return Channel.Policy(word)
