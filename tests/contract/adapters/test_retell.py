"""The Retell adapter against the stand-in: each trap of the real one is a test here."""

from __future__ import annotations

import copy

import pytest

from publishing.adapters import get
from publishing.ports import Outcome, ProviderError, Remote
from tests.fakes.parcels import parcel
from tests.fakes.retell_server import KEY, RetellServer
from tests.fakes.standin import Reply
from tests.fakes.wire import LoopbackWire

ADAPTER = get("retell")
TEXT = "You are calm and brief."
STATES = [
    {
        "name": "hello",
        "state_prompt": "Greet.",
        "edges": [{"destination_state_name": "bye/now", "description": "done"}],
        "tools": [{"type": "end_call", "name": "hang_up", "description": "x"}],
    },
    {"name": "bye/now", "state_prompt": "Say bye.", "tools": [{"type": "end_call", "name": "end"}]},
]


@pytest.fixture
def server():
    with RetellServer() as running:
        yield running


@pytest.fixture
def wire(server):
    return LoopbackWire(server.address)


@pytest.fixture
def line(server):
    return server.add(general_prompt="You help.", begin_message="Hello?", states=copy.deepcopy(STATES))


@pytest.fixture
def remote(server, line):
    return at(server, line)


def at(server, line, field="general_prompt", key=KEY):
    return Remote({"base_url": server.base_url}, {"api_key": key}, {"agent_id": line.agent_id, "field": field})


def writes(server):
    return [f"{one.method} {one.path.split('/')[1]}" for one in server.requests if one.method != "GET"]


WALK = ["POST create-agent-version", "PATCH update-retell-llm", "POST publish-agent-version"]


# ── The walk ──


def test_send_makes_the_live_version_carry_the_text(server, wire, line, remote):
    receipt = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert server.live(line)["general_prompt"] == TEXT
    assert (receipt.remote_version, writes(server)) == ("1", WALK)


def test_send_changes_nothing_else(server, wire, line, remote):
    before = copy.deepcopy(server.live(line))
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    after = server.live(line)
    own = {"general_prompt", "version", "last_modification_timestamp"}
    assert {name for name in before if before[name] != after[name]} == own


