from __future__ import annotations

import base64

import pytest

from audit.models import AuditEvent
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.signing import signed_bytes
from registry import ed25519
from registry.models import Release
from tests import factories
from tests.factories.workbench import Workbench
from tests.problems import assert_page, assert_problem, assert_shape

BUNDLE = "projects/prompts/bundles/support"
RELEASES = f"{BUNDLE}/releases"
NASTY = "2.1.0-gpt4+tokens.1500"


def write(caller, template, text, *variables):
    """A template's next version, by the API."""
    schema = {"properties": {key: {"type": "string"} for key in variables}} if variables else {}
    body = {"project": "prompts", "name": template, "content_md": text, "variables_schema": schema}
    assert caller.post("templates", body).status_code == 201


def add(caller, name, template, bundle=BUNDLE):
    revision = caller.get(bundle).json()["revision"]
    response = caller("PUT", f"{bundle}/members/{name}", {"template": template, "revision": revision})
    assert response.status_code == 200, response.content


def cut(caller, version, bundle=BUNDLE, **more):
    response = caller.post(f"{bundle}/releases", {"version": version, **more})
    assert response.status_code == 201, response.content
    return response.json()


@pytest.fixture
def support(admin, world):
    """``@prompts/support`` whose draft has the prompt ``welcome``."""
    admin.post("projects/prompts/bundles", {"slug": "support"})
    write(admin, "hello", "Hello {{ name }}.", "name")
    add(admin, "welcome", "hello")
    return world


@pytest.fixture
def released(admin, support):
    """1.0.0, and 1.1.0 with another prompt."""
    cut(admin, "1.0.0")
    write(admin, "goodbye", "Bye.")
    add(admin, "farewell", "goodbye")
    cut(admin, "1.1.0", notes="Says goodbye too.")
    return support


def test_a_draft_is_cut_once_and_the_same_again_is_the_same_release(admin, support):
    first = admin.post(RELEASES, {"version": "1.0.0", "revision": 2, "notes": "The first"})
    assert first.status_code == 201
    assert_shape(first.json(), "Cut")
    told = first.json()["release"]
    assert (told["address"], told["notes"], [row["name"] for row in told["prompts"]]) == (
        "@prompts/support@1.0.0",
        "The first",
        ["welcome"],
    )
    again = admin.post(RELEASES, {"version": "1.0.0"})
    assert (again.status_code, again.json()["created"], again.json()["release"]) == (200, False, told)
    event = AuditEvent.objects.get(action="release.cut")
    assert (event.subject_label, event.correlation_id) == (
        "@prompts/support@1.0.0",
        first.headers["X-Correlation-ID"],
    )


def test_a_cut_of_a_draft_that_was_changed_meanwhile_is_refused(admin, support):
    assert_problem(admin.post(RELEASES, {"version": "1.0.0", "revision": 1}), "409.draft_stale")
    assert not Release.objects.exists()


def test_a_version_with_another_content_is_a_conflict(admin, released):
    write(admin, "hello", "Good day {{ name }}.", "name")
    assert_problem(admin.post(RELEASES, {"version": "1.1.0"}), "409.version_conflict", "/version")


@pytest.mark.parametrize("spelled", [NASTY, NASTY.replace("+", "%2B"), "2.1.0-gpt4"])
def test_the_version_of_the_specification_is_an_address(admin, released, spelled):
    told = cut(admin, NASTY)["release"]
    assert (told["version"], told["variant"]) == (NASTY, "gpt4")
    read = admin.get(f"{RELEASES}/{spelled}")
    assert read.json() == told
    assert admin.get(f"{RELEASES}/{spelled}/manifest").json()["version"] == NASTY


def test_releases_are_listed_from_the_highest_version_down(admin, released):
    for version in ("2.0.0-rc.1", "1.10.0", NASTY):
        cut(admin, version)
    wanted = [NASTY, "2.0.0-rc.1", "1.10.0", "1.1.0", "1.0.0"]
    assert [row["version"] for row in assert_page(admin.get(RELEASES), "ReleaseLine")] == wanted
    paged, path = [], f"{RELEASES}?limit=2"
    while path:
        page = admin.get(path).json()
        paged, path = paged + page["results"], page["next"]
    assert [row["version"] for row in paged] == wanted
    assert [row["version"] for row in admin.get(admin.get(page["previous"]).json()["previous"]).json()["results"]] == [
        NASTY,
        "2.0.0-rc.1",
    ]


