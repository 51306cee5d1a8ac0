from __future__ import annotations

import threading
import uuid

import pytest
from django.db.models import F

from audit.models import AuditEvent
from foundation.actors import system
from gateway.v1 import publishing
from instances.models import Publication
from publishing import courier, lanes
from publishing.models import Delivery
from tests import factories
from tests.problems import assert_page, assert_problem, assert_shape


@pytest.fixture
def path(world):
    return f"/prompt/instances/{world.instance.id}/publish"


AGAIN = 4  # on a slow machine the next try is due before the answer is looked at


def carry(placement):
    courier.deliver(lane_id=placement.lane_id, by=system())


def test_publishing_seals_activates_and_lays_down_deliveries(admin, world, path):
    response = admin.post(path, {"reason": "first"})
    assert response.status_code == 200
    body = response.json()
    assert_shape(body, "Published")
    assert (body["changed"], body["publication"]["ordinal"], body["publication"]["reason"]) == (True, 1, "first")
    assert [(row["state"], row["target"]["name"]) for row in body["deliveries"]] == [("pending", "memory")]
    shown = admin.get(f"instances/{world.instance.id}").json()
    assert (shown["status"], shown["active_version"]) == ("active", body["versionId"])
    events = AuditEvent.objects.filter(correlation_id=response.headers["X-Correlation-ID"]).order_by("id")
    assert [event.action for event in events] == [
        "instance.version.seal",
        "instance.version.activate",
        "instance.publish",
    ]


def test_the_same_publish_again_answers_the_same_version(admin, path):
    first, again = admin.post(path).json(), admin.post(path).json()
    assert (again["versionId"], again["changed"]) == (first["versionId"], False)
    assert Publication.objects.count() == 1


def test_an_older_version_published_again_is_a_rollback(admin, world, path):
    first = admin.post(path).json()
    admin("PATCH", f"instances/{world.instance.id}", {"revision": 1, "variables": {"company": "Bolt"}})
    second = admin.post(path).json()
    back = admin.post(path, {"version": first["versionId"], "reason": "too bold"}).json()
    assert back["versionId"] == first["versionId"] != second["versionId"]
    assert back["publication"]["ordinal"] == 3
    carry(world.placement)
    rows = assert_page(admin.get("deliveries"), "Delivery")
    assert [(row["publication"], row["state"]) for row in rows] == [
        (3, "delivered"),
        (2, "superseded"),
        (1, "superseded"),
    ]


def test_a_second_publisher_is_told_of_the_first_and_may_go_on(admin, world, path):
    first = admin.post(path).json()
    admin("PATCH", f"instances/{world.instance.id}", {"revision": 1, "variables": {"company": "Bolt"}})
    problem = assert_problem(admin.post(path, {"expected_active": None}), "409.version_conflict", "/expected_active")
    assert problem["context"]["active"] == first["versionId"]
    assert problem["context"]["active_by"]
    assert admin.post(path, {"expected_active": None, "confirm": True}).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"targets": [str(uuid.uuid4())]}, "422.request_invalid", "/targets/0"),
        ({"targets": ["x"]}, "422.request_invalid", "/targets/0"),
        ({"version": str(uuid.uuid4())}, "404.template_or_instance_not_found", None),
        ({"confirm": "yes"}, "422.request_invalid", "/confirm"),
        ({"force": True}, "422.request_invalid", "/force"),
        ([], "422.request_invalid", ""),
    ],
)
def test_a_publish_request_that_does_not_fit_changes_nothing(admin, path, body, code, pointer):
    assert_problem(admin.post(path, body), code, pointer)
    assert not Publication.objects.exists()


def test_a_chosen_target_alone_gets_it(admin, world, path):
    other = factories.make_placement(instance=world.instance, location={"slot": "elsewhere"})
    body = admin.post(path, {"targets": [str(other.target_id)]}).json()
    assert [row["target"]["id"] for row in body["deliveries"]] == [str(other.target_id)]


