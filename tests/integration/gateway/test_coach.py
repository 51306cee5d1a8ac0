from __future__ import annotations

import pytest

from audit.models import AuditEvent
from registry import packs
from resolver import resolve
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release
from tests.problems import assert_problem, assert_shape


@pytest.fixture
def coach(admin, world):
    """The pack ``@local/coach``, which runs 1.0.0 of its two releases."""
    world.pack = factories.make_bundle(project=factories.make_project(slug="local"), slug="coach", kind="pack")
    cut_release(world.pack, "1.0.0", {"system": "You coach.", "styles/calm": "Calmly."}, compatibility={"engine": "a"})
    cut_release(world.pack, "1.1.0", {"system": "You coach well.", "styles/calm": "Very calmly."})
    assert admin.post("packs/coach/activate", {"version": "1.0.0"}).status_code == 200
    return world


def texts(session):
    style = session["style_prompt"]
    return session["system"]["content_md"], style and style["content_md"]


@pytest.mark.parametrize("name", ["coach", "@local/coach", "@local/coach@active"])
def test_the_start_of_a_session_tells_the_version_that_is_active(admin, coach, name):
    started = admin.post("coach/sessions", {"pack": name, "style": "calm"})
    assert started.status_code == 201, started.content
    session = started.json()
    assert_shape(session, "CoachSession")
    assert (session["pack"], session["version"], session["style"], session["compatibility"]) == (
        "@local/coach@1.0.0",
        "1.0.0",
        "calm",
        {"engine": "a"},
    )
    assert session["system"]["release"] == session["style_prompt"]["release"] == session["release"]
    assert texts(session) == ("You coach.", "Calmly.")
    event = AuditEvent.objects.get(action="coach.session.start")
    assert (event.subject_id, event.correlation_id) == (session["id"], started.headers["X-Correlation-ID"])


def test_a_session_keeps_its_version_whatever_is_activated(admin, coach):
    session = admin.post("coach/sessions", {"pack": "coach", "style": "calm"}).json()
    admin.post("packs/coach/activate", {"version": "1.1.0"})
    assert texts(admin.get(f"coach/sessions/{session['id']}").json()) == ("You coach.", "Calmly.")
    assert texts(admin.post("coach/sessions", {"pack": "coach", "style": "calm"}).json())[0] == "You coach well."


def test_a_session_is_of_one_release_though_the_pack_moves_while_it_begins(admin, coach, monkeypatch):
    read, moves = resolve.read, iter(["1.1.0"])

    def moving(**given):
        found = read(**given)
        for version in moves:
            packs.activate(pack=coach.pack, to=version, by=SYSTEM, at=AT)
        return found

    monkeypatch.setattr(resolve, "read", moving)
    session = admin.post("coach/sessions", {"pack": "coach", "style": "calm"}).json()
    assert admin.get("packs/coach/active").json()["release"]["version"] == "1.1.0"
    assert texts(session) == ("You coach.", "Calmly.")
    assert session["system"]["release"] == session["style_prompt"]["release"] == session["release"]


def test_a_style_that_the_pack_does_not_have_starts_nothing(admin, coach):
    problem = assert_problem(admin.post("coach/sessions", {"pack": "coach", "style": "loud"}), "422.style_unsupported")
    assert problem["context"] == {"styles": ["calm"]}
    assert not AuditEvent.objects.filter(action="coach.session.start").exists()


def test_a_session_is_for_those_who_see_its_pack(admin, caller, coach):
    session = admin.post("coach/sessions", {"pack": "coach"}).json()
    assert texts(session) == ("You coach.", None)
    stranger = caller("viewer", coach.project)
    assert_problem(stranger.get(f"coach/sessions/{session['id']}"), "404.not_found")
    assert_problem(stranger.post("coach/sessions", {"pack": "coach"}), "404.not_found")
    assert_problem(admin.post("coach/sessions", {"pack": "@local/coach/x"}), "400.address_invalid", "/pack")


def test_the_same_start_sent_twice_with_one_key_is_one_session(admin, coach):
    answers = [admin.post("coach/sessions", {"pack": "coach"}, Idempotency_Key="s-1") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert AuditEvent.objects.filter(action="coach.session.start").count() == 1


def test_a_session_for_somebody_in_a_segment_of_a_rollout_begins_with_the_second_release(admin, coach):
    split = {"version": "1.1.0", "percent": 0, "segments": ["beta"]}
    assert admin("PUT", "projects/local/bundles/coach/channels/active/split", split).status_code == 200
    begun = {
        segment: admin.post("coach/sessions", {"pack": "coach", "segments": [segment]}).json()["version"]
        for segment in ("beta", "staff")
    }
    assert begun == {"beta": "1.1.0", "staff": "1.0.0"}
    assert_problem(admin.post("coach/sessions", {"pack": "coach", "segments": ["NO!"]}), "422.request_invalid")


TEXT = {"type": "string"}


@pytest.fixture
def asking(coach):
    """The pack's 2.0.0: each of its two texts declares a variable that the other does not."""
    schemas = {
        "system": {"properties": {"team": TEXT, "name": TEXT}, "required": ["team", "name"]},
        "styles/calm": {"properties": {"name": TEXT, "tone": {**TEXT, "default": "calm"}}, "required": ["name"]},
    }
    written = {"system": "You coach {{ team }} and {{ name }}.", "styles/calm": "{{ name }}, be {{ tone }}."}
    return cut_release(coach.pack, "2.0.0", written, schemas=schemas)


def begun(admin, **more):
    return admin.post("coach/sessions", {"pack": "@local/coach@2.0.0", "style": "calm", **more})


@pytest.mark.parametrize(("given", "style"), [({}, "Ann, be calm."), ({"tone": "brisk"}, "Ann, be brisk.")])
def test_each_text_of_a_session_takes_the_values_that_it_declares(admin, asking, given, style):
    started = begun(admin, variables={"team": "Ajax", "name": "Ann", **given})
    assert started.status_code == 201, started.content
    session = started.json()
    materialized = [session[text]["content_materialized"] for text in ("system", "style_prompt")]
    assert materialized == [["You coach Ajax and Ann."], [style]]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, {"/variables/team": "required", "/variables/name": "required"}),
        ({"name": "Ann"}, {"/variables/team": "required"}),
        ({"team": "Ajax", "name": "Ann", "tone": 5}, {"/variables/tone": "type"}),
        ({"team": "Ajax", "name": "Ann", "zz": "?"}, {"/variables/zz": "additionalProperties"}),
    ],
)
def test_values_that_do_not_fit_the_texts_together_start_nothing(admin, asking, given, wrong):
    problem = assert_problem(begun(admin, variables=given), "422.variables_invalid")
    assert {error["pointer"]: error["code"] for error in problem["errors"]} == wrong
    assert len(problem["errors"]) == len(wrong)
    assert not AuditEvent.objects.filter(action="coach.session.start").exists()


def test_a_value_for_the_style_alone_is_refused_where_no_style_was_chosen(admin, asking):
    given = {"team": "Ajax", "name": "Ann", "tone": "brisk"}
    alone = admin.post("coach/sessions", {"pack": "@local/coach@2.0.0", "variables": given})
    assert_problem(alone, "422.variables_invalid", "/variables/tone")


def test_without_values_the_texts_of_a_session_are_as_they_were_written(admin, asking):
    assert texts(begun(admin).json()) == ("You coach {{ team }} and {{ name }}.", "{{ name }}, be {{ tone }}.")
