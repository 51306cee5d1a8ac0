"""Deliveries and their tries."""

from __future__ import annotations

from publishing import deliveries, lanes, publish
from publishing.models import Delivery, DeliveryAttempt, Placement
from tests.factories.acting import AT, SYSTEM
from tests.factories.target import make_placement


def make_delivery(*, placement: Placement | None = None) -> Delivery:
    """A pending delivery: the placement's prompt was published and nobody has sent it yet."""
    placement = placement or make_placement()
    done = publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    return next(delivery for delivery in done.deliveries if delivery.placement_id == placement.id)


def make_attempt(*, delivery: Delivery | None = None, outcome: str = "delivered", code: str = "") -> DeliveryAttempt:
    """One settled try of a delivery; by default it was delivered."""
    delivery = delivery or make_delivery()
    lease = lanes.claim(lane_id=delivery.lane_id)
    assert lease is not None, "the lane is free"
    begun = deliveries.next_due(lease=lease, by=SYSTEM, at=AT)
    assert begun is not None, "the delivery is due"
    result = deliveries.Result(outcome=outcome, duration_ms=12, code=code, detail="for a test")
    assert deliveries.settle(delivery=begun, lease=lease, result=result, by=SYSTEM, at=AT)
    lanes.release(lease=lease)
    return DeliveryAttempt.objects.filter(delivery=begun).latest("id")
