"""Places of a remote object: one inside another is the same place, and a rename of its prompt moves none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from instances.models import PromptInstance
from publishing import adapters
from publishing.models import Placement, Target
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