def test_a_plan_says_what_a_cut_would_do_and_does_nothing(admin, released):
    write(admin, "hello", "Hello {{ name }} at {{ place }}.", "name", "place")
    events = AuditEvent.objects.count()
    plan = admin.post(f"{BUNDLE}/plan", {"version": "1.1.1"})
    assert_shape(plan.json(), "Plan")
    assert {key: plan.json()[key] for key in ("enough", "needed", "lowest")} == {
        "enough": False,
        "needed": "minor",
        "lowest": "1.2.0",
    }
    assert plan.json()["previous"]["version"] == "1.1.0"
    assert {change["code"] for change in plan.json()["changes"]} == {"variable_added", "text_changed"}
    assert (AuditEvent.objects.count(), Release.objects.count()) == (events, 2)


def test_a_plan_warns_of_releases_that_it_chose_although_they_are_retired(admin, released):
    safety = Workbench(released.project, "safety")
    safety.write("a", "A.", template="a")
    safety.cut("1.0.0")
    revision = admin.get(BUNDLE).json()["revision"]
    admin("PUT", f"{BUNDLE}/requirements/@prompts/safety", {"selector": "^1.0", "revision": revision})
    assert admin.post(f"{BUNDLE}/plan", {"version": "1.2.0"}).json()["warnings"] == []
    said = {"reason": "security", "message": "Says too much."}
    admin.post("projects/prompts/bundles/safety/releases/1.0.0/retire", said)
    plan = admin.post(f"{BUNDLE}/plan", {"version": "1.2.0"})
    assert_shape(plan.json(), "Plan")
    chosen = plan.json()["chosen"]["@prompts/safety"]
    assert chosen["version"] == "1.0.0"
    assert plan.json()["warnings"] == [{"bundle": "@prompts/safety", "release": chosen, "code": "retired", **said}]


def test_a_plan_of_a_version_that_is_used_is_not_enough(admin, released):
    """1.1.0 has another content; what was taken back is used for ever."""
    write(admin, "hello", "Hello {{ name }}, once more.", "name")
    told = admin.post(f"{BUNDLE}/plan", {"version": "1.1.0"}).json()
    assert (told["enough"], told["lowest"]) == (False, "1.1.1")
    cut(admin, "1.1.1")
    assert admin.post(f"{RELEASES}/1.1.1/revert").status_code == 201
    write(admin, "hello", "Hello {{ name }}, twice more.", "name")
    told = admin.post(f"{BUNDLE}/plan", {"version": "1.1.1"}).json()
    assert (told["enough"], told["lowest"]) == (False, "1.1.2")
    assert admin.post(RELEASES, {"version": "1.1.1"}).status_code == 409
    assert admin.post(RELEASES, {"version": "1.1.2"}).status_code == 201


def test_a_version_that_is_too_low_is_refused_with_every_reason(admin, released):
    revision = admin.get(BUNDLE).json()["revision"]
    admin("DELETE", f"{BUNDLE}/members/farewell", If_Match=f'"{revision}"')
    problem = assert_problem(admin.post(RELEASES, {"version": "1.2.0"}), "422.bump_too_small", "/members/farewell")
    assert problem["context"] == {"needed": "major", "given": "minor", "previous": "1.1.0", "lowest": "2.0.0"}


def test_a_prompt_of_a_draft_is_previewed(admin, support):
    shown = admin.post(f"{BUNDLE}/preview", {"prompt": "welcome", "variables": {"name": "Ann"}})
    assert_shape(shown.json(), "Preview")
    assert shown.json()["content_materialized"] == "Hello Ann."
    assert_problem(admin.post(f"{BUNDLE}/preview", {"prompt": "nobody"}), "404.prompt_not_found")
    wrong = admin.post(f"{BUNDLE}/preview", {"prompt": "welcome", "variables": {"name": 1}})
    assert_problem(wrong, "422.variables_invalid", "/variables/name")


