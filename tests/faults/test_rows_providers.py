"""Rows 13, 15 to 18, 31 and 35: providers that ask for patience, hang, refuse, or were changed by hand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.db import connection

from audit import chain
from audit.models import AuditEvent, AuditLink
from instances import drafts
from prompthub_kernel.errors import Conflict
from publishing import adapters, deliveries, drift, lanes, publish, replays
from publishing.models import Delivery, Drift
from tests.factories.acting import AT, SYSTEM
from tests.faults.world import LONGER_THAN_A_LEASE, pass_time, place_of


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=3601), usegmt=True)


@pytest.mark.parametrize("wanted", ["3600", in_an_hour], ids=["seconds", "a date"])
@pytest.mark.parametrize("status", [429, 503])
def test_row_13_nothing_is_sent_before_the_time_the_provider_asked_for(world, rings, wanted, status):
    other = world.put()
    retry_after = wanted if isinstance(wanted, str) else wanted()
    world.provider.script(world.place, {"status": status, "headers": {"Retry-After": retry_after}})
    world.publish("one")
    world.carry()
    assert world.states() == ["retrying"]
    row = Delivery.objects.get(placement=world.placement)
    assert (row.tries, row.failed_tries) == (1, 0), "it was called, and that does not count towards the limit"
    world.publish("two")
    for seconds in (0, 1800, 1700):  # and what the test itself takes, on a busy machine
        pass_time(seconds)
        rings.clear()
        deliveries.sweep()
        assert world.placement.lane_id not in rings
        assert world.carry() == 0
    assert world.carry(other) == 1
    pass_time(101)
    assert world.carry() == 1
    assert (world.states(), len(world.keys())) == (["superseded", "delivered"], 2)


def test_row_13_what_was_published_during_the_call_waits_as_well(world, meanwhile):
    world.provider.script(world.place, {"status": 429, "headers": {"Retry-After": "120"}})
    world.publish("one")
    meanwhile("before", "POST", lambda: world.publish("two"))
    world.carry()
    assert (world.states(), len(world.keys())) == (["retrying", "pending"], 1)


def test_row_13_other_places_of_the_same_remote_object_wait_as_well(world):
    second = world.prompt("two")
    neighbour = world.put(second, target=world.placement.target)
    assert neighbour.lane_id == world.placement.lane_id
    world.provider.script(world.place, {"status": 429, "headers": {"Retry-After": "120"}})
    world.publish("one")
    world.publish("two", instance=second)
    world.carry()
    assert len(world.keys()) == 1
    assert world.states(neighbour) == ["pending"]


def test_row_13_a_pause_holds_although_the_lease_had_ended_when_it_was_heard(world, meanwhile):
    """Whoever took the lane over must not call either: the pause is the provider's, not the worker's that heard it."""
    world.provider.script(world.place, {"status": 429, "headers": {"Retry-After": "120"}})
    world.publish("one")

    def take_over():
        pass_time(LONGER_THAN_A_LEASE)
        assert lanes.claim(lane_id=world.placement.lane_id)

    meanwhile("after", "POST", take_over)
    world.carry()
    assert world.states() == ["sending"], "the result itself is not written"
    pass_time(LONGER_THAN_A_LEASE)
    assert (world.carry(), len(world.keys())) == (0, 1)
    pass_time(121)
    assert (world.carry(), world.states(), world.runs()) == (1, ["delivered"], "one")


@pytest.mark.django_db(transaction=True)
def test_row_15_a_provider_that_hangs_does_not_hold_up_another(world, provider, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "call_seconds": 5.0}
    other = world.put()
    world.publish("one")
    reached = threading.Event()
    provider.script(world.place, {"ends": "hang_before"})
    provider.reached = reached.set
    hanging = threading.Thread(target=_in_thread, args=(world.carry,))
    hanging.start()
    assert reached.wait(5)
    assert world.carry(other) == 1
    assert world.runs(other) == "one"
    assert hanging.is_alive()
    provider._stopped.set()
    hanging.join()
    assert world.states() == ["unknown"]


def test_row_16_only_the_target_that_failed_is_tried_again(world):
    other = world.put()
    world.provider.script(world.place, {"status": 500})
    done = world.publish("one")
    world.carry()
    world.carry(other)
    assert (world.states(), world.states(other)) == (["retrying"], ["delivered"])
    again = publish.publish(instance=world.fresh(), confirm=True, by=SYSTEM, at=AT)
    assert (again.changed, again.version.id) == (False, done.version.id)
    pass_time(1)
    assert (world.carry(), world.carry(other)) == (1, 0)
    assert (world.states(), len(world.keys(other))) == (["delivered"], 1)


def test_row_16_publishing_again_goes_only_to_the_target_that_has_given_up(world):
    other = world.put()
    world.provider.script(world.place, {"status": 400})
    done = world.publish("one")
    world.carry()
    world.carry(other)
    again = publish.publish(instance=world.fresh(), confirm=True, by=SYSTEM, at=AT)
    assert again.publication.id == done.publication.id
    assert [delivery.placement_id for delivery in again.deliveries] == [world.placement.id]
    world.carry()
    assert (world.states(), world.states(other)) == (["buried", "delivered"], ["delivered"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_row_17_a_permanent_refusal_is_buried_at_once(world, status):
    world.provider.script(world.place, {"status": status})
    world.publish("one")
    world.carry()
    assert (world.states(), len(world.keys())) == (["buried"], 1)
    assert Delivery.objects.get().error_code == "502.adapter_publish_error_webhook"
    assert AuditEvent.objects.filter(action="delivery.bury").count() == 1


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_row_17_a_passing_failure_is_not_buried(world, status, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "backoff_base_seconds": 60.0, "backoff_cap_seconds": 60.0}
    world.provider.script(world.place, {"status": status})
    world.publish("one")
    world.carry()
    assert world.states() == ["unknown" if status in {502, 504} else "retrying"]


def test_row_17_a_provider_that_fails_three_times_runs_the_text_once_and_sees_one_key(world):
    world.provider.script(world.place, *[{"status": 503}] * 3)
    world.publish("one")
    for _ in range(4):
        world.carry()
        pass_time(1)
    assert (world.states(), world.runs()) == (["delivered"], "one")
    assert (len(world.keys()), len(set(world.keys()))) == (4, 1)
    assert AuditEvent.objects.filter(action="delivery.deliver").count() == 1


def test_row_17_a_failure_that_does_not_pass_is_buried_after_the_last_attempt(world, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "breaker_failures": 100}
    world.provider.script(world.place, *[{"status": 500}] * 50)
    world.publish("one")
    for _ in range(50):
        world.carry()
        pass_time(1)
    assert (world.states(), len(world.keys())) == (["buried"], settings.PUBLISHING["attempts"])


def test_row_17_an_adapter_that_crashes_does_not_stop_the_lane(world, monkeypatch, settings):
    settings.PUBLISHING = {**settings.PUBLISHING, "breaker_failures": 100, "attempts": 3}
    second = world.prompt("two")
    neighbour = world.put(second, target=world.placement.target)
    webhook = adapters.REGISTRY["webhook"]
    really = webhook.send

    def send(remote, parcel, *, wire):
        if parcel.instance_id == str(world.instance.id):
            raise ZeroDivisionError
        return really(remote, parcel, wire=wire)

    monkeypatch.setattr(webhook, "send", send)
    world.forget_how_to_read()
    world.publish("one")
    world.publish("two", instance=second)
    for _ in range(5):
        world.carry()
        pass_time(1)
    assert (world.states(), world.states(neighbour)) == (["buried"], ["delivered"])
    assert Delivery.objects.get(placement=world.placement).error_code == "500.internal_error"


def test_row_17_a_delivery_that_kills_its_workers_is_buried(world, settings):
    world.publish("one")
    for _ in range(settings.PUBLISHING["crash_limit"]):
        lease = lanes.claim(lane_id=world.placement.lane_id)
        assert deliveries.next_due(lease=lease, by=SYSTEM, at=AT) is not None
        pass_time(20)
    assert world.carry() == 0
    assert world.states() == ["buried"]
    assert "died" in Delivery.objects.get().error_detail


def test_row_17_poison_among_many_stops_nobody_else(world):
    poisoned = [world.put() for _ in range(3)]
    healthy = [world.put() for _ in range(17)]
    for placement in poisoned:
        world.provider.script(place_of(placement), {"status": 400})
    world.publish("one")
    for placement in [*poisoned, *healthy]:
        world.carry(placement)
    assert [world.states(placement) for placement in poisoned] == [["buried"]] * 3
    assert [world.states(placement) for placement in healthy] == [["delivered"]] * 17


def test_row_18_a_replay_is_made_once_and_told_in_the_ledger(world):
    world.provider.script(world.place, {"status": 400})
    world.publish("one")
    world.carry()
    dead = Delivery.objects.get()
    fresh = deliveries.replay(delivery=dead, by=SYSTEM, at=AT)
    assert fresh.replay_of_id == dead.id
    with pytest.raises(Conflict) as refused:
        deliveries.replay(delivery=dead, by=SYSTEM, at=AT)
    assert refused.value.code == "409.state_conflict"
    world.carry()
    assert (world.states(), world.runs()) == (["buried", "delivered"], "one")
    assert AuditEvent.objects.filter(action="delivery.replay").count() == 1


def test_row_18_many_are_replayed_only_where_nothing_newer_went(world):
    placements = [world.put() for _ in range(6)]
    for placement in placements:
        world.provider.script(place_of(placement), {"status": 400})
    world.publish("one")
    for placement in placements:
        world.carry(placement)
    dead = list(Delivery.objects.filter(state="buried"))
    old, current = placements[:3], placements[3:]
    row = world.write("two")
    chosen = [placement.target_id for placement in old]
    publish.publish(instance=row, target_ids=chosen, confirm=True, by=SYSTEM, at=AT)
    answers = replays.replay_many(deliveries=dead, by=SYSTEM, at=AT)
    replayed = {fresh.placement_id for _, fresh, _ in answers if fresh is not None}
    assert (len(answers), replayed) == (6, {placement.id for placement in current})
    for placement in placements:
        world.carry(placement)
    assert {world.runs(placement) for placement in old} == {"two"}
    assert {world.runs(placement) for placement in current} == {"one"}


@pytest.mark.django_db(transaction=True)
def test_row_31_many_sweepers_and_chainers_at_once_do_the_work_once(world, rings):
    placements = [world.placement, *(world.put() for _ in range(4))]
    world.publish("one")

    def beat():
        deliveries.sweep()
        for placement in placements:
            world.carry(placement)
        chain.extend(at=AT)

    threads = [threading.Thread(target=_in_thread, args=(beat,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain.extend(at=AT)
    assert [len(world.keys(placement)) for placement in placements] == [1] * 5
    assert chain.verify() == chain.Proof(linked=AuditEvent.objects.count(), unlinked=0, broken=())
    assert AuditLink.objects.count() == AuditEvent.objects.count()


def test_row_35_a_change_made_at_the_provider_is_shown_and_not_overwritten(world):
    found = _drifted(world)
    assert drift.check(placement=world.placement, by=SYSTEM, at=AT).id == found.id
    assert (world.runs(), Drift.objects.count()) == ("changed by hand", 1)
    assert AuditEvent.objects.filter(action="drift.find").count() == 1


def test_row_35_ours_can_be_put_back(world):
    drift.redeliver(drift=_drifted(world), by=SYSTEM, at=AT)
    world.carry()
    assert (world.runs(), len(set(world.keys()))) == ("one", 2)
    assert Drift.objects.get().ended_by == "redeliver"


def test_row_35_theirs_can_be_taken_into_the_draft(world):
    found = _drifted(world)
    seen = drafts.get(key=world.instance.pk, actor=SYSTEM).revision
    drift.adopt(drift=found, revision=seen, by=SYSTEM, at=AT)
    row = drafts.get(key=world.instance.pk, actor=SYSTEM)
    assert drafts.preview(instance=row, actor=SYSTEM).text() == "changed by hand"
    assert world.runs() == "changed by hand"


def test_row_35_a_change_that_goes_away_by_itself_ends_the_drift(world):
    _drifted(world)
    world.provider.texts[world.place].update(text="one")
    assert drift.check(placement=world.placement, by=SYSTEM, at=AT) is None
    assert Drift.objects.get().ended_by == "provider"


def test_row_35_a_provider_that_cannot_be_read_is_no_drift(world):
    world.publish("one")
    world.carry()
    pass_time(60)
    world.provider.answer(503, method="GET")
    assert drift.check(placement=world.placement, by=SYSTEM, at=AT) is None
    assert not Drift.objects.exists()


def _drifted(world):
    world.publish("one")
    world.carry()
    pass_time(60)
    world.provider.texts[world.place].update(text="changed by hand")
    return drift.check(placement=world.placement, by=SYSTEM, at=AT)


def _in_thread(work):
    try:
        work()
    finally:
        connection.close()


@pytest.fixture
def asked(monkeypatch):
    """Webhooks that ask the provider before anything is published, as other adapters do."""
    webhook, calls = adapters.REGISTRY["webhook"], []

    def probe(remote, *, wire):
        calls.append(remote.settings["url"])
        webhook.observe(remote, wire=wire)
        return []

    monkeypatch.setattr(webhook, "probe", probe)
    return calls


def test_row_13_a_provider_that_wants_its_peace_is_not_asked_before_a_publish_either(world, asked):
    world.provider.script(world.place, {"status": 429, "headers": {"Retry-After": "120"}})
    world.publish("one")
    world.carry()
    world.publish("two")
    assert len(asked) == 1
    pass_time(121)
    world.publish("three")
    assert len(asked) == 2


def test_row_13_a_pause_that_is_asked_for_when_a_question_is_put_holds_for_the_delivery(world, asked):
    world.provider.answer(429, method="GET", Retry_After="120")
    assert world.publish("one").changed
    assert (world.carry(), world.keys()) == (0, [])
    pass_time(121)
    assert (world.carry(), world.states()) == (1, ["delivered"])


def test_row_13_nobody_looks_for_drift_during_the_pause(world):
    world.publish("one")
    world.carry()
    pass_time(60)
    world.provider.answer(429, method="GET", Retry_After="120")
    drift.check_all(by=SYSTEM, at=AT)
    drift.check_all(by=SYSTEM, at=AT)
    assert len(world.provider.seen("GET")) == 2
    pass_time(121)
    drift.check_all(by=SYSTEM, at=AT)
    assert len(world.provider.seen("GET")) == 3
