"""A provider's pause is told, and a person who may run the target ends it."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from publishing import courier, lanes
from publishing.models import Lane
from tests import factories
from tests.factories.acting import SYSTEM
from tests.problems import assert_page, assert_problem, assert_shape

pytestmark = pytest.mark.django_db


@pytest.fixture
def paused(world):
    """A delivery whose provider asked for a day."""
    target = factories.make_target(client=world.client, settings={"fail": [{"retry_after": 86_400}]})
    delivery = factories.make_delivery(placement=factories.make_placement(instance=world.instance, target=target))
    courier.deliver(lane_id=delivery.lane_id, by=SYSTEM)
    return delivery


def test_a_pause_is_told_with_its_end(admin, paused):
    shown = admin.get(f"deliveries/{paused.id}").json()
    assert_shape(shown, "DeliveryWithAttempts")
    assert (shown["state"], shown["waits_for"]) == ("retrying", "retry_after")
    assert shown["next_try_at"] >= shown["due_at"]
    listed = assert_page(admin.get("deliveries?state=retrying"), "Delivery")
    assert [row["next_try_at"] for row in listed] == [shown["next_try_at"]]


def test_a_pause_is_ended_by_whoever_runs_the_target(admin, caller, world, paused):
    path = f"targets/{paused.placement.target_id}/resume"
    assert_problem(caller("publisher", world.client).post(path), "403.permission_denied")
    assert_problem(caller("administrator", factories.make_client()).post(path), "404.not_found")
    assert not lanes.is_open(lane_id=paused.lane_id)
    done = caller("administrator", world.client).post(path)
    assert done.status_code == 200
    assert_shape(done.json(), "Target")
    assert Lane.objects.get(pk=paused.lane_id).not_before is None
    assert AuditEvent.objects.filter(action="target.resume").count() == 1
    courier.deliver(lane_id=paused.lane_id, by=SYSTEM)
    assert admin.get(f"deliveries/{paused.id}").json()["state"] == "delivered"


def test_what_has_not_begun_is_given_up_while_a_pause_holds_it_up(admin, world):
    delivery = factories.make_delivery(placement=world.placement)
    assert_problem(admin.post(f"deliveries/{delivery.id}/bury"), "409.state_conflict")
    lanes.wait_until(lane_id=delivery.lane_id, seconds=60)
    told = admin.get(f"deliveries/{delivery.id}").json()
    assert (told["state"], told["waits_for"]) == ("pending", "retry_after")
    assert admin.post(f"deliveries/{delivery.id}/bury").json()["state"] == "buried"
