"""What releases have of others: texts that were put in, who uses them, and warnings of those that were retired."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.factories.workbench import Workbench
from tests.problems import assert_page, assert_shape

BUNDLE = "projects/prompts/bundles/support"
NAME = {"name": {"type": "string"}}


@pytest.fixture
def support(world):
    """``@prompts/support``, of which 1.0.0 has the prompt ``welcome``."""
    bench = Workbench(world.project, "support")
    bench.write("welcome", "Hello {{ name }}.", variables=NAME)
    bench.cut("1.0.0")
    return bench


def test_a_text_that_is_put_in_although_its_release_is_yanked_is_warned_of_and_told(admin, support):
    safety = Workbench(support.project, "safety")
    safety.write("plain", "Be safe.", template="plain")
    safety.cut("1.0.0")
    top = Workbench(support.project, "top")
    top.write("a", '{% include "@prompts/safety@1.0.0/plain" %}', template="a")
    top.write("b", '{% include "@prompts/safety@1.0.0/plain" %} Really.', template="b")
    path = "projects/prompts/bundles/top"
    assert admin.post(f"{path}/plan", {"version": "1.0.0"}).json()["warnings"] == []
    said = {"reason": "security", "message": "Says too much."}
    admin.post("projects/prompts/bundles/safety/releases/1.0.0/retire", {**said, "message": "At first."})
    admin.post("projects/prompts/bundles/safety/releases/1.0.0/retire", said)
    admin.post("projects/prompts/bundles/safety/releases/1.0.0/yank", said)
    plan = admin.post(f"{path}/plan", {"version": "1.0.0"})
    assert_shape(plan.json(), "Plan")
    done = admin.post(f"{path}/releases", {"version": "1.0.0"}).json()
    assert_shape(done, "Cut")
    again = admin.post(f"{path}/releases", {"version": "1.0.0"})
    assert again.status_code == 200
    for warnings in (plan.json()["warnings"], done["warnings"], again.json()["warnings"]):
        assert [(one["bundle"], one["release"]["version"], one["code"]) for one in warnings] == [
            ("@prompts/safety", "1.0.0", "yanked"),
            ("@prompts/safety", "1.0.0", "retired"),
        ]
        assert {(one["reason"], one["message"]) for one in warnings} == {("security", "Says too much.")}
    read = admin.get(f"{path}/releases/1.0.0").json()
    assert_shape(read, "Release")
    assert read["included"] == [{"prompt": name, "address": "@prompts/safety@1.0.0/plain"} for name in ("a", "b")]
    assert admin.get(f"{BUNDLE}/releases/1.0.0").json()["included"] == []


def test_who_has_texts_of_a_bundle_is_told_as_far_as_one_may_see(admin, caller, support):
    other = factories.make_project(slug="other")
    shop = Workbench(other, "shop")
    shop.write("a", '{% include "@prompts/support@1.0.0/welcome" %}', variables=NAME)
    shop.cut("1.0.0")
    [row] = assert_page(admin.get(f"{BUNDLE}/dependants"), "Dependant")
    assert (row["bundle"], row["release"]["version"]) == ("@other/shop", "1.0.0")
    assert (row["selector"], row["resolved"]) == (None, None)
    assert row["included"] == [{"prompt": "a", "address": "@prompts/support@1.0.0/welcome"}]
    assert caller("viewer", support.project).get(f"{BUNDLE}/dependants").json()["results"] == []


def test_more_releases_that_use_a_bundle_cost_no_more_questions(admin, support):
    shop = Workbench(support.project, "shop")
    shop.need("@prompts/support", "^1.0")
    asked = []
    admin.get(f"{BUNDLE}/dependants")
    for number in range(1, 6):
        text = '{% include "@prompts/support/welcome" %}'
        shop.write(f"a{number}", text, variables=NAME)
        shop.cut(f"1.{number}.0")
        with CaptureQueriesContext(connection) as queries:
            told = admin.get(f"{BUNDLE}/dependants").json()["results"]
        assert [row["release"]["version"] for row in told] == [f"1.{one}.0" for one in range(number, 0, -1)]
        assert len(told[0]["included"]) == number
        with CaptureQueriesContext(connection) as more:
            admin.get(f"projects/prompts/bundles/shop/releases/1.{number}.0")
        asked.append((len(queries), len(more)))
    assert len(set(asked)) == 1


def test_those_that_use_a_bundle_come_page_by_page(admin, support):
    shop = Workbench(support.project, "shop")
    shop.write("a", '{% include "@prompts/support/welcome" %}', variables=NAME)
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        shop.cut(version)
    first = admin.get(f"{BUNDLE}/dependants?limit=2").json()
    rest = admin.get(f"{BUNDLE}/dependants?{first['next'].partition('?')[2]}").json()
    told = [row["release"]["version"] for row in first["results"] + rest["results"]]
    assert told == ["1.0.2", "1.0.1", "1.0.0"]
