from __future__ import annotations

import uuid

import pytest

from audit.models import AuditEvent
from foundation.actors import system
from instances.models import PromptInstance
from prompthub_kernel.errors import Problem
from publishing import courier, drift
from publishing.adapters import memory
from publishing.models import Delivery, Drift, Placement, Target
from tenancy.policy import Role
from tests import factories
from tests.integration.gateway.conftest import ALL, Caller
from tests.problems import assert_page, assert_problem, assert_shape


@pytest.fixture
def buried(admin, world):
    """A delivery that the provider refused."""
    target = factories.make_target(client=world.client, settings={"fail": ["refused"]})
    placement = factories.make_placement(instance=world.instance, target=target)
    delivery = factories.make_delivery(placement=placement)
    courier.deliver(lane_id=placement.lane_id, by=system())
    return Delivery.objects.get(pk=delivery.pk)


def test_a_target_is_created_changed_and_switched(admin, world):
    body = {"name": "hook", "adapter": "webhook", "settings": {"url": "https://hooks.example.com/a"}}
    secret = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
    made = admin.post("clients/acme/targets", {**body, "credentials": {"signing_secret": secret}})
    assert made.status_code == 201, made.content
    assert_shape(made.json(), "Target")
    assert made.json()["credentials_set"] == ["signing_secret"]
    assert secret.encode() not in made.content
    path = f"targets/{made.json()['id']}"
    assert admin.get(path).json() == made.json()
    changed = admin("PATCH", path, {"settings": {"url": "https://hooks.example.com/b"}})
    assert changed.json()["settings"]["url"].endswith("/b")
    rotated = admin.post(f"{path}/credentials", {"credentials": {"signing_secret": secret + "eHl6"}})
    assert rotated.status_code == 200
    assert Target.objects.get(pk=made.json()["id"]).credential_values["signing_secret"].endswith("eHl6")
    assert admin.post(f"{path}/disable").json()["enabled"] is False
    assert admin.post(f"{path}/enable").json()["enabled"] is True
    assert {row["name"] for row in assert_page(admin.get("clients/acme/targets"), "Target")} == {"hook", "memory"}
    actions = AuditEvent.objects.filter(subject_id=made.json()["id"]).order_by("id").values_list("action", flat=True)
    assert list(actions) == [
        "target.create",
        "target.change",
        "target.credentials.rotate",
        "target.disable",
        "target.enable",
    ]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"name": "memory"}, "409.version_conflict", "/name"),
        ({"adapter": "fax"}, "422.request_invalid", "/adapter"),
        ({"settings": {"strange": 1}}, "422.request_invalid", "/settings/strange"),
        ({"credentials": {"strange": "x"}}, "422.request_invalid", None),
        ({"credentials": {"strange": 1}}, "422.request_invalid", "/credentials/strange"),
    ],
)
def test_a_target_that_does_not_fit_is_refused(admin, world, change, code, pointer):
    body = {"name": "other", "adapter": "memory"}
    assert_problem(admin.post("clients/acme/targets", {**body, **change}), code, pointer)


