"""Rollouts: a second release for a part of a channel's callers, raised step by step, ended in one call.

Who gets it is decided by :mod:`prompthub_kernel.rollout`, for every reader the same. Each step is a move of the channel
like any other, with its own ordinal, under the rules of its policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from foundation.actors import Actor
from prompthub_kernel.errors import Conflict
from registry import aims, channels
from registry.aims import Aim, Share
from registry.channels import Moved
from registry.models import Channel, Release


def split(
    *,
    channel: Channel,
    to: str | Release,
    percent: int,
    by: Actor,
    at: datetime,
    segments: Sequence[str] = (),
    reason: str = "",
    expected: str | None = None,
    confirm: bool = False,
) -> Moved:
    """Give ``percent`` of the callers, and all in ``segments``, another release; the others keep what they have.

    Begins a rollout or changes the one that goes on. Raising the share of a release moves nobody back. Raises
    ``422.request_invalid`` at ``/percent`` and ``/segments``, ``409.state_conflict`` for the release that the channel
    points at, and what :func:`registry.channels.move` raises.
    """
    choose = aims.wanted(to=to, share=Share.checked(percent=percent, segments=segments), actor=by)
    return channels.move(
        channel=channel, choose=choose, by=by, at=at, reason=reason, expected=expected, confirm=confirm
    )


def stop(*, channel: Channel, by: Actor, at: datetime, reason: str = "") -> Moved:
    """End the rollout and give all callers the first release again, in one move.

    Under review a reviewer may, without a proposal: what remains was approved. Raises ``409.state_conflict`` when no
    rollout goes on, ``409.review_required``, ``403.channel_locked``.
    """
    return channels.move(channel=channel, choose=None, by=by, at=at, reason=reason)


def finish(
    *, channel: Channel, by: Actor, at: datetime, reason: str = "", expected: str | None = None, confirm: bool = False
) -> Moved:
    """Give all callers the second release. Raises what :func:`stop` does, and ``409.version_conflict``."""

    def choose(row: Channel) -> Aim:
        if row.split_release is None:
            raise Conflict("409.state_conflict", "No rollout is going on.")
        return Aim(aims.held(release=row.split_release))

    return channels.move(
        channel=channel, choose=choose, by=by, at=at, reason=reason, expected=expected, confirm=confirm
    )