def test_a_published_version_is_left_as_it_is(server, wire, line, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert line.versions[0][1]["general_prompt"] == "You help."


@pytest.mark.parametrize(("name", "other"), [("hello", 1), ("bye/now", 0)])
def test_states_are_never_wiped(server, wire, line, name, other):
    ADAPTER.send(at(server, line, f"states/{name}/state_prompt"), parcel(TEXT), wire=wire)
    states = server.live(line)["states"]
    assert states[1 - other] == {**STATES[1 - other], "state_prompt": TEXT}
    assert states[other] == STATES[other]


def test_an_empty_begin_message_makes_the_agent_wait(server, wire, line):
    place = at(server, line, "begin_message")
    assert ADAPTER.check(place, format="text", text="") == []
    ADAPTER.send(place, parcel(""), wire=wire)
    assert server.live(line)["begin_message"] == ""


def test_a_field_that_was_never_set_is_filled(server, wire):
    line = server.add()
    ADAPTER.send(at(server, line), parcel(TEXT), wire=wire)
    assert server.live(line)["general_prompt"] == TEXT


def test_retells_own_variables_pass(server, wire, line, remote):
    ADAPTER.send(remote, parcel("Hello {{first_name}}"), wire=wire)
    assert server.live(line)["general_prompt"] == "Hello {{first_name}}"


def test_sending_again_writes_nothing(server, wire, line, remote):
    first = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    server.requests.clear()
    assert ADAPTER.send(remote, parcel(TEXT), wire=wire).remote_version == first.remote_version
    assert (writes(server), len(line.versions)) == ([], 2)


def test_v1_v2_and_back_to_v1_ends_with_v1(server, wire, line, remote):
    for text in ("one", "two", "one"):
        ADAPTER.send(remote, parcel(text), wire=wire)
    assert (server.live(line)["general_prompt"], server.live(line)["version"]) == ("one", 3)


def test_observe_tells_what_is_live(server, wire, line, remote):
    server.edit(line, server.fork(line), lambda agent, llm: llm.update(general_prompt="draft"))
    observation = ADAPTER.observe(remote, wire=wire)
    assert (observation.text, observation.remote_version) == ("You help.", "0")


def test_observe_sees_an_edit_behind_our_back(server, wire, line, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    number = server.fork(line)
    server.edit(line, number, lambda agent, llm: llm.update(general_prompt="Edited in the dashboard"))
    server.publish(line, number)
    assert ADAPTER.observe(remote, wire=wire).text == "Edited in the dashboard"


def test_observe_finds_the_live_version_pages_away(server, wire, line, remote, monkeypatch):
    monkeypatch.setattr("publishing.adapters.retell._PAGE", 2)
    for _ in range(5):
        server.fork(line)
    assert ADAPTER.observe(remote, wire=wire).remote_version == "0"
    assert len(server.seen("GET", "/list-agent-versions/")) == 3


# ── Drafts ──


def test_an_existing_draft_is_taken_before_a_new_one_is_made(server, wire, line, remote):
    server.fork(line)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (writes(server), len(line.versions)) == (WALK[1:], 2)
    assert server.live(line)["general_prompt"] == TEXT


def test_a_text_that_failed_to_be_published_does_not_stay_behind_as_the_draft(server, wire, line, remote):
    ADAPTER.send(remote, parcel("one"), wire=wire)
    number = server.fork(line)
    server.edit(line, number, lambda agent, llm: llm.update(general_prompt="two"))
    receipt = ADAPTER.send(remote, parcel("one"), wire=wire)
    assert server.live(line)["general_prompt"] == "one"
    assert line.versions[number][1]["general_prompt"] == "one"
    assert "draft" in receipt.detail


def test_a_draft_that_has_the_text_already_is_only_published(server, wire, line, remote):
    server.edit(line, server.fork(line), lambda agent, llm: llm.update(general_prompt=TEXT))
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert writes(server) == WALK[2:]


@pytest.mark.parametrize(
    "edit",
    [
        lambda agent, llm: llm.update(model="another"),
        lambda agent, llm: llm["states"][0].update(state_prompt="unfinished"),
        lambda agent, llm: agent.update(voice_id="another"),
    ],
    ids=["model", "state", "voice"],
)
def test_somebodys_unfinished_draft_is_neither_published_nor_lost(server, wire, line, remote, edit):
    number = server.fork(line)
    server.edit(line, number, edit)
    draft = copy.deepcopy(line.versions[number])
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    live = server.live(line)
    assert (live["general_prompt"], live["version"]) == (TEXT, 2)
    assert (live["model"], live["states"]) == ("gpt-4.1", STATES)
    assert line.versions[2][0]["voice_id"] == "11labs-Ada"
    assert line.versions[number] == draft


def test_a_draft_that_lost_the_state_is_left_alone(server, wire, line):
    server.edit(line, server.fork(line), lambda agent, llm: llm["states"].pop(0))
    ADAPTER.send(at(server, line, "states/hello/state_prompt"), parcel(TEXT), wire=wire)
    assert server.live(line)["states"][0]["state_prompt"] == TEXT
    assert len(line.versions[1][1]["states"]) == 1


def test_the_first_draft_of_a_new_agent_is_published(server, wire):
    line = server.add(published=False, general_prompt="v0")
    observation = ADAPTER.observe(at(server, line), wire=wire)
    assert (observation.text, "never published" in observation.detail) == ("v0", True)
    receipt = ADAPTER.send(at(server, line), parcel(TEXT), wire=wire)
    assert (receipt.remote_version, server.live(line)["general_prompt"]) == ("0", TEXT)


def test_create_agent_version_is_sent_nothing_but_the_base(server, wire, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert server.seen("POST", "/create-agent-version/")[0].json() == {"base_version": 0}


def test_a_draft_published_meanwhile_is_tried_again(server, wire, line, remote):
    server.afterwards("POST", "/create-agent-version/", lambda: server.publish(line, 1))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.TRY_AGAIN, 400)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (server.live(line)["general_prompt"], server.live(line)["version"]) == (TEXT, 2)


def test_a_draft_overwritten_meanwhile_is_seen_by_reading_back(server, wire, line, remote):
    def overwrite():
        server.edit(line, 1, lambda agent, llm: llm.update(general_prompt="Theirs"))

    server.afterwards("PATCH", "/update-retell-llm/", overwrite)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.TRY_AGAIN
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert server.live(line)["general_prompt"] == TEXT


# ── Refusals ──


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"agent_id": "agent_nobody"}, "/location/agent_id", "not_found"),
        ({"field": "states/nobody/state_prompt"}, "/location/field", "not_found"),
    ],
)
def test_a_place_that_is_not_there_is_found_before_anything_moves(server, wire, remote, change, pointer, code):
    wrong = Remote(remote.settings, remote.credentials, {**remote.location, **change})
    assert [(one.pointer, one.code) for one in ADAPTER.probe(wrong, wire=wire)] == [(pointer, code)]
    for verb in (lambda: ADAPTER.send(wrong, parcel(TEXT), wire=wire), lambda: ADAPTER.observe(wrong, wire=wire)):
        with pytest.raises(ProviderError) as failure:
            verb()
        assert failure.value.outcome is Outcome.REFUSED
    assert writes(server) == []


def test_422_is_not_found(server, wire, remote):
    gone = Remote(remote.settings, remote.credentials, {**remote.location, "agent_id": "agent_gone"})
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(gone, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.REFUSED, 422)
    assert "Cannot find requested asset" in failure.value.detail


def test_an_agent_with_another_engine_is_refused(server, wire, line, remote):
    server.edit(line, 0, lambda agent, llm: agent.update(response_engine={"type": "conversation-flow", "version": 0}))
    assert [one.code for one in ADAPTER.probe(remote, wire=wire)] == ["engine_unsupported"]
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.REFUSED


