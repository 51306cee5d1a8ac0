"""What a lane's holder chooses to send, and what becomes of a delivery whose worker dies each time."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.errors import Conflict
from publishing import deliveries, lanes
from publishing.models import Delivery, Lane
from publishing.states import DeliveryState
from tests.factories import make_delivery
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def lane():
    """A lane with one delivery that waits."""
    return Lane.objects.get(pk=make_delivery().lane_id)


def test_of_two_that_wait_for_one_place_the_newest_is_sent_and_the_older_ends_superseded(lane):
    older, newer = Delivery.objects.get(), Delivery.objects.get()
    newer.ordinal += 1
    newer.pk = deliveries.ordering.newer_id(placement=newer.placement, ordinal=newer.ordinal)
    newer.save(force_insert=True)
    lease = lanes.claim(lane_id=lane.pk)
    assert deliveries.next_due(lease=lease, by=SYSTEM, at=AT).pk == newer.pk
    older.refresh_from_db()
    assert older.state == DeliveryState.SUPERSEDED


def test_a_delivery_whose_worker_dies_each_time_is_buried_and_told(lane, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "crash_limit": 2}
    for _ in range(2):
        assert deliveries.next_due(lease=lanes.claim(lane_id=lane.pk), by=SYSTEM, at=AT) is not None
        Lane.objects.update(leased_until=AT)  # it died, and gives nothing back
    assert deliveries.next_due(lease=lanes.claim(lane_id=lane.pk), by=SYSTEM, at=AT) is None
    row = Delivery.objects.get()
    assert (row.state, row.crashes, row.error_detail) == ("buried", 2, "its worker died each time it was sent")
    assert AuditEvent.objects.get(action="delivery.bury", subject_id=str(row.pk)).metadata == {"why": "crashes"}


def test_a_delivery_that_has_ended_is_not_sent_again(lane):
    lease = lanes.claim(lane_id=lane.pk)
    begun = deliveries.next_due(lease=lease, by=SYSTEM, at=AT)
    Delivery.objects.filter(pk=begun.pk).update(state=DeliveryState.DELIVERED, ended_at=AT)
    ended = Delivery.objects.get(pk=begun.pk)
    with pytest.raises(Conflict) as refused:
        deliveries._move(ended, DeliveryState.SENDING)
    assert refused.value.code == "409.state_conflict"


def test_a_pause_holds_for_the_lane_although_the_try_that_heard_it_was_the_last(lane):
    lease = lanes.claim(lane_id=lane.pk)
    begun = deliveries.next_due(lease=lease, by=SYSTEM, at=AT)
    refused = deliveries.Result(outcome="refused", duration_ms=1, retry_after=120.0)
    assert deliveries.settle(delivery=begun, lease=lease, result=refused, by=SYSTEM, at=AT)
    assert Delivery.objects.get().state == DeliveryState.BURIED
    assert not lanes.is_open(lane_id=lane.pk)
