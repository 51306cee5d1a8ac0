from __future__ import annotations

import base64
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assist.models import Suggestion
from foundation.actors import system
from publishing import courier
from publishing.models import Drift
from tests import factories
from tests.plans import plan
from tests.problems import assert_problem


def walk(caller, path, member="next"):
    """All rows, page by page."""
    rows = []
    while path:
        body = caller.get(path).json()
        rows += body["results"] if member == "next" else body["results"][::-1]
        path = body[member]
    return rows


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_every_row_is_on_exactly_one_page(admin, limit):
    slugs = sorted(factories.make_client().slug for _ in range(7))
    assert [row["slug"] for row in walk(admin, f"clients?limit={limit}")] == slugs


def test_pages_go_back_the_way_they_came(admin):
    slugs = sorted(factories.make_client().slug for _ in range(5))
    first = admin.get("clients?limit=2").json()
    second = admin.get(first["next"]).json()
    third = admin.get(second["next"]).json()
    assert third["next"] is None
    assert admin.get(third["previous"]).json()["results"] == second["results"]
    back = admin.get(admin.get(third["previous"]).json()["previous"]).json()
    assert (back["results"], back["previous"]) == (first["results"], None)
    assert [row["slug"] for row in walk(admin, third["previous"], "previous")] == slugs[:4][::-1]


def test_rows_that_come_meanwhile_do_not_shift_a_page(admin, world):
    versions = [
        factories.make_template_version(project=world.project, name="greeting", label=f"v{n}", content_md=f"{n}")
        for n in range(4)
    ]
    path = f"templates/{world.template.id}/versions"
    first = admin.get(f"{path}?limit=2").json()
    factories.make_template_version(project=world.project, name="greeting", label="late", content_md="late")
    rest = walk(admin, first["next"])
    assert [row["version"] for row in first["results"] + rest] == [*[v.label for v in versions][::-1], "1"]


@pytest.mark.parametrize(
    ("path", "table", "index"),
    [
        ("instances?client=acme", "instances_promptinstance", "instance_newest_of_client"),
        ("audit?action=token.issue", "audit_auditevent", "audit_by_action"),
        ("audit?actor=7", "audit_auditevent", "audit_by_actor"),
        ("audit?client=acme", "audit_auditevent", "audit_by_client"),
    ],
)
def test_what_is_rare_is_found_without_looking_through_all_the_rest(admin, world, path, table, index):
    with CaptureQueriesContext(connection) as queries:
        assert admin.get(path).status_code == 200
    [asked] = [query["sql"] for query in queries if f'FROM "prompthub_{table}"' in query["sql"]]
    assert index in plan(asked)


def test_links_keep_the_filters(admin, world):
    for number in range(3):
        factories.make_template_version(project=world.project, name="wanted", label=f"{number}", content_md=f"{number}")
    rows = walk(admin, "/prompt/templates?name=wanted&limit=1")
    assert [row["version"] for row in rows] == ["2", "1", "0"]


def cursor(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "given",
    [
        *("x", "é", "%00", "a" * 500, "~~~~", cursor([0]), cursor({}), cursor([2, "a"]), cursor([0, None])),
        *(cursor([0, ["a"]]), cursor([0, "a\0b"]), cursor([0, "\ud800"]), cursor([[0], 1]), cursor("[" * 300), ""),
    ],
)
@pytest.mark.parametrize("path", ["clients", "deliveries", "audit"])
def test_a_cursor_that_is_none_is_refused(admin, path, given):
    assert_problem(admin.get(f"{path}?cursor={given}"), "422.request_invalid", "/query/cursor")


@pytest.mark.parametrize("given", ["0", "101", "-1", "x", "1e2", "", "9" * 30, "１"])
def test_a_limit_that_does_not_fit_is_refused(admin, given):
    assert_problem(admin.get(f"clients?limit={given}"), "422.request_invalid", "/query/limit")


def test_a_parameter_nobody_knows_or_that_comes_twice_is_refused(admin):
    assert_problem(admin.get("clients?page=2"), "422.request_invalid", "/query")
    assert_problem(admin.get("clients?limit=1&limit=2"), "422.request_invalid", "/query/limit")


# ── The database is asked as often for 30 rows as for 3 ──────────────────────────────────────────────────


def queries(caller, path):
    with CaptureQueriesContext(connection) as found:
        response = caller.get(path)
    assert response.status_code == 200, response.content
    return len(found), response.json()


def fill(world, how_many):
    """So many rows of everything."""
    for _ in range(how_many):
        template = factories.make_template_version(project=world.project)
        instance = factories.make_instance(client=world.client, template_version=template, variables={"company": "A"})
        version = factories.make_instance_version(instance=world.instance)
        factories.make_publication(version=version)
        placement = factories.make_placement(instance=instance)
        delivery = factories.make_delivery(placement=placement)
        courier.deliver(lane_id=placement.lane_id, by=system())
        Drift.objects.create(
            placement=placement,
            delivery=delivery,
            observed="x",
            observed_digest="sha256:" + "0" * 64,
            found_at=delivery.created_at,
        )
        factories.make_suggestion(instance=world.instance)
        other = factories.make_client()
        factories.make_project()
        factories.make_token()
        factories.make_actor(roles={world.client: "viewer", world.project: "editor", other: "viewer"})
        world.last = delivery


LISTS = (
    *("clients", "projects", "templates", "templates/drafts", "instances", "deliveries", "drifts", "audit", "tokens"),
    *("clients/acme/targets", "clients/acme/placements", "clients/acme/grants", "projects/prompts/grants"),
    *("templates/{template}/versions", "instances/{instance}/versions", "instances/{instance}/publications"),
    "instances/{instance}/suggestions",
)
DETAILS = (
    *("clients/acme", "projects/prompts", "templates/{template}", "instances/{instance}", "instances/{instance}/diff"),
    *("targets/{target}", "deliveries/{delivery}", "drifts/{drift}", "me", "suggestions/{suggestion}"),
)


def addresses(world):
    drift = Drift.objects.latest("id")
    names = {
        "template": world.template.id,
        "instance": world.instance.id,
        "target": world.target.id,
        "delivery": world.last.id,
        "drift": drift.id,
        "suggestion": Suggestion.objects.latest("id").id,
    }
    return [path.format(**names) for path in (*LISTS, *DETAILS)]


@pytest.mark.slow
@pytest.mark.parametrize("who", ["admin", "viewer"])
def test_the_database_is_asked_as_often_for_thirty_rows_as_for_three(admin, caller, world, who):
    asking = admin if who == "admin" else caller("administrator", world.client, world.project)
    fill(world, 3)
    few = {}
    for path in addresses(world):
        if path == "tokens" and who != "admin":
            continue
        asking.get(path)
        few[path] = queries(asking, path)[0]
    fill(world, 27)
    for path, wanted in few.items():
        count, body = queries(asking, path)
        assert count == wanted, path
        if who == "admin" and not path.startswith("templates/"):
            assert len(body.get("results", range(30))) >= 30, path
    assert max(few.values()) <= 7, few


def test_creating_a_template_version_asks_the_database_a_known_number_of_times(admin, world):
    body = {"project": "prompts", "name": "counted", "content_md": "Hi."}
    admin.post("templates", body)
    with CaptureQueriesContext(connection) as found:
        admin.post("templates", {**body, "content_md": "Hello."})
    assert len(found) <= 11, [query["sql"][:80] for query in found]