def test_a_key_that_was_used_answers_the_same_without_doing_it_again(admin, world, path):
    first = admin.post(path, {"reason": "once"}, Idempotency_Key="k-1")
    admin("PATCH", f"instances/{world.instance.id}", {"revision": 1, "variables": {"company": "Bolt"}})
    again = admin.post(path, {"reason": "once"}, Idempotency_Key="k-1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert (Publication.objects.count(), Delivery.objects.count()) == (1, 1)
    assert_problem(
        admin.post(path, {"reason": "twice"}, Idempotency_Key="k-1"),
        "422.idempotency_key_reused",
        "/headers/Idempotency-Key",
    )


class _Worker:
    """Stands in for the pause between two looks: a worker carries out what is due."""

    def __init__(self, placement):
        self.placement = placement

    def sleep(self, seconds):
        carry(self.placement)

    def monotonic(self):
        return 0.0


def test_waiting_answers_when_it_is_delivered(admin, world, path, monkeypatch):
    monkeypatch.setattr(publishing, "time", _Worker(world.placement))
    body = admin.post(f"{path}?wait=true").json()
    assert [row["state"] for row in body["deliveries"]] == ["delivered"]


@pytest.mark.parametrize(
    ("ending", "state"), [("try_again", "retrying"), ("refused", "buried"), ("unknown", "unknown")]
)
def test_waiting_for_a_failing_provider_is_a_502_after_the_rows_are_safe(admin, world, monkeypatch, ending, state):
    target = factories.make_target(client=world.client, settings={"fail": AGAIN * [ending]})
    placement = factories.make_placement(instance=world.instance, target=target)
    monkeypatch.setattr(publishing, "time", _Worker(placement))
    response = admin.post(
        f"instances/{world.instance.id}/publish?wait=true", {"targets": [str(target.id)]}, Idempotency_Key="w-1"
    )
    problem = assert_problem(response, "502.adapter_publish_error_memory", f"/targets/{target.id}")
    assert problem["retryable"] is (state != "buried"), "of what was given up only a replay comes again"
    assert problem["context"]["deliveries"][0]["state"] == state
    assert ("not known whether" in problem["detail"]) is (state == "unknown")
    assert ("did not take it" in problem["detail"]) is (state != "unknown")
    assert problem["title"] == "The in-memory provider did not confirm the prompt", "true of all three"
    assert str(Publication.objects.get().version_id) == problem["context"]["versionId"]
    assert admin.get(f"instances/{world.instance.id}").json()["status"] == "active"


def test_of_several_targets_the_one_that_was_given_up_is_told_first(admin, world, monkeypatch):
    ends = {}
    for ending in ("try_again", "refused"):
        target = factories.make_target(client=world.client, settings={"fail": AGAIN * [ending]})
        ends[str(target.id)] = factories.make_placement(instance=world.instance, target=target)

    class Workers(_Worker):
        def sleep(self, seconds):
            for placement in ends.values():
                carry(placement)

    monkeypatch.setattr(publishing, "time", Workers(None))
    response = admin.post(f"instances/{world.instance.id}/publish?wait=true", {"targets": list(ends)})
    problem = assert_problem(response, "502.adapter_publish_error_memory")
    assert problem["retryable"] is False
    assert [row["state"] for row in problem["context"]["deliveries"]] == ["buried", "retrying"]
    assert "Replay the delivery" in problem["detail"]


@pytest.mark.parametrize(("endings", "known"), [(["unknown", "refused"], False), (["try_again", "refused"], True)])
def test_what_was_given_up_after_a_lost_answer_may_have_been_taken(admin, world, monkeypatch, endings, known):
    target = factories.make_target(client=world.client, settings={"fail": endings})
    placement = factories.make_placement(instance=world.instance, target=target)

    class Late(_Worker):
        def sleep(self, seconds):
            for _ in endings:
                Delivery.objects.filter(placement=placement, ended_at=None).update(due_at=F("created_at"))
                carry(placement)

    monkeypatch.setattr(publishing, "time", Late(placement))
    problem = assert_problem(
        admin.post(f"instances/{world.instance.id}/publish?wait=true", {"targets": [str(target.id)]}),
        "502.adapter_publish_error_memory",
    )
    assert problem["context"]["deliveries"][0]["state"] == "buried"
    assert ("did not take it" in problem["detail"]) is known
    assert ("not known whether a target took it" in problem["detail"]) is not known


def test_a_delivery_that_a_person_gave_up_before_any_try_is_a_502_too(admin, world, path, monkeypatch):
    class Operator(_Worker):
        def sleep(self, seconds):
            row = Delivery.objects.get(placement=self.placement)
            Delivery.objects.filter(pk=row.pk).update(state="buried", ended_at=row.due_at)

    monkeypatch.setattr(publishing, "time", Operator(world.placement))
    problem = assert_problem(admin.post(f"{path}?wait=true"), "502.adapter_publish_error_memory")
    assert problem["retryable"] is False


def test_waiting_ends_when_nobody_delivers(admin, path, monkeypatch):
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.0)
    body = admin.post(f"{path}?wait=true").json()
    assert [row["state"] for row in body["deliveries"]] == ["pending"]


