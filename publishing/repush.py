"""A send under a lost lease may have replaced a newer text at the provider: that one is sent again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from publishing import closing, deliveries, places
from publishing.models import Delivery, Placement
from publishing.states import PERHAPS_TAKEN


def repush(*, late: Delivery, by: Actor, at: datetime) -> list[Delivery]:
    """Send again the newest publication of whoever has the place now, after ``late``, which was sent too late.

    Under a new key: a provider that has taken the old one would not take it twice. What waits unsent needs nothing.
    """
    with transaction.atomic():
        own = Placement.objects.select_related("target", "instance__client").get(pk=late.placement_id)
        holders = [own, *places.holders(placement=own, lane_id=late.lane_id)]
        found = [_again(placement, late, by, at) for placement in holders]
        return [row for row in found if row is not None]


def _again(placement: Placement, late: Delivery, by: Actor, at: datetime) -> Delivery | None:
    if closing.bar(placement=placement) in closing.CLOSED:
        return None
    newest = (
        Delivery.objects.select_related("publication", "placement")
        .filter(placement=placement)
        .order_by("-ordinal", "-id")
        .first()
    )
    if newest is None or newest.publication_id == late.publication_id or newest.state not in PERHAPS_TAKEN:
        return None
    rows = deliveries.enqueue(publication=newest.publication, placements=[placement], by=by, at=at, replay_of=newest)
    subject = deliveries.subject(newest)
    events.record(action=Action.DELIVERY_REPLAY, subject=subject, by=by, at=at, metadata={"why": "lease_lost"})
    return rows[0]
