"""Places of a remote object: one inside another is the same place."""

from __future__ import annotations

import uuid

from publishing import adapters
from publishing.models import Placement
from publishing.ports import Remote

Steps = tuple[str | int, ...]


def steps(placement: Placement) -> Steps:
    """The way to the place inside its remote object."""
    remote = Remote(settings={}, credentials={}, location=placement.location, prompt=placement.instance.name)
    return adapters.get(placement.target.adapter).steps(remote)


def overlap(mine: Steps, theirs: Steps) -> bool:
    """Whether the two are one place, or one of them lies inside the other."""
    return mine[: len(theirs)] == theirs[: len(mine)]


def same(mine: Placement, theirs: Placement) -> bool:
    """Whether two placements of one lane are the very same place. A receiver that was told no name has but one."""
    return mine.location == theirs.location or steps(mine) == steps(theirs)


def holders(*, placement: Placement, lane_id: uuid.UUID) -> list[Placement]:
    """Who goes to that place of a lane's remote object now, whoever's it is; the placement itself left out."""
    mine = steps(placement)
    live = Placement.objects.filter(lane_id=lane_id, removed_at__isnull=True).exclude(pk=placement.pk).order_by("pk")
    placed = live.select_related("target", "instance__client")
    return [one for one in placed if same(placement, one) or overlap(mine, steps(one))]
