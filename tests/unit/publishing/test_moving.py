"""A target that moved: what its new address runs is not known until something was delivered there."""

from __future__ import annotations

import pytest

from prompthub_kernel.errors import Conflict
from publishing import deliveries, drift, lanes, publish, sides, standing, targets
from publishing.models import Delivery, Placement
from publishing.ports import Observation
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.unit.publishing.test_waiting import NEW, OLD, SIGNING, put, webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def placement():
    placement = put(webhook())
    factories.make_attempt(delivery=factories.make_delivery(placement=placement))
    return placement


def move(placement, url=NEW):
    targets.change(target=placement.target, settings={"url": url}, credentials=SIGNING, by=SYSTEM, at=AT)
    return Placement.objects.select_related("target", "instance").get(pk=placement.pk)


def again(placement):
    return publish.publish(instance=placement.instance, by=SYSTEM, at=AT)


def arrive():
    for row in Delivery.objects.filter(state="pending"):
        factories.make_attempt(delivery=row)


def shown(placement):
    row = standing.places(instances=[placement.instance], actor=SYSTEM).get()
    confirmed = sides.confirmed(placements=Placement.objects.filter(pk=placement.pk))[placement.pk]
    return row.newest_state, row.newest_id, confirmed.delivery


def test_a_publish_delivers_the_same_text_to_the_new_address_and_only_once(placement):
    assert again(placement).deliveries == []
    moved = move(placement)
    done = again(moved)
    assert [row.lane_id for row in done.deliveries] == [moved.lane_id]
    arrive()
    assert (again(moved).changed, shown(moved)[0]) == (False, "delivered")


def test_what_arrived_at_the_old_address_is_not_shown_beside_the_new_one(placement):
    newest = deliveries.newest_for(placement=placement)
    assert shown(placement) == ("delivered", newest.pk, newest)
    moved = move(placement)
    assert shown(moved) == (None, None, None)
    assert shown(move(moved, OLD)) == ("delivered", newest.pk, newest)


def test_what_arrives_at_the_old_address_after_the_move_is_sent_to_the_new_one_too(placement):
    moved = move(placement)
    again(moved)
    lease = lanes.claim(lane_id=moved.lane_id)
    begun = deliveries.next_due(lease=lease, by=SYSTEM, at=AT)
    back = move(moved, OLD)
    deliveries.settle(
        delivery=begun, lease=lease, result=deliveries.Result(outcome="delivered", duration_ms=1), by=SYSTEM, at=AT
    )
    assert [row.lane_id for row in again(back).deliveries] == [back.lane_id]


def test_no_drift_is_looked_for_where_nothing_was_sent(placement, monkeypatch):
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: True)
    asked = []
    monkeypatch.setattr(drift, "_observe", lambda place, *_: asked.append(place.pk))
    moved = move(placement)
    drift.check(placement=moved, by=SYSTEM, at=AT)
    drift.check_all(by=SYSTEM, at=AT)
    assert asked == []
    drift.check_all(by=SYSTEM, at=AT)
    drift.check(placement=move(moved, OLD), by=SYSTEM, at=AT)
    assert asked == [placement.pk]


def test_what_was_found_at_the_old_address_is_nothing_to_settle_any_more(placement, monkeypatch):
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: True)
    monkeypatch.setattr(drift, "_observe", lambda *_: Observation("Somebody wrote this there."))
    found = drift.check(placement=placement, by=SYSTEM, at=AT)
    move(placement)
    found.refresh_from_db()
    assert found.ended_by == "moved"
    with pytest.raises(Conflict, match="settled already"):
        drift.redeliver(drift=found, by=SYSTEM, at=AT)


def test_what_could_not_be_delivered_before_the_move_is_still_told(placement):
    Delivery.objects.update(state="buried")
    assert shown(move(placement))[0] == "buried"
