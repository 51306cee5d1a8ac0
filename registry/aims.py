"""Where a channel points, or shall point: at a release, and perhaps at a second one that part of the callers get."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import QuerySet

from foundation.actors import Actor
from prompthub_kernel import shapes
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.place import Place
from prompthub_kernel.rollout import MAX_SEGMENT_LENGTH, MOST_SEGMENTS
from prompthub_kernel.semver import SemVer
from registry.models import Activation, Bundle, Channel, Release, ReleaseMark
from tenancy import policy
from tenancy.policy import Permission

_SEGMENT = re.compile(rf"[a-z0-9](?:[a-z0-9_.-]{{0,{MAX_SEGMENT_LENGTH - 1}}})")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

COLUMNS = ("release", "split_release", "split_percent", "split_segments")
"""In which channels and activations keep it."""


@dataclass(frozen=True, slots=True)
class Share:
    """Who gets the second release: ``percent`` of the callers, and all in one of the ``segments``."""

    percent: int
    segments: tuple[str, ...] = ()

    @classmethod
    def checked(cls, *, percent: Any, segments: Sequence[Any] = ()) -> Share:
        """The share that a caller names. Raises ``422.request_invalid`` at ``/percent`` or ``/segments``."""
        if type(percent) is not int or not 0 <= percent <= 100:
            shapes.refuse("/percent", "range", "A share is a whole number from 0 to 100.")
        if len(segments) > MOST_SEGMENTS:
            shapes.refuse("/segments", "maxItems", f"At most {MOST_SEGMENTS} segments.")
        for place, segment in enumerate(segments):
            if not isinstance(segment, str) or not _SEGMENT.fullmatch(segment):
                detail = f"A segment is 1 to {MAX_SEGMENT_LENGTH} of a-z, 0-9, and -, _ and . inside."
                shapes.refuse(f"/segments/{place}", "pattern", detail)
        return cls(percent, tuple(dict.fromkeys(segments)))


@dataclass(frozen=True, slots=True)
class Aim:
    """A release; and where there is a ``split``, that for the callers in ``share``."""

    release: Release
    split: Release | None = None
    share: Share | None = None

    @property
    def named(self) -> Release:
        """The release that this is about: the second one of a split."""
        return self.split or self.release


Choose: TypeAlias = Callable[[Channel], Aim]
"""Decides where to, given the channel's locked row."""


def of(*, row: Channel | Activation) -> Aim | None:
    """Where a channel points, or an activation wants it to; None for a channel that points nowhere yet."""
    if row.release is None:
        return None
    if row.split_release is None:
        return Aim(row.release)
    return Aim(row.release, row.split_release, share_of(row=row))


def share_of(*, row: Channel | Activation) -> Share | None:
    """Who gets the second release; None without one."""
    if row.split_release_id is None:
        return None
    return Share(row.split_percent or 0, tuple(row.split_segments))


def wanted(*, to: str | Release, share: Share | None, actor: Actor) -> Choose:
    """All callers get the release ``to``; with a share only those in it, and all others what they get now.

    Choosing raises what :func:`find` raises, and for a share ``409.state_conflict`` when the channel points nowhere yet
    or at that very release.
    """

    def choose(channel: Channel) -> Aim:
        release = find(bundle=channel.bundle, to=to, actor=actor)
        if share is None:
            return Aim(release)
        if channel.release is None:
            raise Conflict("409.state_conflict", "The channel points at nothing yet: activate a release first.")
        if release == channel.release:
            raise Conflict("409.state_conflict", f"The channel points at {release.version} already.")
        return Aim(channel.release, release, share)

    return choose


def find(*, bundle: Bundle, to: str | Release, actor: Actor) -> Release:
    """The release of a version or an id, locked against being reverted until commit.

    Raises ``400.release_unknown`` for a version that the bundle does not have, ``400.address_invalid`` for what is no
    version, and ``422.release_not_in_bundle`` for a release of another bundle that the actor may see.
    """
    rows = _held()
    if isinstance(to, Release):
        found = rows.filter(pk=to.pk).first()
    elif _ID.fullmatch(to):
        found = rows.filter(pk=uuid.UUID(to)).first()
    else:
        number = str(SemVer.parse(to, where=Place("/version"))).partition("+")[0]
        found = rows.filter(bundle=bundle, number=number).first()
    if found is not None and found.bundle_id == bundle.pk:
        found.bundle = bundle
        return found
    if found is not None and policy.can(actor, Permission.VIEW, found.bundle.project):
        raise Invalid(
            "422.release_not_in_bundle",
            f"That is a release of {found.bundle.address}, not of {bundle.address}.",
            problems=[Problem("/version", "bundle", "a release of another bundle")],
        )
    raise Invalid(
        "400.release_unknown",
        f"{bundle.address} has no such release.",
        problems=[Problem("/version", "unknown", "no such release")],
    )


def held(*, release: Release) -> Release:
    """The release, locked against being reverted until commit."""
    return _held().get(pk=release.pk)


def warnings(*, release: Release, confirm: bool) -> tuple[str, ...]:
    """What is to be said of pointing at a release: that it was retired, or yanked.

    Raises ``410.gone`` for a reverted one, and ``409.state_conflict`` for a yanked one unless ``confirm`` says that it
    is meant all the same.
    """
    marks = {mark.kind: mark for mark in ReleaseMark.objects.filter(release=release).order_by("id")}
    if ReleaseMark.Kind.REVERT in marks:
        raise NotFound("410.gone", f"Release {release.version} was reverted.")
    yanked = marks.get(ReleaseMark.Kind.YANK)
    if yanked is not None and not confirm:
        raise Conflict(
            "409.state_conflict",
            f"{_told(release, yanked)} Confirm that it is meant all the same.",
            context={"yanked": release.version, "reason": yanked.reason},
        )
    return tuple(_told(release, mark) for mark in marks.values())


def _held() -> QuerySet[Release]:
    return Release.objects.select_for_update(no_key=True, of=("self",)).order_by()


def _told(release: Release, mark: ReleaseMark) -> str:
    said = f": {mark.message.rstrip('.')}" if mark.message else ""
    return f"Release {release.version} was {mark.get_kind_display().lower()} ({mark.reason}){said}."
