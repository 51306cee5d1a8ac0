"""What was found at a place is ours to settle no more: a delivery arrived over it, or nothing of ours goes there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from publishing.models import Drift, Placement

OVERWRITTEN, MOVED = "overwritten", "moved"
"""``Drift.ended_by`` of a drift that a delivery overwrote, and of one at an address that the target has left."""


def overwrite(*, placement_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """End the open drift of a place, in the transaction that settles the delivery."""
    end(placements=[placement_id], how=OVERWRITTEN, by=by, at=at)


def end(*, placements: Iterable[uuid.UUID], how: str, by: Actor, at: datetime) -> None:
    """End the open drifts of places, in the transaction that makes them pointless; ``how`` is told as ``ended_by``.

    The places are locked first, as by whoever is about to write down a drift there: that one then sees what happened,
    or this one its drift.
    """
    places = list(placements)
    list(Placement.objects.filter(pk__in=places).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    found = Drift.objects.filter(placement__in=places, ended_at__isnull=True).order_by("pk")
    rows = found.select_for_update(of=("self",)).select_related("placement__instance", "placement__target")
    for row in rows:
        row.ended_at, row.ended_by = at, how
        row.save(update_fields=["ended_at", "ended_by"])
        metadata = {"ended_by": how}
        events.record(action=Action.DRIFT_CLEAR, subject=subject(row), by=by, at=at, metadata=metadata)


def subject(drift: Drift) -> events.Subject:
    """A drift as the ledger knows it."""
    placement = drift.placement
    return events.Subject(
        kind="drift",
        id=str(drift.id),
        label=f"{placement.instance.name} → {placement.target.name}",
        client_id=placement.target.client_id,
    )
