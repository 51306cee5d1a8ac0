"""A place that is closed is told at the door: why something waits, why it ended, why it is not replayed."""

from __future__ import annotations

import pytest

from publishing import courier, publish
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.problems import assert_problem, assert_shape

pytestmark = pytest.mark.django_db


@pytest.fixture
def waits(world):
    """A delivery that was tried once and not taken."""
    target = factories.make_target(client=world.client, settings={"fail": ["try_again", "refused"]})
    placement = factories.make_placement(instance=world.instance, target=target)
    delivery = factories.make_delivery(placement=placement)
    courier.deliver(lane_id=delivery.lane_id, by=SYSTEM)
    return delivery


def test_what_waits_for_a_target_that_is_switched_off_says_so(admin, waits):
    path = f"targets/{waits.placement.target_id}"
    admin.post(f"{path}/disable")
    shown = admin.get(f"deliveries/{waits.id}").json()
    assert_shape(shown, "DeliveryWithAttempts")
    assert (shown["state"], shown["waits_for"], shown["next_try_at"]) == ("retrying", "target_disabled", None)
    admin.post(f"{path}/enable")
    assert admin.get(f"deliveries/{waits.id}").json()["waits_for"] in {"turn", "backoff"}


def test_what_waits_ends_with_its_place_and_with_its_prompt(admin, world, waits):
    admin("DELETE", f"placements/{waits.placement_id}")
    shown = admin.get(f"deliveries/{waits.id}").json()
    assert (shown["state"], shown["error_code"]) == ("superseded", None)
    assert shown["error_detail"] == "The prompt was taken away from this place before this was sent."
    other = factories.make_placement(target=world.target)
    [row] = publish.publish(instance=other.instance, by=SYSTEM, at=AT).deliveries
    assert admin.post(f"instances/{other.instance_id}/archive").status_code == 200
    shown = admin.get(f"deliveries/{row.id}").json()
    assert (shown["state"], shown["waits_for"]) == ("superseded", None)
    assert shown["error_detail"] == "The prompt was archived before this was sent."


def test_a_replay_where_nothing_is_sent_is_refused(admin, world, waits):
    admin.post(f"deliveries/{waits.id}/bury")
    admin.post(f"targets/{waits.placement.target_id}/disable")
    refused = assert_problem(admin.post(f"deliveries/{waits.id}/replay"), "409.state_conflict")
    assert "Switch it on" in refused["detail"]
    admin("DELETE", f"placements/{waits.placement_id}")
    refused = assert_problem(admin.post(f"deliveries/{waits.id}/replay"), "409.state_conflict")
    assert "Place it there again" in refused["detail"]
    many = admin.post("deliveries/replay", {"deliveries": [str(waits.id)]}).json()["results"]
    assert (many[0]["replayed_by"], many[0]["reason"]) == (None, refused["detail"])
