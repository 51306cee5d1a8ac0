"""What was found at a place is there no more: a delivery arrived over it."""

from __future__ import annotations

import uuid
from datetime import datetime

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from publishing.models import Drift, Placement

OVERWRITTEN = "overwritten"
"""``Drift.ended_by`` of such a drift."""


def overwrite(*, placement_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """End the open drift of a place, in the transaction that settles the delivery.

    The place is locked first, as by whoever is about to write down a drift there: that one then sees the delivery, or
    this one its drift.
    """
    Placement.objects.select_for_update(no_key=True).get(pk=placement_id)
    found = Drift.objects.filter(placement_id=placement_id, ended_at__isnull=True)
    for row in found.select_related("placement__instance", "placement__target"):
        row.ended_at, row.ended_by = at, OVERWRITTEN
        row.save(update_fields=["ended_at", "ended_by"])
        metadata = {"ended_by": OVERWRITTEN}
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