def test_a_field_that_is_not_text_is_refused(server, wire, line, remote):
    server.edit(line, 0, lambda agent, llm: llm.update(general_prompt=["a", "list"]))
    assert [one.code for one in ADAPTER.probe(remote, wire=wire)] == ["not_text"]


@pytest.mark.parametrize(("status", "code"), [(402, "payment_required"), (418, "unexpected_answer")])
def test_other_refusals_are_told_before_anything_moves(server, wire, remote, status, code):
    server.answer(status)
    assert [one.code for one in ADAPTER.probe(remote, wire=wire)] == [code]


def test_a_wrong_key_is_found_before_anything_moves(server, wire, line):
    problem = ADAPTER.probe(at(server, line, key="key_unknown"), wire=wire)[0]
    assert (problem.pointer, problem.code) == ("/credentials/api_key", "unauthorized")


def test_a_place_that_is_there_has_no_problems(server, wire, remote):
    assert ADAPTER.probe(remote, wire=wire) == []
    assert writes(server) == []


# ── Faults ──


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/create-"), ("PATCH", ""), ("POST", "/publish-")])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_fault_is_tried_again_and_forks_once(server, wire, line, remote, method, path, status):
    server.answer(status, method=method, path=path)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.TRY_AGAIN, status)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (server.live(line)["general_prompt"], len(line.versions)) == (TEXT, 2)


@pytest.mark.parametrize(("method", "path"), [("POST", "/create-"), ("PATCH", ""), ("POST", "/publish-")])
@pytest.mark.parametrize("status", [502, 504])
def test_a_write_whose_gateway_gave_up_may_have_happened_and_forks_once(
    server, wire, line, remote, method, path, status
):
    server.lose(status, method=method, path=path)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.UNKNOWN, status)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (server.live(line)["general_prompt"], len(line.versions)) == (TEXT, 2)


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry_After": "12"}, 12.0), ({}, None)])
def test_429_with_and_without_retry_after(server, wire, remote, headers, seconds):
    server.answer(429, **headers)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.retry_after) == (Outcome.TRY_AGAIN, seconds)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/create-agent-version/"), ("PATCH", "/update-"), ("POST", "/publish-")]
)
def test_a_write_whose_answer_was_lost_is_unknown_and_never_forks_twice(server, wire, line, remote, method, path):
    server.reset("after", method=method, path=path)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.UNKNOWN
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (server.live(line)["general_prompt"], len(line.versions)) == (TEXT, 2)


def test_a_fork_answered_with_nonsense_is_unknown(server, wire, remote):
    server.fault(Reply.html(201), method="POST", path="/create-agent-version/")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("document", [{"response_engine": {"type": "retell-llm"}}, {"response_engine": None}])
def test_an_answer_that_is_no_agent_is_not_believed(server, wire, remote, document):
    server.fault(Reply.of(200, document))
    with pytest.raises(ProviderError):
        ADAPTER.observe(remote, wire=wire)


@pytest.mark.parametrize("items", [None, ["v0"], [{"is_published": True}], [{"is_published": True, "version": "0"}]])
def test_a_version_list_that_makes_no_sense_publishes_nothing(server, wire, line, remote, items):
    server.fork(line)
    server.fault(Reply.of(200, {"items": items, "has_more": True}), path="/list-agent-versions/")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, writes(server)) == (Outcome.TRY_AGAIN, [])


def test_endless_pages_of_drafts_end(server, wire, line, remote, monkeypatch):
    monkeypatch.setattr("publishing.adapters.retell._PAGES", 2)
    server.fork(line)
    endless = Reply.of(200, {"items": [], "has_more": True, "pagination_key": "a b&c"})
    server.fault(endless, times=9, path="/list-agent-versions/")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.observe(remote, wire=wire)
    assert failure.value.outcome is Outcome.REFUSED
    assert [one.query.get("pagination_key") for one in server.seen(path="/list-")] == [None, "a b&c"]


def test_a_publication_that_could_not_be_read_back_is_unknown(server, wire, remote):
    server.afterwards("POST", "/publish-agent-version/", lambda: server.answer(503, method="GET"))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.UNKNOWN


def test_a_failed_publication_tells_of_the_draft(server, wire, remote):
    server.answer(400, method="POST", path="/publish-agent-version/")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.REFUSED
    assert "draft version 1 holds the text but is not published" in failure.value.detail


def test_an_outage_does_not_pass_for_a_problem(server, wire, remote):
    server.answer(503)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.probe(remote, wire=wire)
    assert failure.value.outcome is Outcome.TRY_AGAIN


def test_messages_hold_neither_the_key_nor_the_prompt(server, wire, remote):
    echo = {"status": "error", "message": f"{KEY}: {TEXT}"}
    server.fault(Reply.of(400, echo), method="PATCH")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.detail == "answered 400: •••: •••"
    assert failure.value.code == "502.adapter_publish_error_retell"
