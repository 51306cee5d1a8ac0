"""Rows 1 to 7 and 19: what happens when the broker, a worker, or an answer is lost on the way."""

from __future__ import annotations

import json

import pytest
from celery import current_app
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from kombu.exceptions import OperationalError

from audit.models import AuditEvent
from publishing import bell, deliveries, lanes, metrics, tasks
from publishing.models import Delivery, DeliveryAttempt, Lane
from publishing.states import DeliveryState
from tests.factories.acting import AT, SYSTEM
from tests.faults.world import pass_time

ring = bell.ring


@pytest.fixture
def broken_broker(monkeypatch):
    """A broker that refuses connections, and the real bell that meets it."""
    asked = []

    def refuse(*_, **__):
        asked.append(1)
        raise OperationalError("Connection refused")

    monkeypatch.setattr(bell, "ring", ring)
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    monkeypatch.setattr(current_app, "send_task", refuse)
    return asked


def test_row_01_a_publish_succeeds_while_the_broker_is_down(
    world, broken_broker, monkeypatch, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True) as after:
        assert world.publish("one").changed
    assert (len(after), len(broken_broker)) == (1, 1)
    sent = []
    monkeypatch.setattr(bell, "ring", sent.append)
    assert deliveries.sweep() == 1
    tasks.run_lane(lane_id=str(sent[0]))
    assert (world.states(), world.runs()) == (["delivered"], "one")


def test_row_01_a_broker_that_hangs_costs_one_timeout_for_many_rings(world, broken_broker):
    for _ in range(5):
        bell.ring(world.placement.lane_id)
    assert len(broken_broker) == 1


def test_row_02_without_any_bell_the_sweep_finds_what_was_published(world, rings):
    world.publish("one")
    rings.clear()
    assert deliveries.sweep() == 1
    assert rings == [world.placement.lane_id]


def test_row_02_the_sweep_does_not_ring_again_for_what_it_has_just_rung_for(world, rings):
    world.publish("one")
    assert (deliveries.sweep(), deliveries.sweep()) == (1, 0)
    pass_time(deliveries.RESERVED_SECONDS)
    assert deliveries.sweep() == 1


def test_row_03_a_worker_that_dies_before_the_call_is_replaced_when_its_lease_ends(world, settings):
    world.publish("one")
    dead = lanes.claim(lane_id=world.placement.lane_id)
    assert deliveries.next_due(lease=dead, by=SYSTEM, at=AT) is not None
    assert (world.carry(), deliveries.sweep()) == (0, 0)
    pass_time(settings.PUBLISHING["lease_seconds"])
    assert (deliveries.sweep(), world.carry()) == (1, 1)
    assert (world.states(), world.runs(), len(world.keys())) == (["delivered"], "one", 1)


def test_row_04_what_was_sent_but_not_written_down_is_sent_again_with_its_key(world, settings, monkeypatch):
    world.publish("one")
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "settle", _die)
        with pytest.raises(KeyboardInterrupt):
            world.carry()
    Lane.objects.update(owner="dead", epoch=1, leased_until=AT)  # a process that dies gives nothing back
    assert world.states() == ["sending"]
    assert world.carry() == 1
    first, second = (request for request in world.provider.requests if request.method == "POST")
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert world.states() == ["delivered"]
    assert AuditEvent.objects.filter(action="delivery.deliver").count() == 1


def test_row_05_a_lost_answer_is_unknown_and_the_same_key_is_sent_again(world):
    world.provider.script(world.place, {"ends": "reset_after"})
    world.publish("one")
    world.carry()
    assert (world.states(), world.runs()) == (["unknown"], "one")
    assert DeliveryAttempt.objects.get().outcome == "unknown"
    pass_time(1)
    world.carry()
    assert (world.states(), len(world.keys()), len(set(world.keys()))) == (["delivered"], 2, 1)


def test_row_05_an_answer_to_the_reading_back_that_is_lost_leaves_the_delivery_unknown(world):
    world.publish("one")
    world.provider.reset("before", method="GET")
    world.carry()
    assert world.states() == ["unknown"]
    pass_time(1)
    world.carry()
    assert world.states() == ["delivered"]


def test_row_06_an_old_retry_is_superseded_by_a_newer_version_and_never_sent(world):
    world.provider.script(world.place, {"status": 503})
    world.publish("one")
    world.carry()
    assert world.states() == ["retrying"]
    world.publish("two")
    pass_time(60)
    world.carry()
    assert world.states() == ["superseded", "delivered"]
    assert [line.ordinal for line in world.provider.ledger] == [1, 2]


def test_row_06_a_failing_delivery_that_a_newer_one_overtook_is_not_tried_again(world, meanwhile):
    world.provider.script(world.place, {"status": 503})
    world.publish("one")
    meanwhile("before", "POST", lambda: world.publish("two"))
    world.carry()
    pass_time(60)
    world.carry()
    assert world.states() == ["superseded", "delivered"]
    assert [line.ordinal for line in world.provider.ledger] == [1, 2]


def test_row_19_a_stuck_row_is_found_by_the_sweep_and_ends(world, settings, rings):
    world.publish("one")
    dead = lanes.claim(lane_id=world.placement.lane_id)
    deliveries.next_due(lease=dead, by=SYSTEM, at=AT)
    rings.clear()
    pass_time(settings.PUBLISHING["lease_seconds"] + 1)
    deliveries.sweep()
    for lane_id in rings:
        tasks.run_lane(lane_id=str(lane_id))
    assert not Delivery.objects.filter(state=DeliveryState.SENDING).exists()
    assert world.states() == ["delivered"]


def test_row_19_what_is_stuck_is_seen_in_the_figures_until_it_ends(world, settings):
    world.publish("one")
    dead = lanes.claim(lane_id=world.placement.lane_id)
    deliveries.next_due(lease=dead, by=SYSTEM, at=AT)
    assert (metrics.queue().depth["sending"], metrics.queue().oldest_seconds > 0) == (1, True)
    pass_time(settings.PUBLISHING["lease_seconds"] + 1)
    world.carry()
    assert (set(metrics.queue().depth.values()), metrics.queue().oldest_seconds) == ({0}, 0.0)


def test_row_32_the_older_release_can_write_to_what_a_migration_leaves():
    """While both run: no column or table it knows is gone, and what it does not know it may leave out."""
    gone = (operations.RemoveField, operations.RenameField, operations.RenameModel, operations.DeleteModel)
    steps = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
    later = [step for step in steps if step.app_label.startswith("prompthub") and not step.initial]
    refused = [
        f"{step}: {one.describe()}"
        for step in later
        for one in step.operations
        if isinstance(one, gone)
        or (isinstance(one, operations.AddField) and not (one.field.null or one.field.has_db_default()))
    ]
    assert (refused, len(later) >= 3) == ([], True)


def test_row_32_a_message_of_a_newer_release_is_understood(world):
    world.publish("one")
    assert tasks.run_lane(lane_id=str(world.placement.lane_id), priority="high", format=2) == 1
    assert tasks.sweep(shard=3) == 0


def _die(**_):
    raise KeyboardInterrupt


def test_a_message_is_the_same_bytes_at_every_try(world):
    world.provider.script(world.place, {"status": 503}, {"ends": "reset_after"})
    world.publish("one")
    for _ in range(3):
        world.carry()
        pass_time(1)
    bodies = {request.body for request in world.provider.requests if request.method == "POST"}
    assert (len(bodies), len(world.keys())) == (1, 3)
    assert json.loads(bodies.pop())["data"]["text"] == "one"
