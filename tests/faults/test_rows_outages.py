"""Row 14: a provider that fails for long, and is back."""

from __future__ import annotations

from publishing import courier, deliveries, waiting
from publishing.models import Delivery, Lane
from tests.factories.acting import SYSTEM
from tests.faults.world import pass_time


def test_row_14_the_breaker_opens_for_the_lane_alone_and_lets_one_call_try_again(world, settings):
    other = world.put()
    settings.PUBLISHING = {**settings.PUBLISHING, "attempts": 50}
    world.provider.script(world.place, *[{"status": 503}] * 7)
    world.publish("one")
    for _ in range(10):
        world.carry()
        pass_time(1)
    assert len(world.keys()) == settings.PUBLISHING["breaker_failures"] == 5
    assert world.carry(other) == 1
    pass_time(30)
    assert (world.carry(), world.carry(), len(world.keys())) == (1, 0, 6)
    pass_time(31)
    world.carry()
    pass_time(31)
    world.carry()
    assert (world.states(), world.runs()) == (["delivered"], "one")
    assert Lane.objects.get(pk=world.placement.lane_id).failures == 0


def test_row_14_after_an_hour_of_failing_only_the_newest_text_is_sent(world, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "attempts": 1000, "backoff_cap_seconds": 300.0}
    world.provider.script(world.place, *[{"status": 503}] * 1000)
    for minute in range(0, 60, 4):
        world.publish(f"minute {minute}")
        world.carry()
        pass_time(240)
    tried = len(world.keys())
    assert tried <= 15
    world.provider.scripts.clear()
    pass_time(301)
    assert world.carry() == 1
    assert (world.runs(), len(world.keys())) == ("minute 56", tried + 1)
    assert world.states() == ["superseded"] * 14 + ["delivered"]


def test_row_14_what_gathered_during_an_outage_comes_no_faster_than_the_provider_is_to_bear(
    world, careful, rings, settings
):
    settings.PUBLISHING = {**settings.PUBLISHING, "recovery_per_second": 3, "sweep_seconds": 1.0}
    prompts = [world.prompt(f"prompt {number}") for number in range(10)]
    placements = [world.put(prompt) for prompt in prompts]
    elsewhere = world.put(provider=careful)
    world.provider.always = {"status": 503}
    for prompt in prompts:
        world.publish("one", instance=prompt)
    for placement in placements:
        world.carry(placement)
    world.publish("one")
    world.provider.always = {}
    tried, seconds = len(world.provider.ledger), 0
    while Delivery.objects.exclude(state="delivered").exists():
        pass_time(3 if not seconds else 1)
        rings.clear()
        deliveries.sweep()
        for lane_id in list(rings):
            courier.deliver(lane_id=lane_id, by=SYSTEM)
        before, tried = tried, len(world.provider.ledger)
        assert tried - before <= 3
        if not seconds:
            assert elsewhere.lane_id in rings  # another provider's queue does not wait behind
        seconds += 1
    assert seconds == 4  # 11 lanes, three a second


def test_row_14_those_that_wait_longest_come_first(world, rings, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "recovery_per_second": 1, "sweep_seconds": 1.0}
    placements = [world.put(world.prompt("zero")) for _ in range(3)]
    for placement in reversed(placements):
        world.publish("one", instance=placement.instance)
        pass_time(10)
    rung = []
    for _ in placements:
        rings.clear()
        deliveries.sweep()
        rung += rings
    assert rung == [placement.lane_id for placement in reversed(placements)]


def test_row_14_retries_are_spread_and_grow_up_to_the_cap(settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "backoff_base_seconds": 1.0, "backoff_cap_seconds": 300.0}
    for tries, ceiling in ((1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (60, 300)):
        waits = {waiting.backoff(tries=tries) for _ in range(200)}
        assert ceiling / 10 <= min(waits) <= ceiling / 2 <= max(waits) <= ceiling
        assert len(waits) > 100
