from __future__ import annotations

import pytest

from audit.models import AuditEvent
from tests import factories
from tests.problems import assert_page, assert_problem, assert_shape

HOME = "projects/prompts/bundles"


@pytest.fixture
def support(admin, world):
    """A bundle without prompts, by the API."""
    response = admin.post(HOME, {"slug": "support", "title": "Support desk"})
    assert response.status_code == 201, response.content
    return response.json()


def test_a_bundle_is_created_once_and_read_by_its_address(admin, world, support):
    assert_shape(support, "Bundle")
    assert (support["address"], support["kind"], support["members"], support["requirements"]) == (
        "@prompts/support",
        "set",
        [],
        {},
    )
    read = admin.get(f"{HOME}/support")
    assert (read.json(), read.headers["ETag"]) == (support, '"1"')
    assert AuditEvent.objects.get(action="bundle.create").subject_label == "@prompts/support"
    assert_problem(admin.post(HOME, {"slug": "support"}), "409.version_conflict", "/slug")
    assert_problem(admin.post(HOME, {"slug": "Support"}), "422.request_invalid", "/slug")
    assert_problem(admin.get(f"{HOME}/nobody"), "404.bundle_not_found")
    assert_problem(admin.get("projects/nobody/bundles/support"), "404.bundle_not_found")
    assert_problem(admin.get("projects/nobody/bundles"), "404.not_found")


def test_a_projects_bundles_are_listed_by_slug_and_kind(admin, world, support):
    admin.post(HOME, {"slug": "coach", "kind": "pack"})
    admin.post("projects", {"slug": "other", "name": "Other"})
    admin.post("projects/other/bundles", {"slug": "elsewhere"})
    assert [row["slug"] for row in assert_page(admin.get(HOME), "BundleLine")] == ["coach", "support"]
    assert [row["slug"] for row in assert_page(admin.get(f"{HOME}?kind=pack"), "BundleLine")] == ["coach"]
    first = admin.get(f"{HOME}?limit=1").json()
    assert [row["slug"] for row in admin.get(first["next"]).json()["results"]] == ["support"]


def test_each_change_of_a_draft_names_the_revision_it_was_decided_on(admin, world, support):
    renamed = admin("PATCH", f"{HOME}/support", {"title": "Help desk"}, If_Match='"1"')
    assert (renamed.json()["title"], renamed.json()["description"], renamed.headers["ETag"]) == ("Help desk", "", '"2"')
    stale = admin("PATCH", f"{HOME}/support", {"description": "Who answers first.", "revision": 1})
    assert assert_problem(stale, "409.draft_stale")["context"] == {"revision": 2}
    assert_problem(admin("PATCH", f"{HOME}/support", {"title": "x"}), "422.request_invalid", "/revision")
    suited = admin("PUT", f"{HOME}/support/compatibility", {"compatibility": {"models": ["a"]}, "revision": 2})
    assert (suited.json()["compatibility"], suited.json()["revision"]) == ({"models": ["a"]}, 3)


@pytest.mark.parametrize("spelling", ["styles/calm", "styles%2Fcalm"])
def test_a_prompt_is_a_member_under_its_name_with_a_slash(admin, world, support, spelling):
    done = admin("PUT", f"{HOME}/support/members/{spelling}", {"template": "greeting"}, If_Match='"1"')
    assert_shape(done.json(), "Bundle")
    assert done.json()["members"] == [{"name": "styles/calm", "template": "greeting"}]
    gone = admin("DELETE", f"{HOME}/support/members/{spelling}", If_Match='"2"')
    assert (gone.json()["members"], gone.headers["ETag"]) == ([], '"3"')
    assert_problem(admin("DELETE", f"{HOME}/support/members/{spelling}", If_Match='"3"'), "404.prompt_not_found")


def test_a_member_is_of_a_template_of_its_own_project(admin, world, support):
    factories.make_template_version(project=factories.make_project(slug="other"), name="theirs")
    theirs = admin("PUT", f"{HOME}/support/members/welcome", {"template": "theirs", "revision": 1})
    assert_problem(theirs, "404.template_or_instance_not_found", "/template")


@pytest.mark.parametrize("name", ["Welcome", "a//b", "a/b/c/d/e", "-a", "%00", "a%0Ab"])
def test_what_is_no_name_of_a_prompt_is_no_address(admin, world, support, name):
    answer = admin("PUT", f"{HOME}/support/members/{name}", {"template": "greeting", "revision": 1})
    assert_problem(answer, "404.not_found")


def test_a_bundle_needs_another_in_a_range(admin, world, support):
    admin.post(HOME, {"slug": "base"})
    needed = f"{HOME}/support/requirements/@prompts/base"
    done = admin("PUT", needed, {"selector": "^1.2", "revision": 1})
    assert done.json()["requirements"] == {"@prompts/base": "^1.2"}
    assert_problem(admin("PUT", needed, {"selector": "stable", "revision": 2}), "422.request_invalid", "/selector")
    assert_problem(admin("PUT", needed, {"selector": "^1..2", "revision": 2}), "400.address_invalid", "/selector")
    own = admin("PUT", f"{HOME}/support/requirements/@prompts/support", {"selector": "*", "revision": 2})
    assert assert_problem(own, "422.dependency_cycle")["context"] == {"cycle": ["@prompts/support"]}
    strange = admin("PUT", f"{HOME}/support/requirements/@prompts/nobody", {"selector": "*", "revision": 2})
    assert_problem(strange, "422.request_invalid", "/required")
    gone = admin("DELETE", needed.replace("@", "%40"), If_Match='"2"')
    assert (gone.json()["requirements"], gone.json()["revision"]) == ({}, 3)
    assert_problem(admin("DELETE", needed, If_Match='"3"'), "404.bundle_not_found")
