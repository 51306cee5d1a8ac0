"""How bundles and channels stand, for whoever draws lists of them: in as many queries for a hundred as for one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Count, IntegerField, Model, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from foundation.actors import Actor
from registry import pending
from registry.models import (
    Activation,
    Bundle,
    Channel,
    Inclusion,
    Member,
    Release,
    ReleaseMark,
    ReleaseRequirement,
    Requirement,
)
from registry.states import WAITING
from tenancy import policy
from tenancy.models import Project

_HIDDEN = (ReleaseMark.Kind.YANK, ReleaseMark.Kind.REVERT)


def bundles(rows: QuerySet[Bundle]) -> QuerySet[Bundle]:
    """Bundles with ``newest_version`` and ``newest_at`` (what ``latest`` means, None without any), and how many
    ``prompt_count``, ``release_count``, ``requirement_count`` and ``waiting_count`` (moves that wait) there are;
    ``channels`` are fetched with where they point.
    """
    released = Release.objects.filter(bundle=OuterRef("pk")).exclude(marks__kind__in=_HIDDEN)
    newest = released.filter(variant="", pre_release=False).order_by("-precedence")
    waiting = Activation.objects.filter(channel__bundle=OuterRef("pk"), state__in=WAITING)
    pointing = Channel.objects.select_related("release", "split_release").order_by("name")
    return rows.annotate(
        newest_version=Subquery(newest.values("version")[:1]),
        newest_at=Subquery(newest.values("created_at")[:1]),
        prompt_count=_count(Member.objects.filter(bundle=OuterRef("pk")), "bundle"),
        release_count=_count(Release.objects.filter(bundle=OuterRef("pk")), "bundle"),
        requirement_count=_count(Requirement.objects.filter(bundle=OuterRef("pk")), "bundle"),
        waiting_count=_count(waiting, "channel__bundle"),
    ).prefetch_related(Prefetch("channels", queryset=pointing))


def marks(rows: Iterable[Release]) -> list[ReleaseMark]:
    """What was said of some releases, the newest first."""
    return list(ReleaseMark.objects.filter(release__in=list(rows)).order_by("-id"))


def warnings(rows: Iterable[Release]) -> list[ReleaseMark]:
    """Why some releases should not be used any more, the last said first; of several retirements of one the last."""
    found: dict[tuple[uuid.UUID, str], ReleaseMark] = {}
    for mark in marks(rows):
        if mark.kind != ReleaseMark.Kind.REVERT:
            found.setdefault((mark.release_id, mark.kind), mark)
    return [*found.values()]


def pointing(rows: Iterable[Release]) -> dict[uuid.UUID, list[Channel]]:
    """The channels that point at each of some releases, for all callers or for a part of them; by the release's id."""
    keys = {row.pk for row in rows}
    found: dict[uuid.UUID, list[Channel]] = {}
    there = Channel.objects.filter(Q(release__in=keys) | Q(split_release__in=keys))
    for channel in there.select_related("release", "split_release").order_by("name"):
        for key in keys & {channel.release_id, channel.split_release_id}:
            found.setdefault(key, []).append(channel)
    return found


def requirements(release: Release) -> list[ReleaseRequirement]:
    """What a release needs, with the releases that were chosen when it was cut."""
    rows = release.requirements.select_related("required__project", "resolved")
    return list(rows.order_by("required__project__slug", "required__slug"))


def inclusions(release: Release) -> list[Inclusion]:
    """The prompts of other releases whose texts a release has in its own, by the names of those."""
    return list(release.inclusions.select_related("included__bundle__project").order_by("name", "id"))


def before(release: Release) -> Release | None:
    """The next lower release of its variant that was not taken back."""
    rows = Release.objects.filter(bundle=release.bundle_id, variant=release.variant)
    rows = rows.exclude(marks__kind=ReleaseMark.Kind.REVERT).filter(precedence__lt=release.precedence)
    return rows.order_by("-precedence").first()


def asked_by(actor: Actor) -> QuerySet[Activation]:
    """What an actor asked for and still waits, the newest first, as far as the actor may see it."""
    projects = policy.visible(actor, Project)
    rows = pending.rows().filter(by=actor.id, state__in=WAITING, channel__bundle__project__in=projects)
    return rows.order_by("-at", "-id")


def waiting(rows: Iterable[Channel]) -> dict[uuid.UUID, int]:
    """How many moves of each channel wait, by its id."""
    found = Activation.objects.filter(channel__in=list(rows), state__in=WAITING).order_by()
    return dict(found.values_list("channel").annotate(count=Count("pk")))


def _count(rows: QuerySet[Model], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
