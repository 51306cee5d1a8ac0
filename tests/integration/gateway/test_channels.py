from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.rollout import bucket
from registry.models import Activation, Channel
from tests import factories
from tests.factories.shelf import cut_release
from tests.factories.workbench import Workbench
from tests.problems import assert_page, assert_problem, assert_shape

BUNDLE = "projects/prompts/bundles/support"
STABLE = f"{BUNDLE}/channels/stable"
NASTY = "2.1.0-gpt4+tokens.1500"


@pytest.fixture
def shelf(admin, world):
    """A bundle with three releases and the channel ``stable``."""
    world.bundle = factories.make_bundle(project=world.project, slug="support")
    for version in ("1.0.0", "1.1.0", NASTY):
        cut_release(world.bundle, version)
    assert admin.post(f"{BUNDLE}/channels", {"name": "stable"}).status_code == 201
    return world


def points_at(caller, path=STABLE):
    release = caller.get(path).json()["release"]
    return release and release["version"]


def test_a_channel_is_created_once_and_points_nowhere_yet(admin, shelf):
    made = admin.get(STABLE).json()
    assert_shape(made, "Channel")
    assert (made["address"], made["policy"], made["release"], made["ordinal"]) == (
        "@prompts/support@stable",
        "live",
        None,
        0,
    )
    assert_problem(admin.post(f"{BUNDLE}/channels", {"name": "stable"}), "409.version_conflict", "/name")
    assert_problem(admin.post(f"{BUNDLE}/channels", {"name": "latest"}), "422.request_invalid", "/name")
    assert_problem(admin.post(f"{BUNDLE}/channels", {"name": "1.0"}), "422.request_invalid", "/name")
    assert_problem(admin.get(f"{BUNDLE}/channels/nightly"), "404.channel_not_found")
    assert_problem(admin.get("projects/prompts/bundles/nobody/channels/stable"), "404.bundle_not_found")


@pytest.mark.parametrize("spelling", ["active@staging", "active%40staging"])
def test_an_environment_stands_behind_an_at_sign_in_the_path(admin, shelf, spelling):
    admin.post(f"{BUNDLE}/channels", {"name": "active@staging"})
    path = f"{BUNDLE}/channels/{spelling}"
    assert admin("PUT", path, {"version": "1.0.0"}).json()["changed"] is True
    assert points_at(admin, path) == "1.0.0"
    listed = assert_page(admin.get(f"{BUNDLE}/channels"), "Channel")
    assert [row["name"] for row in listed] == ["active@staging", "stable"]


def test_activating_moves_the_channel_and_the_same_again_changes_nothing(admin, shelf):
    first = admin("PUT", STABLE, {"version": NASTY, "reason": "First one"})
    assert_shape(first.json(), "Moved")
    assert (first.json()["changed"], first.json()["channel"]["release"]["version"]) == (True, NASTY)
    assert first.json()["activation"]["by"]["label"]
    again = admin("PUT", STABLE, {"version": "2.1.0-gpt4"})
    assert (again.status_code, again.json()["changed"]) == (200, False)
    assert again.json()["activation"] == first.json()["activation"]
    event = AuditEvent.objects.get(action="channel.activate")
    assert (event.subject_label, event.correlation_id) == (
        "@prompts/support@stable",
        first.headers["X-Correlation-ID"],
    )


def test_what_was_expected_to_be_there_is_held_against_what_is(admin, shelf):
    assert admin("PUT", STABLE, {"version": "1.0.0", "expected": None}).status_code == 200
    other = admin("PUT", STABLE, {"version": "1.1.0", "expected": None})
    assert assert_problem(other, "409.version_conflict")["context"]["version"] == "1.0.0"
    assert admin("PUT", STABLE, {"version": "1.1.0", "expected": "1.0.0"}).status_code == 200


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("9.9.9", "400.release_unknown"),
        ("1.0.0.0", "400.address_invalid"),
        ("stable", "400.address_invalid"),
        ("^1.0.0", "422.request_invalid"),
    ],
)
def test_a_version_that_is_none_of_the_bundles_is_refused_at_its_place(admin, shelf, version, code):
    assert_problem(admin("PUT", STABLE, {"version": version}), code, "/version")
    assert points_at(admin) is None