SIGNING = {"signing_secret": "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
FORBIDDEN = [
    "http://169.254.169.254/latest",
    "http://hooks.example.com/a",
    "https://127.0.0.1/a",
    "https://10.0.0.1/a",
    "https://0x7f000001/a",
    "https://hooks.example.com:9000/a",
    "https://localhost/a",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_nothing_is_ever_sent_to_is_refused_before_anything_moves(admin, world, url):
    body = {"name": "hook", "adapter": "webhook", "settings": {"url": url}, "credentials": SIGNING}
    assert_problem(admin.post("clients/acme/targets", body), "422.request_invalid", pointer="/settings/url")
    assert not Target.objects.filter(name="hook").exists()
    allowed = admin.post("clients/acme/targets", {**body, "settings": {"url": "https://hooks.example.com/a"}}).json()
    path = f"targets/{allowed['id']}"
    assert_problem(admin("PATCH", path, {"settings": {"url": url}}), "422.request_invalid", pointer="/settings/url")


def test_an_address_that_is_no_longer_allowed_is_told_by_test_and_publish(admin, world, settings):
    settings.PROMPTHUB_EGRESS_ALLOW = frozenset({"127.0.0.1:9"})
    body = {"name": "hook", "adapter": "webhook", "settings": {"url": "http://127.0.0.1:9/a"}, "credentials": SIGNING}
    target = Target.objects.get(pk=admin.post("clients/acme/targets", body).json()["id"])
    factories.make_placement(target=target, instance=world.instance, location={"name": "greeting"})
    settings.PROMPTHUB_EGRESS_ALLOW = frozenset()
    told = admin.post(f"targets/{target.id}/test").json()
    assert (told["ok"], told["problems"][0]["pointer"]) == (False, "/settings/url")
    refused = admin.post(f"instances/{world.instance.id}/publish", {})
    assert_problem(refused, "422.request_invalid", pointer=f"/targets/{target.id}/settings/url")
    assert not world.instance.publications.exists()


@pytest.mark.parametrize("name", ["signing_secret", "previous_signing_secret"])
def test_a_secret_that_could_not_sign_is_refused_at_the_door(admin, world, name):
    right = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
    wrong = {"signing_secret": right, name: "whsec_" + "A" * 33}  # no bytes have a base64 of 33 characters
    body = {"name": "hook", "adapter": "webhook", "settings": {"url": "https://hooks.example.com/a"}}
    refused = admin.post("clients/acme/targets", {**body, "credentials": wrong})
    problem = assert_problem(refused, "422.request_invalid", pointer=f"/credentials/{name}")
    assert "A" * 33 not in str(problem)
    made = admin.post("clients/acme/targets", {**body, "credentials": {"signing_secret": right}}).json()
    rotated = admin.post(f"targets/{made['id']}/credentials", {"credentials": wrong})
    assert_problem(rotated, "422.request_invalid", pointer=f"/credentials/{name}")
    assert Target.objects.get(pk=made["id"]).credential_values == {"signing_secret": right}


def test_a_placement_is_made_and_removed(admin, world):
    body = {"instance_id": str(world.instance.id), "target_id": str(world.target.id), "location": {"slot": "second"}}
    made = admin.post("clients/acme/placements", body)
    assert made.status_code == 201
    assert_shape(made.json(), "Placement")
    assert len(assert_page(admin.get("clients/acme/placements"), "Placement")) == 2
    assert_problem(admin.post("clients/acme/placements", body), "409.in_use")
    assert_problem(
        admin.post("clients/acme/placements", {**body, "location": {}}), "422.request_invalid", "/location/slot"
    )
    assert admin("DELETE", f"placements/{made.json()['id']}").status_code == 204
    assert Placement.objects.get(pk=made.json()["id"]).removed_at is not None
    assert AuditEvent.objects.filter(action="placement.remove").count() == 1


def test_a_placement_joins_what_belongs_to_the_client_of_its_path(admin, world):
    other = factories.make_target()
    foreign = {"instance_id": str(world.instance.id), "target_id": str(other.id), "location": {"slot": "s"}}
    assert_problem(admin.post("clients/acme/placements", foreign), "404.not_found")
    assert_problem(admin.post(f"clients/{other.client.slug}/placements", foreign), "404.not_found")
    own = {**foreign, "target_id": str(world.target.id)}
    assert_problem(admin.post(f"clients/{other.client.slug}/placements", own), "404.not_found")


def test_testing_a_target_asks_the_provider(admin, world):
    found = admin.post(f"targets/{world.target.id}/test")
    assert_shape(found.json(), "TargetTest")
    assert found.json()["ok"] is True
    assert [row["placement_id"] for row in found.json()["results"]] == [str(world.placement.id)]


def test_a_webhook_says_that_it_was_not_asked(admin, world):
    hook = {"name": "hook", "adapter": "webhook", "settings": {"url": "https://hooks.example/a"}}
    target = Target.objects.get(pk=admin.post("clients/acme/targets", {**hook, "credentials": SIGNING}).json()["id"])
    factories.make_placement(target=target, instance=world.instance, location={"name": "greeting"})
    found = admin.post(f"targets/{target.id}/test")
    assert_shape(found.json(), "TargetTest")
    assert found.json()["ok"] is None
    assert [one["code"] for row in found.json()["results"] for one in row["problems"]] == ["not_asked"]


def test_testing_a_target_without_places_says_that_nothing_was_asked(admin, world):
    admin("DELETE", f"placements/{world.placement.id}")
    found = admin.post(f"targets/{world.target.id}/test")
    assert_shape(found.json(), "TargetTest")
    assert found.json() == {"ok": None, "problems": [], "results": []}


def test_deliveries_are_listed_by_what_is_asked(admin, world, buried):
    other = factories.make_delivery()
    assert len(assert_page(admin.get("deliveries"), "Delivery")) == 3
    for filters, wanted in {
        f"client={other.placement.target.client.slug}": other.id,
        "state=buried": buried.id,
        f"target={buried.placement.target_id}": buried.id,
        f"instance={other.placement.instance_id}": other.id,
    }.items():
        assert [row["id"] for row in assert_page(admin.get(f"deliveries?{filters}"), "Delivery")] == [str(wanted)]
    assert_problem(admin.get("deliveries?state=lost"), "422.request_invalid", "/query/state")


def test_a_delivery_tells_every_try(admin, buried):
    shown = admin.get(f"deliveries/{buried.id}").json()
    assert_shape(shown, "DeliveryWithAttempts")
    assert (shown["state"], shown["error_code"]) == ("buried", "502.adapter_publish_error_memory")
    assert [(one["number"], one["outcome"]) for one in shown["attempts"]] == [(1, "refused")]
    assert_problem(admin.get(f"deliveries/{uuid.uuid4()}"), "404.not_found")


def test_a_buried_delivery_is_sent_again(admin, buried):
    again = admin.post(f"deliveries/{buried.id}/replay")
    assert again.status_code == 201
    assert_shape(again.json(), "Delivery")
    assert (again.json()["replay_of"], again.json()["state"]) == (str(buried.id), "pending")
    assert_problem(admin.post(f"deliveries/{buried.id}/replay"), "409.state_conflict")
    courier.deliver(lane_id=buried.lane_id, by=system())
    assert admin.get(f"deliveries/{again.json()['id']}").json()["state"] == "delivered"
    assert AuditEvent.objects.filter(action="delivery.replay", door="api").count() == 1


def test_many_deliveries_are_sent_again_each_on_its_own(admin, world, buried):
    fresh = factories.make_delivery()
    response = admin.post("deliveries/replay", {"deliveries": [str(buried.id), str(fresh.id)]})
    assert_shape(response.json(), "Replays")
    first, second = response.json()["results"]
    assert first["replayed_by"]
    assert (second["replayed_by"], "pending" in second["reason"]) == (None, True)
    missing = admin.post("deliveries/replay", {"deliveries": [str(fresh.id), str(uuid.uuid4())]})
    assert_problem(missing, "404.not_found", "/deliveries/1")


def test_of_many_deliveries_those_are_sent_again_that_the_caller_may_send(world, buried):
    theirs = factories.make_delivery()
    factories.make_attempt(delivery=theirs, outcome="refused")
    token = factories.make_token(
        scopes=ALL, roles={world.client: Role.PUBLISHER, theirs.placement.target.client: Role.VIEWER}
    )[1]
    both = {"deliveries": [str(buried.id), str(theirs.id)]}
    first, second = Caller(token).post("deliveries/replay", both, Idempotency_Key="k").json()["results"]
    assert (bool(first["replayed_by"]), first["reason"]) == (True, None)
    assert (second["replayed_by"], "permission 'publish'" in second["reason"]) == (None, True)
    refused = Caller(token).post("deliveries/replay", {"deliveries": [str(theirs.id)]})
    assert_problem(refused, "403.permission_denied")


def test_a_retrying_delivery_is_given_up_by_a_person(admin, world):
    target = factories.make_target(client=world.client, settings={"fail": ["try_again"]})
    delivery = factories.make_delivery(placement=factories.make_placement(instance=world.instance, target=target))
    assert_problem(admin.post(f"deliveries/{delivery.id}/bury"), "409.state_conflict")
    courier.deliver(lane_id=delivery.lane_id, by=system())
    assert admin.post(f"deliveries/{delivery.id}/bury").json()["state"] == "buried"
    assert AuditEvent.objects.filter(action="delivery.bury", subject_id=str(delivery.id)).count() == 1


@pytest.fixture
def drifted(world, at, monkeypatch):
    """Somebody edited the prompt at the provider."""
    monkeypatch.setattr(drift, "QUIET", drift.QUIET * 0)
    factories.make_delivery(placement=world.placement)
    courier.deliver(lane_id=world.placement.lane_id, by=system())
    memory.slots["greeting"].text = "You are brisk and speak for Acme."
    found = drift.check(placement=world.placement, by=system(), at=at)
    assert found is not None
    return found


def test_a_drift_is_shown_with_its_difference(admin, drifted):
    rows = assert_page(admin.get("drifts?state=open&client=acme"), "Drift")
    assert [row["id"] for row in rows] == [str(drifted.id)]
    assert assert_page(admin.get("drifts?state=ended"), "Drift") == []
    assert assert_page(admin.get(f"drifts?instance={drifted.placement.instance_id}"), "Drift") == rows
    assert assert_page(admin.get(f"drifts?instance={uuid.uuid4()}"), "Drift") == []
    shown = admin.get(f"drifts/{drifted.id}").json()
    assert_shape(shown, "DriftWithDiff")
    assert "brisk" in shown["diff"]["changed"][0]["new"]
    assert_problem(admin.get(f"drifts/{uuid.uuid4()}"), "404.not_found")


def test_a_drift_is_overwritten_when_a_person_says_so(admin, drifted, world):
    again = admin.post(f"drifts/{drifted.id}/redeliver")
    assert again.status_code == 201
    assert_shape(again.json(), "Delivery")
    courier.deliver(lane_id=world.placement.lane_id, by=system())
    assert memory.slots["greeting"].text == "You are warm and speak for Acme."
    assert_problem(admin.post(f"drifts/{drifted.id}/redeliver"), "409.state_conflict")
    assert AuditEvent.objects.filter(action="drift.redeliver").count() == 1


def test_our_text_is_not_put_back_where_the_target_objects(admin, drifted, world, monkeypatch):
    protected = Problem("/location/parameter_path", "expression_protected", "An expression is stored there.")
    monkeypatch.setattr(memory.Memory, "probe", lambda self, remote, *, wire: [protected])
    pointer = f"/targets/{world.placement.target_id}/location/parameter_path"
    for headers in ({}, {"Idempotency_Key": "again"}):
        body = assert_problem(admin.post(f"drifts/{drifted.id}/redeliver", **headers), "422.request_invalid", pointer)
        assert [problem["code"] for problem in body["errors"]] == ["expression_protected"]
    assert [row.state for row in Delivery.objects.filter(placement=world.placement)] == ["delivered"]
    assert Drift.objects.get(pk=drifted.pk).ended_at is None
    assert not AuditEvent.objects.filter(action="drift.redeliver").exists()
    monkeypatch.undo()
    assert admin.post(f"drifts/{drifted.id}/redeliver").status_code == 201
    assert Drift.objects.get(pk=drifted.pk).ended_by == "redeliver"
    assert AuditEvent.objects.get(action="drift.redeliver").subject_id == str(drifted.pk)


def adopt(admin, drifted, *, body=None, **headers):
    return admin.post(f"drifts/{drifted.id}/adopt", body, **headers)


def test_a_drift_is_adopted_into_the_draft(admin, drifted, world):
    seen = admin.get(f"instances/{world.instance.id}").json()["revision"]
    adopted = adopt(admin, drifted, body={"revision": seen})
    assert adopted.status_code == 200
    assert_shape(adopted.json(), "Instance")
    assert (adopted.json()["revision"], adopted.headers["ETag"]) == (seen + 1, f'"{seen + 1}"')
    shown = admin.post(f"instances/{world.instance.id}/preview").json()
    assert shown["content_materialized"] == "You are brisk and speak for Acme."
    assert Drift.objects.get(pk=drifted.pk).ended_by == "adopt"
    assert AuditEvent.objects.get(action="drift.adopt").subject_id == str(drifted.pk)


def test_a_drift_is_adopted_over_the_draft_whose_etag_was_seen(admin, drifted, world):
    tag = admin.get(f"instances/{world.instance.id}").headers["ETag"]
    assert adopt(admin, drifted, If_Match=tag).status_code == 200
    assert Drift.objects.get(pk=drifted.pk).ended_by == "adopt"


def test_adopting_overwrites_no_draft_that_another_person_has_changed_meanwhile(admin, drifted, world):
    read = admin.get(f"instances/{world.instance.id}")
    seen, tag = read.json()["revision"], read.headers["ETag"]
    written = admin("PATCH", f"instances/{world.instance.id}", {"revision": seen, "content_md": "Two hours of work."})
    assert written.status_code == 200
    for answer in (adopt(admin, drifted, body={"revision": seen}), adopt(admin, drifted, If_Match=tag)):
        assert assert_problem(answer, "409.draft_stale")["context"] == {"revision": seen + 1}
    row = PromptInstance.objects.get(pk=world.instance.pk)
    assert (row.content_md, row.revision) == ("Two hours of work.", seen + 1)
    assert Drift.objects.get(pk=drifted.pk).ended_at is None
    assert not AuditEvent.objects.filter(action="drift.adopt").exists()


def test_adopting_asks_which_draft_was_seen(admin, drifted, world):
    for answer in (adopt(admin, drifted), adopt(admin, drifted, body={})):
        assert_problem(answer, "422.request_invalid", "/revision")
    assert_problem(adopt(admin, drifted, body={"revision": 1}, If_Match='"2"'), "422.request_invalid")
    assert Drift.objects.get(pk=drifted.pk).ended_at is None
