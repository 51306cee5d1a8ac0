from __future__ import annotations

import pytest

from audit.models import AuditEvent
from tests import factories
from tests.factories.shelf import cut_release
from tests.problems import assert_page, assert_problem, assert_shape

TEXTS = {
    "1.0.0": {"system": "You coach.", "styles/calm": "Speak calmly."},
    "1.1.0": {"system": "You coach well.", "styles/calm": "Speak very calmly.", "styles/brisk": "Be brief."},
}


@pytest.fixture
def coach(world):
    """The pack ``@local/coach`` with two releases."""
    project = factories.make_project(slug="local")
    world.pack = factories.make_bundle(project=project, slug="coach", kind="pack")
    for version, texts in TEXTS.items():
        cut_release(world.pack, version, texts, compatibility={"models": ["m-1"], "min_client": version})
    return world


def activate(caller, version, **more):
    response = caller.post("packs/coach/activate", {"version": version, **more})
    assert response.status_code == 200, response.content
    return response.json()


def test_the_catalogue_tells_the_versions_and_what_they_go_with(admin, coach):
    factories.make_bundle(project=coach.pack.project, slug="no-pack")
    [pack] = assert_page(admin.get("packs"), "Pack")
    assert (pack["address"], pack["active"]) == ("@local/coach", {})
    assert [(row["version"], row["styles"], row["compatibility"]) for row in pack["versions"]] == [
        ("1.1.0", ["brisk", "calm"], {"models": ["m-1"], "min_client": "1.1.0"}),
        ("1.0.0", ["calm"], {"models": ["m-1"], "min_client": "1.0.0"}),
    ]
    assert admin.get("packs?project=prompts").json()["results"] == []
    assert_problem(admin.get("packs/no-pack"), "404.bundle_not_found")


def test_the_catalogue_is_as_many_queries_for_thirty_packs_as_for_three(admin, coach, django_assert_max_num_queries):
    for number in range(30):
        cut_release(factories.make_bundle(project=coach.pack.project, slug=f"pack-{number}", kind="pack"), "1.0.0")
    with django_assert_max_num_queries(12):
        assert len(admin.get("packs?limit=3").json()["results"]) == 3
    with django_assert_max_num_queries(12):
        assert len(admin.get("packs?limit=30").json()["results"]) == 30


@pytest.mark.parametrize("name", ["coach", "@local/coach", "%40local%2Fcoach"])
def test_a_pack_is_addressed_whole_or_by_its_slug(admin, coach, name):
    assert admin.get(f"packs/{name}").json()["address"] == "@local/coach"
    assert_problem(admin.get(f"packs/{name}/active"), "404.channel_not_found")
    assert admin.post(f"packs/{name}/activate", {"version": "1.0.0"}).status_code == 200
    assert admin.get(f"packs/{name}/system").json()["content_md"] == "You coach."


def test_an_older_version_is_activated_and_read_from_then_on(admin, coach):
    first = activate(admin, "1.1.0")
    assert_shape(first, "Moved")
    assert (first["changed"], first["channel"]["address"]) == (True, "@local/coach@active")
    assert admin.get("packs/coach/system").json()["content_md"] == "You coach well."
    activate(admin, "1.0.0", reason="1.1.0 talks too much")
    active = admin.get("packs/coach/active")
    assert_shape(active.json(), "ActivePack")
    assert (active.json()["release"]["version"], active.json()["origin"], active.json()["styles"]) == (
        "1.0.0",
        "channel",
        ["calm"],
    )
    for path, text in {"system": "You coach.", "styles/calm": "Speak calmly."}.items():
        told = admin.get(f"packs/coach/{path}").json()
        assert_shape(told, "Resolved")
        assert (told["content_md"], told["version"], told["release"]) == (
            text,
            "1.0.0",
            active.json()["release"]["digest"],
        )
    assert admin.get("packs/coach").json()["active"] == {"active": "1.0.0"}
    assert AuditEvent.objects.filter(action="channel.activate").count() == 2


