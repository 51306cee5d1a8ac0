"""Channels as the pages show them: where they point, what waits, and every move that was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from foundation.actors import Actor
from portal.access import Control
from portal.presenters import release_changes
from portal.presenters.registry_words import MARK, MOVE, RULE
from portal.presenters.release_changes import ReleaseChanges
from portal.presenters.showing import Shape
from portal.presenters.words import State
from registry import channels, pending, releases, standing
from registry.models import Activation, Bundle, Channel, Release, ReleaseMark

PAGE = 50


@dataclass(frozen=True, slots=True)
class Aimed:
    """Where something points: ``percent`` and the ``segments`` of the callers get ``second``, the others ``first``."""

    first: Release | None
    second: Release | None = None
    percent: int = 0
    segments: Sequence[str] = ()

    @property
    def rest(self) -> int:
        """Percent of the callers that get the first one."""
        return 100 - self.percent


@dataclass(frozen=True, slots=True)
class MoveLine:
    """One move of a channel, made or waiting. ``present`` is the one that made what is there now.

    ``withdraw`` says whether one that waits may be taken back.
    """

    row: Activation
    state: State
    aim: Aimed
    present: bool = False
    withdraw: Control | None = None

    @property
    def back(self) -> bool:
        """Whether it went to an older release."""
        old, new = self.row.previous, self.row.release
        return old is not None and new is not None and bytes(new.precedence) < bytes(old.precedence)

    @property
    def ended(self) -> bool:
        """Whether it ended a rollout and left the release as it was."""
        return self.aim.second is None and self.row.previous_id == self.row.release_id


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel of a list."""

    channel: Channel
    rule: State
    aim: Aimed
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """A channel: ``earlier`` is what a rollback goes to, ``marks`` what was said of the releases it points at."""

    channel: Channel
    rule: State
    aim: Aimed
    marks: Sequence[tuple[Release, ReleaseMark, State]]
    waiting: Sequence[MoveLine]
    page: Page[Any]
    lines: Sequence[MoveLine]
    earlier: Release | None


def aimed(row: Channel | Activation) -> Aimed:
    """Where a channel points, or a move leads."""
    return Aimed(row.release, row.split_release, row.split_percent or 0, tuple(row.split_segments))


def lines(bundle: Bundle) -> list[ChannelLine]:
    """A bundle's channels by name, with how many moves wait; two queries."""
    rows = list(channels.listing(bundle=bundle))
    waiting = standing.waiting(rows)
    return [ChannelLine(row, RULE[row.policy], aimed(row), waiting.get(row.pk, 0)) for row in rows]


def channel_page(*, channel: Channel, actor: Actor, may: Mapping[str, Control], number: str = "") -> ChannelPage:
    """Everything about a channel; as many queries for a thousand moves as for one."""
    waiting = list(pending.listing(channel=channel))
    own = pending.own(rows=waiting, actor=actor)
    page = Paginator(channels.history(channel=channel), PAGE).get_page(number)
    made = [_line(row, present=row.ordinal == channel.last_ordinal) for row in page]
    aim = aimed(channel)
    return ChannelPage(
        channel,
        RULE[channel.policy],
        aim,
        marks(aim),
        [_line(row, withdraw=withdrawing(row, may, own=row.pk in own)) for row in waiting],
        page,
        made,
        channels.earlier(channel=channel),
    )


def marks(aim: Aimed) -> list[tuple[Release, ReleaseMark, State]]:
    """What was said of the releases that something points at."""
    there = {release.pk: release for release in (aim.first, aim.second) if release is not None}
    return [(there[mark.release_id], mark, MARK[mark.kind]) for mark in standing.marks(there.values())]


def changes(*, old: Release | None, new: Release, shape: Shape = Shape.STRUCTURE) -> ReleaseChanges:
    """What callers get differently when one release takes the place of another."""
    before, after = ({} if one is None else releases.pins(release=one) for one in (old, new))
    return release_changes.between(old=release_changes.sealed(before), new=release_changes.sealed(after), shape=shape)


def move_line(row: Activation) -> MoveLine:
    """A move by itself."""
    return _line(row)


def withdrawing(row: Activation, may: Mapping[str, Control], *, own: bool) -> Control:
    """Whether a move that waits may be taken back: by whoever may decide about it, or asked for it."""
    enough = [may[permission] for permission in pending.withdrawing(activation=row, asked=own)]
    return next((control for control in enough if control.allowed), enough[-1])


def _line(row: Activation, *, present: bool = False, withdraw: Control | None = None) -> MoveLine:
    return MoveLine(row, MOVE[row.state], aimed(row), present, withdraw)
