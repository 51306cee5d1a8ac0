"""UUIDs are written in small letters and read in either (RFC 9562, section 4), at every place of a request."""

from __future__ import annotations

import pytest

from tests import factories
from tests.problems import assert_problem

OTHERS = ("{%s}", "urn:uuid:%s", "(%s)")


@pytest.fixture
def capitals(world):
    found = str(world.instance.id).upper()
    assert found != found.lower()
    return found


def others(key):
    return [form % key for form in OTHERS] + [str(key).replace("-", ""), f"{key}0", f"{key}\n"]


def test_in_addresses(admin, world, capitals):
    small = admin.get(f"instances/{world.instance.id}")
    large = admin.get(f"instances/{capitals}")
    assert (large.status_code, large.content, large.headers["ETag"]) == (200, small.content, small.headers["ETag"])
    edited = admin("PATCH", f"instances/{capitals}", {"revision": 1, "name": "hello"})
    assert (edited.status_code, edited.json()["instanceId"]) == (200, str(world.instance.id))


def test_in_parameters(admin, world, capitals):
    admin.post(f"instances/{world.instance.id}/publish")
    found = admin.get(f"deliveries?instance={capitals}").json()["results"]
    assert found == admin.get(f"deliveries?instance={world.instance.id}").json()["results"] != []
    assert admin.get(f"audit?subject={capitals}").json() != {"results": [], "next": None, "previous": None}
    template = str(world.template.id).upper()
    for base in (template, f"template:{template}"):
        told = admin.get(f"instances/{capitals}/diff?base={base}")
        assert told.status_code == 200
        assert told.json() == admin.get(f"instances/{capitals}/diff").json()


def test_in_bodies(admin, world, capitals):
    body = {"instance_id": capitals, "target_id": str(world.target.id).upper(), "location": {"slot": "other"}}
    made = admin.post("clients/acme/placements", body)
    assert made.status_code == 201
    assert made.json()["instance_id"] == str(world.instance.id)


def test_links_and_keys_are_of_the_canonical_address(admin, world, capitals):
    factories.make_placement(instance=world.instance, target=world.target)
    key = {"Idempotency_Key": "one"}
    small = admin.post(f"instances/{world.instance.id}/publish", **key)
    large = admin.post(f"instances/{capitals}/publish", **key)
    assert (large.headers.get("Idempotency-Replayed"), large.json()) == ("true", small.json())
    page = admin.get(f"deliveries?instance={capitals}&limit=1").json()
    assert page["next"] == admin.get(f"deliveries?instance={world.instance.id}&limit=1").json()["next"]
    admin("PATCH", f"instances/{capitals}", {"revision": 1, "variables": {"company": "Bolt"}})
    admin.post(f"instances/{capitals}/publish")
    page = admin.get(f"instances/{capitals}/versions?limit=1").json()
    assert page["next"].startswith(f"/api/v1/instances/{world.instance.id}/versions?")


def test_other_spellings_are_no_ids(admin, world):
    for text in others(world.instance.id):
        assert admin.get(f"instances/{text}".replace("\n", "%0a")).status_code == 404
        path = f"deliveries?instance={text}".replace("\n", "%0a")
        assert_problem(admin.get(path), "422.request_invalid", "/query/instance")
        body = {"instance_id": text, "target_id": str(world.target.id), "location": {"slot": "other"}}
        assert_problem(admin.post("clients/acme/placements", body), "422.request_invalid", "/instance_id")
        assert_problem(
            admin.get(f"instances/{world.instance.id}/diff?base=template:{text}".replace("\n", "%0a")),
            "422.request_invalid",
            "/query/base",
        )
