"""Refine over the API: from the question to the draft, and everything in between that can go wrong."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assist import runs
from assist.llm.scripted import Scripted
from instances import drafts
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.fakes.says import Says
from tests.problems import assert_page, assert_problem, assert_shape


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """``model(port)``: that one is asked from now on."""

    def choose(port):
        monkeypatch.setattr("assist.llm.chosen", lambda: port)

    choose(Scripted())
    return choose


def ask(caller, world, **changes):
    body = {"instruction": "Say goodbye.", "revision": 1, **changes}
    return caller.post(f"instances/{world.instance.id}/suggestions", body)


def answered(caller, asked):
    """What the suggestion says after a worker has run."""
    assert runs.run(suggestion_id=asked.json()["id"], by=SYSTEM, at=AT)
    response = caller.get(f"suggestions/{asked.json()['id']}")
    assert_shape(response.json(), "Suggestion")
    return response.json()


def test_asked_read_and_accepted(admin, world):
    asked = ask(admin, world)
    assert asked.status_code == 202, asked.content
    assert_shape(asked.json(), "Suggestion")
    assert (asked.json()["state"], asked.json()["changes"], asked.json()["text"]) == ("asked", [], None)
    row = answered(admin, asked)
    assert (row["state"], row["error"], row["output_tokens"] > 0) == ("ready", None, True)
    assert [line["kind"] for line in row["changes"][0]["lines"]].count("added") >= 1
    accepted = admin.post(f"suggestions/{row['id']}/accept")
    assert accepted.status_code == 200, accepted.content
    assert_shape(accepted.json(), "Instance")
    assert accepted.json()["content_md"] == row["text"]
    assert accepted.headers["ETag"] == '"2"'
    assert admin.get(f"suggestions/{row['id']}").json()["state"] == "accepted"
    assert_problem(admin.post(f"suggestions/{row['id']}/accept"), "409.state_conflict")
    [event] = admin.get("audit?action=suggestion.accept").json()["results"]
    assert event["subject"]["id"] == str(world.instance.id)


def test_changes_are_accepted_by_their_ids(admin, world, model):
    model(Says("Hello!\nYou are {{ tone }} and speak for {{ company }}.\n"))
    row = answered(admin, ask(admin, world))
    assert_problem(admin.post(f"suggestions/{row['id']}/accept", {"changes": ["f" * 16]}), "409.state_conflict")
    path = f"suggestions/{row['id']}/accept"
    accepted = admin.post(path, {"changes": [change["id"] for change in row["changes"]]})
    assert accepted.json()["content_md"] == row["text"]


def test_an_edited_text_is_accepted(admin, world):
    row = answered(admin, ask(admin, world))
    assert_problem(
        admin.post(f"suggestions/{row['id']}/accept", {"text": "{{ invented }}"}), "400.template_schema_invalid"
    )
    accepted = admin.post(f"suggestions/{row['id']}/accept", {"text": "Mine, {{ company }}."})
    assert accepted.json()["content_md"] == "Mine, {{ company }}."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": "x", "changes": ["0" * 16]}, ""),
        ({"changes": []}, "/changes"),
        ({"changes": ["zz"]}, "/changes/0"),
        ({"text": ""}, "/text"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_is_no_acceptance_is_refused(admin, world, body, pointer):
    row = answered(admin, ask(admin, world))
    assert_problem(admin.post(f"suggestions/{row['id']}/accept", body), "422.request_invalid", pointer)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/instruction"),
        ({"instruction": ""}, "/instruction"),
        ({"instruction": " \n"}, "/instruction"),
        ({"instruction": "x" * 4001}, "/instruction"),
        ({"instruction": "x"}, "/revision"),
        ({"instruction": "x", "revision": 1, "previous": "no"}, "/previous"),
    ],
)
def test_what_is_no_question_is_refused(admin, world, body, pointer):
    path = f"instances/{world.instance.id}/suggestions"
    assert_problem(admin.post(path, body), "422.request_invalid", pointer)


def test_a_suggestion_is_rejected_once(admin, world):
    row = answered(admin, ask(admin, world))
    rejected = admin.post(f"suggestions/{row['id']}/reject")
    assert_shape(rejected.json(), "Suggestion")
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    assert_problem(admin.post(f"suggestions/{row['id']}/reject"), "409.state_conflict")
    assert admin.get(f"instances/{world.instance.id}").json()["content_md"] is None


def test_a_better_one_is_asked_for_with_the_one_before(admin, world):
    first = answered(admin, ask(admin, world))
    better = ask(admin, world, previous=first["id"])
    assert (better.status_code, better.json()["previous"]) == (202, first["id"])
    other = factories.make_suggestion()
    assert_problem(ask(admin, world, previous=str(other.id)), "404.not_found", "/previous")
    assert_problem(ask(admin, world, previous="0190c5ad-0000-7000-8000-000000000000"), "404.not_found")


def test_a_draft_that_was_changed_meanwhile_makes_it_stale(admin, world):
    row = answered(admin, ask(admin, world))
    edited = admin("PATCH", f"instances/{world.instance.id}", {"revision": 1, "name": "other"})
    assert edited.status_code == 200
    assert admin.get(f"suggestions/{row['id']}").json()["state"] == "stale"
    assert_problem(admin.post(f"suggestions/{row['id']}/accept"), "409.draft_stale")
    assert_problem(ask(admin, world), "409.draft_stale")
    assert ask(admin, world, revision=2).status_code == 202


def test_a_failure_tells_its_reason_and_leaves_the_draft(admin, world):
    row = answered(admin, ask(admin, world, instruction="Now [drops variables]"))
    assert (row["state"], row["text"], bool(row["notes"])) == ("failed", None, True)
    assert row["error"]["code"] == "502.llm_answer_unusable"
    assert {problem["code"] for problem in row["error"]["errors"]} == {"variable_dropped"}
    assert row["error"]["retryable"] is True
    assert admin.get(f"instances/{world.instance.id}").json()["revision"] == 1


def test_markup_of_a_model_stays_text(admin, world, model):
    model(Says("<script>alert(1)</script> {{ tone }} {{ company }}", notes="<img src=x onerror=alert(1)>"))
    response = admin.get(f"suggestions/{answered(admin, ask(admin, world))['id']}")
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["notes"] == "<img src=x onerror=alert(1)>"


def test_a_client_is_switched_off_and_on(admin, caller, world):
    path = "clients/acme/refine"
    assert_shape(admin.get(path).json(), "Refine")
    assert admin.get(path).json()["available"] is True
    row = answered(admin, ask(admin, world))
    off = admin("PATCH", path, {"enabled": False})
    assert_shape(off.json(), "Refine")
    assert (off.json()["available"], off.json()["client"]) == (False, False)
    assert off.json()["reason"]
    assert_problem(ask(admin, world), "403.feature_off")
    assert_problem(admin.post(f"suggestions/{row['id']}/accept"), "403.feature_off")
    assert admin.get(f"suggestions/{row['id']}").status_code == 200
    assert_problem(caller("editor", world.client)("PATCH", path, {"enabled": True}), "403.permission_denied")
    assert_problem(admin("PATCH", path, {"enabled": "yes"}), "422.request_invalid", "/enabled")
    assert admin("PATCH", path, {"enabled": True}).json()["available"] is True


def test_an_installation_is_switched_off(admin, world, settings):
    settings.ASSIST = {**settings.ASSIST, "refine": False}
    assert_problem(ask(admin, world), "403.feature_off")
    assert admin.get("clients/acme/refine").json()["installation"] is False


def test_the_same_question_twice_is_one_suggestion(admin, world):
    path, body = f"instances/{world.instance.id}/suggestions", {"instruction": "Be brief.", "revision": 1}
    first, second = (admin.post(path, body, Idempotency_Key="k1") for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json() == second.json()
    assert_problem(admin.post(path, {**body, "revision": 2}, Idempotency_Key="k1"), "422.idempotency_key_reused")
    assert len(admin.get(path).json()["results"]) == 1


def test_accepting_twice_with_one_key_edits_once(admin, world):
    row = answered(admin, ask(admin, world))
    path = f"suggestions/{row['id']}/accept"
    first, second = (admin.post(path, {}, Idempotency_Key="k2") for _ in range(2))
    assert first.json() == second.json()
    assert drafts.get(key=world.instance.id, actor=SYSTEM).revision == 2


def test_suggestions_of_a_prompt_are_listed_newest_first_with_as_many_queries(admin, world):
    path = f"instances/{world.instance.id}/suggestions"
    counts = []
    for how_many in (3, 30):
        while len(admin.get(f"{path}?limit=100").json()["results"]) < how_many:
            answered(admin, ask(admin, world))
        with CaptureQueriesContext(connection) as asked:
            rows = assert_page(admin.get(f"{path}?limit=100"), "SuggestionLine")
        counts.append(len(asked))
        assert len(rows) == how_many
        assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert counts[0] == counts[1] <= 7
    assert len(assert_page(admin.get(f"{path}?state=ready&limit=100"), "SuggestionLine")) == 30
    assert assert_page(admin.get(f"{path}?state=failed"), "SuggestionLine") == []


def test_one_suggestion_is_read_with_few_queries(admin, world):
    row = answered(admin, ask(admin, world))
    with CaptureQueriesContext(connection) as asked:
        admin.get(f"suggestions/{row['id']}")
    assert len(asked) <= 5, [query["sql"][:90] for query in asked]
