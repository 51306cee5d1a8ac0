"""Live editing: what was written goes to the callers of a live channel at once (seed 003, ``:live``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from foundation.actors import Actor
from registry import aims, bundles, channels, releases
from registry.channels import Moved
from registry.models import Channel
from registry.releases import Cut
from tenancy import policy
from tenancy.policy import Permission


@dataclass(frozen=True, slots=True)
class WentLive:
    """The release that was cut, and the move to it."""

    cut: Cut
    moved: Moved


def go_live(
    *,
    channel: Channel,
    version: str,
    by: Actor,
    at: datetime,
    revision: int | None = None,
    notes: str = "",
    reason: str = "",
    expected: str | None = None,
) -> WentLive:
    """Cut a release of the channel's bundle and have all callers of the channel get it: both, or nothing.

    For a channel that the actor may move at once: raises ``409.review_required`` and ``403.channel_locked`` before
    anything is sealed, and what :func:`registry.releases.cut` and :func:`registry.channels.activate` raise.
    """
    policy.require(by, Permission.PUBLISH, channel.bundle.project)
    with transaction.atomic():
        bundles.locked(bundle=channel.bundle, revision=revision)
        row = channels.locked(channel=channel)
        channels.require_way(channel=row, by=by, reason=reason)
        channels.require_expected(channel=row, expected=expected)
        cut = releases.cut(bundle=row.bundle, version=version, by=by, at=at, revision=revision, notes=notes)
        choose = aims.wanted(to=cut.release, share=None, actor=by)
        return WentLive(cut, channels.move(channel=row, choose=choose, by=by, at=at, reason=reason))