def test_a_manifest_never_changes_and_its_tag_is_its_digest(admin, released):
    path = f"{RELEASES}/1.1.0/manifest"
    read = admin.get(path)
    assert_shape(read.json(), "Manifest")
    digest = Manifest.from_json(read.json()).digest()
    assert (read.headers["ETag"], read.headers["Cache-Control"]) == (
        f'"{digest}"',
        "private, max-age=31536000, immutable",
    )
    known = admin.get(path, If_None_Match=read.headers["ETag"])
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", read.headers["ETag"])
    assert admin.get(path, If_None_Match='"sha256:0"').status_code == 200


def test_a_manifest_that_no_longer_has_its_digest_is_given_to_nobody(admin, released, monkeypatch):
    damaged = {"bundle": "@prompts/other"}
    monkeypatch.setattr(Release, "from_db", classmethod(lambda cls, *row: _damaged(cls, row, damaged)))
    assert_problem(admin.get(f"{RELEASES}/1.1.0/manifest"), "502.seal_broken")


def _damaged(cls, row, changes):
    found = super(Release, cls).from_db(*row)
    found.manifest = {**found.manifest, **changes}
    return found


def test_what_vouches_for_a_release_can_be_checked(admin, released):
    path = f"{RELEASES}/1.1.0"
    told, keys = admin.get(f"{path}/signatures"), admin.get("keys")
    assert_shape(told.json(), "Signatures")
    assert_shape(keys.json(), "Keys")
    paper = Manifest.from_json(admin.get(f"{path}/manifest").json())
    assert told.json()["digest"] == paper.digest()
    [(name, signature)] = told.json()["signatures"].items()
    key = base64.b64decode(keys.json()["keys"][name])
    assert ed25519.verified(key, base64.b64decode(signature), signed_bytes(paper))
    assert not ed25519.verified(key, base64.b64decode(signature), b"something else")


def test_keys_are_changed_by_administrators_and_the_old_ones_stay_known(admin, caller, released):
    before = set(admin.get("keys").json()["keys"])
    assert_problem(caller("administrator", released.project).post("keys/rotate"), "403.permission_denied")
    after = set(admin.post("keys/rotate").json()["keys"])
    assert after & before == set()
    assert set(admin.get("keys?retired=true").json()["keys"]) == before | after


def test_the_index_of_a_repository_counts_upwards_and_tells_every_release(admin, released):
    first = admin.get("projects/prompts/index").json()
    assert_shape(first, "Index")
    assert set(first["index"]["bundles"]["support"]) == {"1.0.0", "1.1.0"}
    cut(admin, "1.2.0")
    second = admin.get("projects/prompts/index").json()
    assert (second["index"]["counter"], second["index"]["previous"]) == (first["index"]["counter"] + 1, first["digest"])
    assert admin.get("projects/prompts/index?counter=1").json()["index"] == first["index"]
    assert_problem(admin.get("projects/prompts/index?counter=9"), "404.not_found")


def test_two_releases_are_compared(admin, released):
    found = admin.get(f"{RELEASES}/1.1.0/compare?base=1.0.0")
    assert_shape(found.json(), "Comparison")
    assert (found.json()["added"], found.json()["removed"], found.json()["changed"], found.json()["needed"]) == (
        ["farewell"],
        [],
        [],
        "minor",
    )
    write(admin, "hello", "Good day {{ name }}.", "name")
    cut(admin, "1.1.1")
    diff = admin.get(f"{RELEASES}/1.1.1/diff?base=1.1.0&prompt=welcome")
    assert_shape(diff.json(), "Diff")
    assert diff.json()["hunks"]
    assert_problem(admin.get(f"{RELEASES}/1.1.0/diff?base=1.0.0&prompt=nobody"), "404.prompt_not_found")
    assert_problem(admin.get(f"{RELEASES}/1.1.0/compare"), "422.request_invalid", "/query/base")
    assert_problem(admin.get(f"{RELEASES}/1.1.0/compare?base=9.9.9"), "404.release_not_found")


def test_a_release_is_retired_yanked_and_still_read(admin, released):
    retired = admin.post(f"{RELEASES}/1.0.0/retire", {"reason": "deprecated", "message": "Use 1.1."})
    assert retired.status_code == 201
    assert_shape(retired.json(), "ReleaseMarked")
    assert admin.post(f"{RELEASES}/1.0.0/yank", {"reason": "security"}).json()["kind"] == "yank"
    assert_problem(admin.post(f"{RELEASES}/1.0.0/yank", {"reason": "security"}), "409.state_conflict")
    assert_problem(admin.post(f"{RELEASES}/1.0.0/yank", {"reason": "boredom"}), "422.request_invalid", "/reason")
    told = admin.get(f"{RELEASES}/1.0.0").json()
    assert (told["retired"], told["yanked"], [mark["kind"] for mark in told["marks"]]) == (
        True,
        True,
        ["yank", "retire"],
    )


