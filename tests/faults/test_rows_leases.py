"""Rows 7, 20 and 34: a lease that ended while its holder slept, clocks that are wrong, epochs that come again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from foundation.clock import database_now
from publishing import deliveries, lanes
from publishing.lanes import LeaseLost
from publishing.models import Delivery, Lane
from tests.factories.acting import AT, SYSTEM
from tests.faults.world import LONGER_THAN_A_LEASE, pass_time


def overtaken(world, text="two"):
    """While a worker sleeps: its lease ends, something newer is published, and another worker sends that."""
    pass_time(LONGER_THAN_A_LEASE)
    world.publish(text)
    world.carry()


def test_row_07_a_worker_that_slept_past_its_lease_before_the_call_sends_nothing(world, monkeypatch):
    world.publish("one")
    held = lanes.renew
    monkeypatch.setattr(lanes, "renew", _first(lambda: overtaken(world), then=held))
    world.carry()
    assert [line.ordinal for line in world.provider.ledger] == [2]
    assert (world.states(), world.runs()) == (["superseded", "delivered"], "two")


@pytest.mark.parametrize("readable", [True, False], ids=["read back", "not readable"])
def test_row_07_what_arrives_late_from_a_lost_lease_is_replaced_by_the_newest_again(world, meanwhile, readable):
    if not readable:
        world.forget_how_to_read()
    world.publish("one")
    meanwhile("before", "POST", lambda: overtaken(world))
    world.carry()
    assert (world.runs(), world.states()) == ("one", ["superseded", "delivered", "pending"])
    world.carry()
    assert (world.runs(), world.states()) == ("two", ["superseded", "delivered", "delivered"])
    assert [line.ordinal for line in world.provider.ledger] == [2, 1, 2]
    assert len(set(world.keys())) == 3


def test_row_07_the_newest_is_sent_again_even_when_it_was_just_being_sent(world, meanwhile):
    """The late one lands after the newest was read back and before that was written down."""
    world.publish("one")

    def send_newest_and_stop():
        pass_time(LONGER_THAN_A_LEASE)
        world.publish("two")
        lease = lanes.claim(lane_id=world.placement.lane_id)
        assert deliveries.next_due(lease=lease, by=SYSTEM, at=AT).ordinal == 2

    meanwhile("before", "POST", send_newest_and_stop)
    world.carry()
    assert world.states() == ["superseded", "sending", "pending"]
    pass_time(LONGER_THAN_A_LEASE)
    world.carry()
    assert (world.runs(), world.states()[-1]) == ("two", "delivered")


def test_row_07_a_late_repetition_of_the_newest_itself_needs_nothing(world, meanwhile):
    world.publish("one")

    def somebody_else_sends_it():
        pass_time(LONGER_THAN_A_LEASE)
        world.carry()

    meanwhile("before", "POST", somebody_else_sends_it)
    world.carry()
    assert (world.states(), world.runs()) == (["delivered"], "one")
    assert (len(world.keys()), len(set(world.keys()))) == (2, 1)


def test_row_07_a_version_checking_provider_never_runs_the_older_text(world, careful, meanwhile):
    world.provider = careful
    placement = world.put(provider=careful)
    world.publish("one")
    world.carry()

    def overtake():
        pass_time(LONGER_THAN_A_LEASE)
        world.publish("two")
        world.carry(placement)

    meanwhile("before", "POST", overtake)
    world.carry(placement)
    assert world.runs(placement) == "two"
    assert [line.ended for line in careful.ledger] == ["200", "409"]


def test_row_07_a_result_under_an_old_epoch_is_not_written(world):
    world.publish("one")
    late = lanes.claim(lane_id=world.placement.lane_id)
    begun = deliveries.next_due(lease=late, by=SYSTEM, at=AT)
    pass_time(LONGER_THAN_A_LEASE)
    lanes.claim(lane_id=world.placement.lane_id)
    result = deliveries.Result(outcome="refused", duration_ms=1)
    assert deliveries.settle(delivery=begun, lease=late, result=result, by=SYSTEM, at=AT) is False
    assert world.states() == ["sending"]
    with pytest.raises(LeaseLost):
        lanes.renew(lease=late)


def test_row_07_another_text_at_the_provider_right_after_sending_is_replaced(world, meanwhile):
    world.publish("one")
    meanwhile("before", "GET", lambda: world.provider.texts[world.place].update(text="somebody else's"))
    world.carry()
    assert world.states() == ["unknown"]
    pass_time(1)
    world.carry()
    assert (world.runs(), world.states()) == ("one", ["delivered"])


@pytest.mark.parametrize("minutes", [-10, 10])
def test_row_20_a_wrong_clock_takes_no_living_lease_and_keeps_the_order(world, minutes):
    held = lanes.claim(lane_id=world.placement.lane_id)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        assert lanes.claim(lane_id=world.placement.lane_id) is None
        lanes.renew(lease=held)
        lanes.release(lease=held)
        world.publish("one")
    world.publish("two")
    world.carry()
    assert (world.states(), world.runs()) == (["superseded", "delivered"], "two")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_row_20_a_replay_made_under_a_wrong_clock_is_sent(world, minutes):
    world.provider.script(world.place, {"status": 400})
    world.publish("one")
    world.carry()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        deliveries.replay(delivery=Delivery.objects.get(), by=SYSTEM, at=AT)
    world.carry()
    assert (world.states(), world.runs()) == (["buried", "delivered"], "one")


def test_row_20_signatures_carry_the_time_of_the_database(world):
    world.publish("one")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        world.carry()
    [request] = (request for request in world.provider.requests if request.method == "POST")
    assert abs(int(request.headers["webhook-timestamp"]) - database_now().timestamp()) < 60


def test_row_34_a_lease_from_before_a_restore_is_not_valid_although_its_epoch_comes_again(world):
    before = lanes.claim(lane_id=world.placement.lane_id)
    Lane.objects.update(owner="", epoch=before.epoch - 1, leased_until=None)  # what the backup holds
    after = lanes.claim(lane_id=world.placement.lane_id)
    assert after.epoch == before.epoch
    with pytest.raises(LeaseLost):
        lanes.renew(lease=before)
    lanes.renew(lease=after)


def _first(act, *, then):
    """Do something before the first call, then what the calls are for."""
    left = [act]

    def call(**arguments):
        if left:
            left.pop()()
        return then(**arguments)

    return call