def test_a_release_of_another_bundle_is_refused(admin, shelf):
    other = cut_release(factories.make_bundle(project=shelf.project, slug="other"), "1.0.0")
    assert_problem(admin("PUT", STABLE, {"version": str(other.id)}), "422.release_not_in_bundle", "/version")


def test_a_rollback_is_newer_than_what_it_replaces(admin, shelf):
    for version in ("1.0.0", "1.1.0"):
        admin("PUT", STABLE, {"version": version})
    back = admin.post(f"{STABLE}/rollback")
    assert (back.json()["channel"]["release"]["version"], back.json()["activation"]["ordinal"]) == ("1.0.0", 3)
    assert_problem(admin.post(f"{STABLE}/rollback"), "409.state_conflict")
    named = admin.post(f"{STABLE}/rollback", {"version": NASTY, "reason": "This one was good"})
    assert named.json()["channel"]["release"]["version"] == NASTY
    made = assert_page(admin.get(f"{STABLE}/activations?state=active"), "Activation")
    assert [row["ordinal"] for row in made] == [4, 3, 2, 1]
    assert [row["release"]["version"] for row in made] == [NASTY, "1.0.0", "1.1.0", "1.0.0"]
    assert made[0]["previous"]["version"] == "1.0.0"


def test_the_same_rollback_sent_twice_with_one_key_goes_back_once(admin, shelf):
    for version in ("1.0.0", "1.1.0", NASTY):
        admin("PUT", STABLE, {"version": version})
    answers = [admin.post(f"{STABLE}/rollback", {}, Idempotency_Key="back-1") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert points_at(admin) == "1.1.0"


def test_a_part_of_the_callers_gets_another_release_until_it_is_stopped_or_finished(admin, shelf):
    admin("PUT", STABLE, {"version": "1.0.0"})
    some = admin("PUT", f"{STABLE}/split", {"version": "1.1.0", "percent": 10, "segments": ["beta"]})
    assert some.json()["channel"]["split"] == {
        "release": {**some.json()["channel"]["split"]["release"], "version": "1.1.0"},
        "percent": 10,
        "segments": ["beta"],
    }
    assert points_at(admin) == "1.0.0"
    key = next(word for word in map(str, range(1000)) if bucket(channel=some.json()["channel"]["id"], key=word) < 1000)
    assert admin.get(f"resolve?address=@prompts/support@stable/welcome&key={key}").json()["version"] == "1.1.0"
    stopped = admin.post(f"{STABLE}/split/stop", {"reason": "Too chatty"})
    assert (stopped.json()["channel"]["split"], points_at(admin)) == (None, "1.0.0")
    assert_problem(admin.post(f"{STABLE}/split/stop"), "409.state_conflict")
    admin("PUT", f"{STABLE}/split", {"version": "1.1.0", "percent": 50.0})
    assert admin.post(f"{STABLE}/split/finish").json()["channel"]["release"]["version"] == "1.1.0"
    assert_problem(
        admin("PUT", f"{STABLE}/split", {"version": "1.0.0", "percent": 101}), "422.request_invalid", "/percent"
    )


# ── Review ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reviewed(admin, caller, shelf):
    """``stable`` under review, at 1.0.0; a publisher and a reviewer."""
    admin("PUT", STABLE, {"version": "1.0.0"})
    assert admin("PATCH", STABLE, {"policy": "review"}).json()["policy"] == "review"
    shelf.publisher, shelf.reviewer = caller("publisher", shelf.project), caller("reviewer", shelf.project)
    return shelf


def propose(world, version="1.1.0", **more):
    response = world.publisher.post(f"{STABLE}/proposals", {"version": version, **more})
    assert response.status_code == 201, response.content
    return response


def test_no_token_moves_a_channel_under_review_by_itself(admin, reviewed):
    moves = [
        ("PUT", STABLE, {"version": "1.1.0"}),
        ("POST", f"{STABLE}/rollback", {"version": "1.1.0"}),
        ("PUT", f"{STABLE}/split", {"version": "1.1.0", "percent": 100}),
        ("POST", f"{STABLE}/schedules", {"version": "1.1.0", "due_at": "2030-01-01T00:00:00Z"}),
    ]
    for mover in (reviewed.publisher, admin):
        for move in moves:
            assert_problem(mover(*move), "409.review_required")
    assert points_at(admin) == "1.0.0"


def test_a_proposal_is_approved_by_somebody_else_and_then_made(admin, reviewed):
    proposal = propose(reviewed, reason="Warmer")
    path = f"proposals/{proposal.json()['id']}"
    assert (proposal.headers["ETag"], proposal.json()["state"], points_at(admin)) == ('"1"', "proposed", "1.0.0")
    assert [row["id"] for row in assert_page(reviewed.reviewer.get("reviews"), "Activation")] == [proposal.json()["id"]]
    assert_problem(reviewed.publisher.post(f"{path}/approve", {"revision": 1}), "403.permission_denied")
    assert_problem(reviewed.reviewer.post(f"{path}/approve", {"revision": 2}), "409.proposal_changed")
    assert_problem(reviewed.reviewer.post(f"{path}/approve", {}), "422.request_invalid", "/revision")
    done = reviewed.reviewer.post(f"{path}/approve", {"comment": "Good"}, If_Match='"1"')
    assert_shape(done.json(), "Activation")
    assert (done.json()["state"], done.json()["comment"], points_at(admin)) == ("active", "Good", "1.1.0")
    assert_problem(reviewed.reviewer.post(f"{path}/approve", {"revision": 1}), "409.state_conflict")
    assert reviewed.reviewer.get("reviews").json()["results"] == []


def test_nobody_approves_their_own_an_administrator_of_the_installation_neither(admin, reviewed):
    proposal = admin.post(f"{STABLE}/proposals", {"version": "1.1.0"}).json()
    assert_problem(admin.post(f"proposals/{proposal['id']}/approve", {"revision": 1}), "403.permission_denied")
    assert points_at(admin) == "1.0.0"


def test_a_changed_proposal_is_another_one_to_approve(admin, reviewed):
    path = f"proposals/{propose(reviewed).json()['id']}"
    changed = reviewed.publisher("PUT", path, {"version": NASTY}, If_Match='"1"')
    assert (changed.headers["ETag"], changed.json()["release"]["version"]) == ('"2"', NASTY)
    assert_problem(reviewed.publisher("PUT", path, {"version": NASTY, "revision": 1}), "409.proposal_changed")
    assert_problem(reviewed.reviewer.post(f"{path}/approve", {"revision": 1}), "409.proposal_changed")
    assert reviewed.reviewer.post(f"{path}/approve", {"revision": 2}).status_code == 200


def test_a_proposal_is_rejected_with_a_reason_or_taken_back(admin, reviewed):
    no, mine = propose(reviewed).json(), propose(reviewed, NASTY).json()
    path = f"proposals/{no['id']}/reject"
    assert_problem(reviewed.reviewer.post(path, {"comment": "  "}), "422.request_invalid", "/comment")
    assert_problem(reviewed.reviewer.post(path, {}), "422.request_invalid", "/comment")
    assert reviewed.reviewer.post(path, {"comment": "Not yet"}).json()["state"] == "rejected"
    assert reviewed.publisher.post(f"activations/{mine['id']}/withdraw").json()["state"] == "withdrawn"
    assert_problem(reviewed.publisher.post(f"activations/{mine['id']}/withdraw"), "409.state_conflict")
    states = {row["id"]: row["state"] for row in admin.get(f"{STABLE}/activations").json()["results"]}
    assert (states[no["id"]], states[mine["id"]]) == ("rejected", "withdrawn")
    assert admin.get(f"activations/{no['id']}").json()["comment"] == "Not yet"


def test_the_queue_is_that_of_the_projects_one_may_review(caller, reviewed):
    propose(reviewed)
    elsewhere = caller("reviewer", factories.make_project(slug="other"))
    assert elsewhere.get("reviews").json()["results"] == []
    assert_problem(reviewed.publisher.get(f"activations/{factories.make_project().id}"), "404.not_found")


# ── Locked, and later ────────────────────────────────────────────────────────────────────────────────────


def test_a_locked_channel_is_moved_by_a_deploy_token_with_a_reason(admin, caller, shelf):
    admin("PATCH", STABLE, {"policy": "locked"})
    narrow = caller("administrator", shelf.project, scopes=("read", "draft", "publish", "admin"))
    deploy = caller("administrator", shelf.project, scopes=("deploy",))
    assert_problem(narrow("PUT", STABLE, {"version": "1.0.0", "reason": "x"}), "403.channel_locked")
    assert_problem(deploy("PUT", STABLE, {"version": "1.0.0"}), "422.request_invalid", "/reason")
    assert deploy("PUT", STABLE, {"version": "1.0.0", "reason": "Release train 7"}).json()["changed"] is True
    assert_problem(admin.post(f"{STABLE}/proposals", {"version": "1.1.0"}), "403.channel_locked")


def test_a_move_for_later_waits_in_the_channels_list(admin, shelf):
    later = admin.post(f"{STABLE}/schedules", {"version": "1.1.0", "due_at": "2030-01-31T12:00:00+01:00"})
    assert (later.status_code, later.json()["state"], later.json()["due_at"]) == (
        201,
        "scheduled",
        "2030-01-31T11:00:00.000Z",
    )
    assert Activation.objects.get().state == "scheduled"
    assert points_at(admin) is None
    never = admin.post(f"{STABLE}/schedules", {"version": "1.1.0", "due_at": "2030-02-31T12:00:00Z"})
    assert_problem(never, "422.request_invalid", "/due_at")


def test_a_move_in_another_millennium_is_told_which_years_there_are(admin, shelf):
    admin("PATCH", STABLE, {"policy": "review"})
    for path in (f"{STABLE}/schedules", f"{STABLE}/proposals"):
        refused = admin.post(path, {"version": "1.1.0", "due_at": "9999-12-31T23:59:59Z"})
        [problem] = assert_problem(refused, "422.request_invalid", "/due_at")["errors"]
        assert "2000 to 2999" in problem["detail"]


def test_a_policy_is_for_administrators(caller, shelf):
    publisher = caller("publisher", shelf.project)
    assert_problem(publisher("PATCH", STABLE, {"policy": "locked"}), "403.permission_denied")
    refused = publisher.post(f"{BUNDLE}/channels", {"name": "prod", "policy": "review"})
    assert_problem(refused, "403.permission_denied")
    assert publisher.post(f"{BUNDLE}/channels", {"name": "nightly"}).status_code == 201
    assert Channel.objects.get(name="stable").policy == "live"


def test_what_was_written_is_cut_and_goes_to_all_callers_in_one_call(admin, caller, world):
    desk = Workbench(world.project, "desk")
    desk.write("welcome", "Hello.")
    path = "projects/prompts/bundles/desk/channels"
    for name, policy in (("live", "live"), ("prod", "review")):
        admin.post(path, {"name": name, "policy": policy})
    done = admin.post(f"{path}/live/live", {"version": "1.0.0", "expected": None, "notes": "The first", "reason": "Go"})
    assert_shape(done.json(), "WentLive")
    assert (done.json()["cut"]["created"], done.json()["moved"]["channel"]["release"]["version"]) == (True, "1.0.0")
    again = admin.post(f"{path}/live/live", {"version": "1.0.0"}).json()
    assert (again["cut"]["created"], again["moved"]["changed"]) == (False, False)
    desk.write("welcome", "Hello!")
    assert_problem(admin.post(f"{path}/prod/live", {"version": "1.0.1"}), "409.review_required")
    assert_problem(
        caller("editor", world.project).post(f"{path}/live/live", {"version": "1.0.1"}), "403.permission_denied"
    )
    assert [row["version"] for row in admin.get("projects/prompts/bundles/desk/releases").json()["results"]] == [
        "1.0.0"
    ]