def test_a_release_that_was_taken_back_is_gone_and_its_version_used_up(admin, released):
    assert admin.post(f"{RELEASES}/1.1.0/revert", {"message": "Sent too early"}).status_code == 201
    for path in ("", "/manifest", "/signatures"):
        assert_problem(admin.get(f"{RELEASES}/1.1.0{path}"), "410.gone")
    assert_problem(admin.post(RELEASES, {"version": "1.1.0"}), "409.version_conflict", "/version")
    assert [(row["version"], row["reverted"]) for row in admin.get(RELEASES).json()["results"]] == [
        ("1.1.0", True),
        ("1.0.0", False),
    ]


def test_a_release_that_a_channel_points_at_is_not_taken_back(admin, released):
    admin.post(f"{BUNDLE}/channels", {"name": "stable"})
    admin("PUT", f"{BUNDLE}/channels/stable", {"version": "1.1.0"})
    assert_problem(admin.post(f"{RELEASES}/1.1.0/revert"), "409.in_use")


def test_who_needs_a_bundle_is_told_as_far_as_one_may_see(admin, caller, released):
    factories.make_project(slug="other")
    admin.post("projects/other/bundles", {"slug": "shop"})
    admin("PUT", "projects/other/bundles/shop/requirements/@prompts/support", {"selector": "^1.0", "revision": 1})
    cut(admin, "1.0.0", bundle="projects/other/bundles/shop")
    [row] = assert_page(admin.get(f"{BUNDLE}/dependants"), "Dependant")
    assert (row["bundle"], row["selector"], row["resolved"]["version"]) == ("@other/shop", "^1.0", "1.1.0")
    assert caller("viewer", released.project).get(f"{BUNDLE}/dependants").json()["results"] == []


def test_requirements_that_cannot_be_met_are_explained(admin, released):
    for slug in ("base", "one", "two"):
        admin.post("projects/prompts/bundles", {"slug": slug})
    base = "projects/prompts/bundles/base"
    add(admin, "hello", "hello", bundle=base)
    cut(admin, "1.0.0", bundle=base)
    cut(admin, "2.0.0", bundle=base)
    for slug, selector in (("one", "^1.0"), ("two", "^2.0")):
        path = f"projects/prompts/bundles/{slug}"
        admin("PUT", f"{path}/requirements/@prompts/base", {"selector": selector, "revision": 1})
        cut(admin, "1.0.0", bundle=path)
        revision = admin.get(BUNDLE).json()["revision"]
        admin("PUT", f"{BUNDLE}/requirements/@prompts/{slug}", {"selector": "*", "revision": revision})
    for answer in (admin.post(f"{BUNDLE}/plan", {"version": "2.0.0"}), admin.post(RELEASES, {"version": "2.0.0"})):
        problem = assert_problem(answer, "422.dependency_unsatisfiable")
        assert "@prompts/base" in problem["detail"] + str(problem["errors"]) + str(problem.get("context"))


def test_a_text_that_was_put_together_tells_what_was_written_and_what_was_put_in(admin, world):
    bench = Workbench(world.project, "whole")
    bench.write("tone", "Be kind.", template="tone")
    bench.write("all", 'First: {% include "@prompts/whole/tone" %}', template="all")
    bench.cut("1.0.0")
    rows = {
        pin.name: pin.template_version for pin in bench.bundle.releases.get().pins.select_related("template_version")
    }
    read = admin.get(f"templates/{rows['all'].pk}").json()
    assert_shape(read, "Template")
    assert read["content_md"] == "First: Be kind."
    assert read["written"]["content_md"] == 'First: {% include "@prompts/whole/tone" %}'
    assert read["included"] == [
        {
            "reference": "@prompts/whole/tone",
            "address": "@prompts/whole@1.0.0/tone",
            "digest": rows["tone"].digest,
        }
    ]
    alone = admin.get(f"templates/{rows['tone'].pk}").json()
    assert (alone["written"], alone["included"]) == (None, None)
