"""Places of a remote object: one inside another is the same place, and a rename of its prompt moves none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from instances.models import PromptInstance, Publication
from publishing import adapters
from publishing.models import Delivery, Placement, Target
from publishing.ports import Remote

Steps = tuple[str | int, ...]


def located(*, target: Target, instance: PromptInstance, location: Mapping[str, Any]) -> dict[str, Any]:
    """The location as a placement keeps it: complete, so that names that change later say nothing about it."""
    remote = Remote(settings=target.settings, credentials={}, location=location, prompt=instance.name)
    return dict(adapters.get(target.adapter).located(remote))


def steps(placement: Placement) -> Steps:
    """The way to the place inside its remote object."""
    remote = Remote(settings={}, credentials={}, location=placement.location, prompt=placement.instance.name)
    return adapters.get(placement.target.adapter).steps(remote)


def overlap(mine: Steps, theirs: Steps) -> bool:
    """Whether the two are one place, or one of them lies inside the other."""
    return mine[: len(theirs)] == theirs[: len(mine)]


def same(mine: Placement, theirs: Placement) -> bool:
    """Whether two placements of one lane are the very same place."""
    return steps(mine) == steps(theirs)


def holders(*, placement: Placement, lane_id: uuid.UUID) -> list[Placement]:
    """Who goes to that place of a lane's remote object now, whoever's it is; the placement itself left out."""
    mine = steps(placement)
    live = Placement.objects.filter(lane_id=lane_id, removed_at__isnull=True).exclude(pk=placement.pk).order_by("pk")
    placed = live.select_related("target", "instance__client")
    return [one for one in placed if overlap(mine, steps(one))]


def behind(*, placements: QuerySet[Placement]) -> dict[Publication, list[Placement]]:
    """Those whose prompt has a newer publication than the last that was to go there, by that newer one.

    Nothing went yet to a place that is younger than its prompt's newest publication; it is not behind.
    """
    newest = Publication.objects.filter(instance=OuterRef("instance")).order_by("-ordinal")
    last = Delivery.objects.filter(placement=OuterRef("pk")).order_by("-ordinal", "-id")
    told = placements.annotate(
        newest_id=Subquery(newest.values("pk")[:1]),
        newest_ordinal=Subquery(newest.values("ordinal")[:1]),
        newest_at=Subquery(newest.values("at")[:1]),
        last_ordinal=Subquery(last.values("ordinal")[:1]),
    )
    missed = Q(last_ordinal__isnull=True, newest_at__gte=F("created_at")) | Q(newest_ordinal__gt=F("last_ordinal"))
    lacking: dict[uuid.UUID, list[Placement]] = {}
    for placement in told.filter(missed).order_by("pk"):
        lacking.setdefault(placement.newest_id, []).append(placement)
    found = Publication.objects.select_related("instance").in_bulk(lacking)
    return {found[key]: rows for key, rows in lacking.items()}
