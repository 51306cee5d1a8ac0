"""Figures at ``/metrics``: what was published, what is on its way, what was given up."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client as Browser
from prometheus_client import CollectorRegistry, Counter, generate_latest

from audit.models import AuditEvent
from foundation.clock import database_now
from publishing import courier, metrics, publish, targets
from publishing.adapters import memory
from publishing.models import Delivery
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    memory.clear()


def figures():
    """Every sample by its name and labels, as text: ``publishes_total{status="changed",target="memory"}``."""
    answer = Browser(headers={"host": "localhost"}).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = (line for line in answer.content.decode().splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def grown(before, name):
    return figures().get(name, 0.0) - before.get(name, 0.0)


def test_a_publish_counts_by_result_and_kind_of_target():
    placement = factories.make_placement()
    before = figures()
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    assert grown(before, 'publishes_total{status="changed",target="memory"}') == 1
    assert grown(before, 'publishes_total{status="unchanged",target="none"}') == 1
    assert grown(before, "publish_duration_ms_count") == 2
    assert grown(before, "publish_duration_ms_sum") > 0


def test_the_queue_is_told_by_state():
    delivery = factories.make_delivery()
    found = figures()
    assert found['deliveries_open{state="pending"}'] == 1
    assert {state for name in found for state in re.findall(r'deliveries_open{state="(\w+)"}', name)} == {
        "pending",
        "retrying",
        "unknown",
        "sending",
    }
    assert found["deliveries_oldest_seconds"] > 0
    assert found["deliveries_readable"] == 1
    courier.deliver(lane_id=delivery.lane_id, by=SYSTEM)
    found = figures()
    assert (found['deliveries_open{state="pending"}'], found["deliveries_oldest_seconds"]) == (0, 0)


def test_what_waits_for_a_target_that_is_switched_off_is_open_but_not_late():
    delivery = factories.make_delivery()
    Delivery.objects.update(created_at=database_now() - timedelta(hours=1))
    target = targets.disable(target=delivery.placement.target, by=SYSTEM, at=AT)
    found = figures()
    assert (found['deliveries_open{state="pending"}'], found["deliveries_oldest_seconds"]) == (1, 0)
    other = factories.make_delivery()
    assert metrics.queue().oldest == Delivery.objects.get(pk=other.pk).created_at
    Delivery.objects.filter(pk=delivery.pk).update(state="sending")
    assert figures()["deliveries_oldest_seconds"] >= 3600, "what is being sent ends as it ends"
    Delivery.objects.filter(pk=delivery.pk).update(state="pending")
    targets.enable(target=target, by=SYSTEM, at=AT)
    assert figures()["deliveries_oldest_seconds"] >= 3600
    told = AuditEvent.objects.filter(subject_id=str(target.pk)).order_by("id")
    assert list(told.values_list("action", flat=True))[-2:] == ["target.disable", "target.enable"]


def test_tries_and_dead_letters_are_counted():
    target = factories.make_target(settings={"fail": ["refused"]})
    delivery = factories.make_delivery(
        placement=factories.make_placement(target=target, instance=factories.make_instance(client=target.client))
    )
    before = figures()
    courier.deliver(lane_id=delivery.lane_id, by=SYSTEM)
    assert grown(before, 'delivery_attempts_total{outcome="refused",target="memory"}') == 1
    assert grown(before, "deliveries_buried_total") == 1
    assert grown(before, "deliveries_dead_letters") == 1


def test_what_a_person_gives_up_is_counted_too():
    from publishing import deliveries

    delivery = factories.make_delivery()
    factories.make_attempt(delivery=delivery, outcome="try_again")
    before = figures()
    deliveries.bury(delivery=delivery, by=SYSTEM, at=AT)
    assert grown(before, "deliveries_buried_total") == 1


def test_a_dead_letter_that_was_replayed_is_none():
    from publishing import deliveries

    delivery = factories.make_delivery()
    factories.make_attempt(delivery=delivery, outcome="refused")
    delivery.refresh_from_db()
    assert figures()["deliveries_dead_letters"] == 1
    deliveries.replay(delivery=delivery, by=SYSTEM, at=AT)
    assert figures()["deliveries_dead_letters"] == 0


def test_a_scrape_asks_the_database_three_times(django_assert_num_queries):
    with django_assert_num_queries(3):
        list(metrics.QueueCollector().collect())


def test_without_the_database_the_scrape_says_so(monkeypatch):
    def away():
        raise DatabaseError("gone")

    monkeypatch.setattr(metrics, "queue", away)
    found = figures()
    assert found["deliveries_readable"] == 0
    assert "deliveries_dead_letters" not in found


def test_a_worker_gives_its_connection_back_after_a_scrape(monkeypatch):
    closed = []
    monkeypatch.setattr(metrics.connection, "close", lambda: closed.append(True))
    names = [family.name for family in metrics.QueueCollector(disconnect=True).collect()]
    assert (names[-1], closed) == ("deliveries_readable", [True])


def test_registering_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        CollectorRegistry().register(metrics.QueueCollector())


def test_many_processes_are_added_up(monkeypatch, tmp_path):
    """Where processes count in files, ``/metrics`` of any of them tells of all, and the queue besides."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    found = figures()
    assert "deliveries_readable" in found
    assert not any(name.startswith("publishes_total") for name in found), "no process has counted into the files"


def test_names_of_the_seed_are_kept():
    registry = CollectorRegistry()
    Counter("x", "x", registry=registry).inc()
    text = Browser(headers={"host": "localhost"}).get("/metrics").content.decode()
    assert "# TYPE publishes_total counter" in text
    assert "# TYPE publish_duration_ms histogram" in text
    assert generate_latest(registry)