def test_waiting_ends_when_the_server_stops(admin, path, monkeypatch):
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr("foundation.ending.begun", stopping)
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 1e9)
    monkeypatch.setattr(publishing, "POLL_SECONDS", "no further look")  # time.sleep takes no text
    response = admin.post(f"{path}?wait=true")
    assert (response.status_code, [row["state"] for row in response.json()["deliveries"]]) == (200, ["pending"])


def test_waiting_again_looks_at_what_is_still_on_its_way(admin, world, path, monkeypatch):
    admin.post(path)
    monkeypatch.setattr(publishing, "time", _Worker(world.placement))
    body = admin.post(f"{path}?wait=true").json()
    assert (body["changed"], [row["state"] for row in body["deliveries"]]) == (False, ["delivered"])


@pytest.mark.parametrize(("seconds", "why"), [(120, "retry_after"), (None, "target_disabled")])
def test_nobody_waits_for_what_is_held_up_for_longer(admin, world, path, monkeypatch, seconds, why):
    monkeypatch.setattr(publishing, "POLL_SECONDS", "no further look")  # time.sleep takes no text
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 100)
    admin.post(path)
    if seconds is None:
        admin.post(f"targets/{world.target.id}/disable")
    else:
        lanes.wait_until(lane_id=world.placement.lane_id, seconds=seconds)
    response = admin.post(f"{path}?wait=true")
    assert response.status_code == 200
    assert [(row["state"], row["waits_for"]) for row in response.json()["deliveries"]] == [("pending", why)]


def test_a_pause_that_ends_in_time_is_waited_for(admin, world, path, monkeypatch):
    class Later(_Worker):
        def sleep(self, seconds):
            lanes.lift(lane_ids=[self.placement.lane_id])
            super().sleep(seconds)

    monkeypatch.setattr(publishing, "time", Later(world.placement))
    admin.post(path)
    lanes.wait_until(lane_id=world.placement.lane_id, seconds=20)
    body = admin.post(f"{path}?wait=true").json()
    assert [row["state"] for row in body["deliveries"]] == ["delivered"]


def test_when_too_many_wait_the_answer_comes_at_once(admin, path, monkeypatch):
    monkeypatch.setattr(publishing, "WAITERS", threading.BoundedSemaphore(1))
    with publishing.WAITERS:
        assert [row["state"] for row in admin.post(f"{path}?wait=true").json()["deliveries"]] == ["pending"]


def test_a_switched_off_target_is_left_out(admin, world, path):
    assert admin.post(f"targets/{world.target.id}/disable").json()["enabled"] is False
    assert admin.post(path).json()["deliveries"] == []