def test_a_default_that_does_not_exist_is_told_beside_what_stands_in_for_it(admin, coach, settings):
    activate(admin, "1.0.0", environment="staging")
    settings.PACKS = {"environment": "", "defaults": ["@local/coach@9.9.9"]}
    told = admin.get("packs/coach/system").json()
    assert_shape(told, "Resolved")
    assert (told["version"], [one["code"] for one in told["warnings"]]) == ("1.0.0", ["default_unknown"])
    assert "9.9.9" in told["warnings"][0]["message"]


def test_a_rollback_is_one_call(admin, coach):
    activate(admin, "1.0.0")
    activate(admin, "1.1.0")
    back = admin.post("packs/coach/rollback", {"reason": "Complaints"})
    assert (back.json()["channel"]["release"]["version"], back.json()["activation"]["ordinal"]) == ("1.0.0", 3)


@pytest.mark.parametrize(
    ("version", "code"),
    [("9.9.9", "400.release_unknown"), ("newest", "400.address_invalid"), ("", "422.request_invalid")],
)
def test_a_version_that_is_unknown_is_refused_and_nothing_moves(admin, coach, version, code):
    activate(admin, "1.0.0")
    assert_problem(admin.post("packs/coach/activate", {"version": version}), code, "/version")
    assert admin.get("packs/coach/active").json()["release"]["version"] == "1.0.0"


def test_a_style_that_the_version_does_not_have_is_refused_naming_those_it_has(admin, coach):
    activate(admin, "1.1.0")
    assert admin.get("packs/coach/styles/brisk").status_code == 200
    activate(admin, "1.0.0")
    problem = assert_problem(admin.get("packs/coach/styles/brisk"), "422.style_unsupported")
    assert problem["context"] == {"styles": ["calm"]}
    for strange in ("CALM", "ca lm", "..", "%00"):
        problem = assert_problem(admin.get(f"packs/coach/styles/{strange}"), "422.style_unsupported")
        assert problem["context"] == {"styles": ["calm"]}
    assert "calm" in problem["detail"]


def test_each_environment_runs_its_own_version(admin, coach):
    activate(admin, "1.0.0")
    activate(admin, "1.1.0", environment="staging")
    assert admin.get("packs/coach/active?environment=staging").json()["release"]["version"] == "1.1.0"
    assert admin.get("packs/coach/system?environment=staging").json()["content_md"] == "You coach well."
    assert admin.get("packs/coach/system").json()["content_md"] == "You coach."
    assert admin.get("packs/coach").json()["active"] == {"active": "1.0.0", "active@staging": "1.1.0"}
    assert_problem(admin.get("packs/coach/active?environment=nowhere"), "404.channel_not_found")
    assert_problem(admin.get("packs/coach/active?environment=No"), "422.request_invalid", "/query/environment")


def test_what_was_expected_to_run_is_held_against_what_does(admin, coach):
    activate(admin, "1.0.0", expected=None)
    other = admin.post("packs/coach/activate", {"version": "1.1.0", "expected": None})
    assert_problem(other, "409.version_conflict")


def test_a_text_that_is_known_already_is_not_sent_again(admin, coach):
    activate(admin, "1.0.0")
    read = admin.get("packs/coach/system")
    assert read.headers["Cache-Control"] == "private, no-cache"
    again = admin.get("packs/coach/system", If_None_Match=read.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    activate(admin, "1.1.0")
    assert admin.get("packs/coach/system", If_None_Match=read.headers["ETag"]).status_code == 200


@pytest.mark.parametrize("path", ["packs/coach/system?", "packs/coach/styles/calm?"])
def test_a_segment_of_a_rollout_gets_the_second_release_at_the_packs_own_doors(admin, coach, path):
    activate(admin, "1.0.0")
    split = {"version": "1.1.0", "percent": 0, "segments": ["beta"]}
    assert admin("PUT", "projects/local/bundles/coach/channels/active/split", split).status_code == 200
    assert admin.get(f"{path}segments=staff,beta").json()["version"] == "1.1.0"
    for nobody in ("", "segments=staff", "segments=", "key=&segments=staff"):
        assert admin.get(path + nobody).json()["version"] == "1.0.0"
