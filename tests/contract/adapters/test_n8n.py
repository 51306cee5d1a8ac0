"""The n8n adapter against the stand-in: each trap of the real one is a test here."""

from __future__ import annotations

import json

import pytest

from publishing.adapters import get
from publishing.ports import Outcome, ProviderError, Remote
from tests.fakes.n8n_nodes import AGENT, SET, assistant
from tests.fakes.n8n_server import FULL_KEY, READ_KEY, READ_UPDATE_KEY, N8nServer
from tests.fakes.parcels import parcel
from tests.fakes.standin import Reply
from tests.fakes.wire import LoopbackWire, plain

ADAPTER = get("n8n")
TEXT = "You are calm and brief."


@pytest.fixture
def server():
    with N8nServer() as running:
        yield running


@pytest.fixture
def wire(server):
    return LoopbackWire(server.address)


@pytest.fixture
def flow(server):
    return server.add(assistant())


@pytest.fixture
def remote(server, flow):
    return at(server, flow)


def at(server, flow, *, key=FULL_KEY, node=AGENT, path="options.systemMessage", **more):
    location = {"workflow_id": flow.id, "node_id": node, "parameter_path": path, **more}
    return Remote({"base_url": server.base_url}, {"api_key": key}, location)


def message(nodes):
    return next(node for node in nodes if node["id"] == AGENT)["parameters"]["options"].get("systemMessage")


def say(text):
    def change(nodes):
        next(node for node in nodes if node["id"] == AGENT)["parameters"]["options"]["systemMessage"] = text

    return change


def used(server, node=AGENT):
    answer = plain(LoopbackWire(server.address), "POST", f"{server.base_url}/webhook/ask", {})
    return json.loads(answer.content)[node]


def writes(server):
    return [(one.method, one.path.rpartition("/")[2]) for one in server.requests if one.method != "GET"]


# ── The walk ──


def test_send_makes_the_workflow_run_the_text(server, wire, flow, remote):
    receipt = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == message(flow.nodes) == TEXT
    assert receipt.remote_version == flow.active_version_id == flow.version_id


def test_send_changes_nothing_else(server, wire, flow, remote):
    before = flow.document()
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    after = flow.document()
    say("")(before["nodes"]), say("")(after["nodes"])
    kept = ("name", "nodes", "connections", "settings", "description", "nodeGroups", "staticData", "pinData")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_send_reaches_a_value_in_a_list(server, wire, flow):
    ADAPTER.send(at(server, flow, node=SET, path="assignments.assignments[2].value"), parcel(TEXT), wire=wire)
    assert used(server, SET) == {"tone": "calm", "computed": 2, "prompt": TEXT}


def test_send_fills_a_parameter_that_has_its_default(server, wire):
    flow = server.add(assistant(None))
    ADAPTER.send(at(server, flow), parcel(TEXT), wire=wire)
    assert used(server) == TEXT


def test_a_large_prompt_passes(server, wire, remote):
    text = "Ж" * 1_000_000
    ADAPTER.send(remote, parcel(text), wire=wire)
    assert ADAPTER.observe(remote, wire=wire).text == text


def test_sending_again_writes_nothing(server, wire, flow, remote):
    first = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    server.requests.clear()
    second = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert writes(server) == []
    assert second.remote_version == first.remote_version


def test_v1_v2_and_back_to_v1_ends_with_v1(server, wire, remote):
    for text in ("one", "two", "one"):
        ADAPTER.send(remote, parcel(text), wire=wire)
    assert used(server) == "one"


def test_observe_tells_what_runs(server, wire, flow, remote):
    observation = ADAPTER.observe(remote, wire=wire)
    assert (observation.text, observation.remote_version) == ("You help.", flow.active_version_id)


def test_observe_sees_an_edit_behind_our_back(server, wire, flow, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    server.edit(flow, say("Edited in n8n"), publish=True)
    assert ADAPTER.observe(remote, wire=wire).text == "Edited in n8n"


# ── Draft and live ──


def test_what_runs_is_the_active_version_not_the_draft(server, wire, flow, remote):
    server.edit(flow, say(TEXT))
    assert ADAPTER.observe(remote, wire=wire).text == "You help."


def test_a_text_that_is_only_in_the_draft_is_published(server, wire, flow, remote):
    server.edit(flow, say(TEXT))
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert writes(server)[0] == ("POST", "publish")


def test_put_never_publishes_at_once(server, wire, remote):
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert [one.query for one in server.seen("PUT")] == [{"publishIfActive": "false"}]


def test_the_version_that_was_stored_is_the_one_published(server, wire, flow, remote):
    server.afterwards("PUT", "/workflows/", lambda: server.edit(flow, say("Somebody's later draft")))
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert message(flow.nodes) == "Somebody's later draft"


def test_unpublished_edits_are_neither_published_nor_lost(server, wire, flow, remote):
    server.edit(flow, lambda nodes: nodes[2]["parameters"].update(includeOtherFields=False))
    receipt = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert flow.live["nodes"][2]["parameters"]["includeOtherFields"] is True
    assert flow.nodes[2]["parameters"]["includeOtherFields"] is False
    assert message(flow.live["nodes"]) == message(flow.nodes) == TEXT
    assert "kept and not published" in receipt.detail


def test_unpublished_edits_are_put_back_when_publishing_fails(server, wire, flow, remote):
    server.edit(flow, lambda nodes: nodes[2]["parameters"].update(includeOtherFields=False))
    server.answer(503, method="POST", path="/publish")
    with pytest.raises(ProviderError):
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert flow.nodes[2]["parameters"]["includeOtherFields"] is False
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert flow.nodes[2]["parameters"]["includeOtherFields"] is False
    assert flow.live["nodes"][2]["parameters"]["includeOtherFields"] is True


def test_edits_that_could_not_be_put_back_are_named(server, wire, flow, remote):
    server.edit(flow, lambda nodes: nodes[2]["parameters"].update(includeOtherFields=False))
    lost = flow.version_id
    server.afterwards("POST", "/publish", lambda: server.answer(503, method="PUT"))
    receipt = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert lost in receipt.detail


def test_a_draft_without_the_node_is_left_as_it_is(server, wire, flow, remote):
    server.edit(flow, lambda nodes: nodes.pop(1))
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert [node["id"] for node in flow.nodes] == ["hook-1", SET]


def test_a_race_that_left_the_draft_different_from_live_is_healed(server, wire, flow, remote):
    server.edit(flow, say("R3"), publish=True)
    server.edit(flow, say("R0"))
    assert ADAPTER.observe(remote, wire=wire).text == "R3"
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert message(flow.live["nodes"]) == message(flow.nodes) == TEXT


def test_somebody_publishing_meanwhile_is_seen_by_reading_back(server, wire, flow, remote):
    server.afterwards("POST", "/publish", lambda: server.edit(flow, say("Theirs"), publish=True))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.TRY_AGAIN
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT


def test_the_lag_of_the_webhook_does_not_confuse_the_reading_back():
    time = [0.0]
    with N8nServer(clock=lambda: time[0], lag=0.8) as server:
        remote, wire = at(server, server.add(assistant())), LoopbackWire(server.address)
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
        assert ADAPTER.observe(remote, wire=wire).text == TEXT


def test_on_an_inactive_workflow_the_text_is_stored_as_a_draft_and_that_is_said(server, wire):
    flow = server.add(assistant(), published=False)
    receipt = ADAPTER.send(at(server, flow), parcel(TEXT), wire=wire)
    assert message(flow.nodes) == TEXT
    assert (flow.live, "not active" in receipt.detail) == (None, True)
    observation = ADAPTER.observe(at(server, flow), wire=wire)
    assert (observation.text, observation.remote_version) == (TEXT, receipt.remote_version)
    assert "nothing runs" in observation.detail


def test_an_inactive_workflow_that_has_the_text_is_not_written(server, wire):
    flow = server.add(assistant(TEXT), published=False)
    ADAPTER.send(at(server, flow), parcel(TEXT), wire=wire)
    assert writes(server) == []


def test_an_inactive_workflow_overwritten_meanwhile_is_seen(server, wire):
    flow = server.add(assistant(), published=False)
    server.afterwards("PUT", "/workflows/", lambda: server.edit(flow, say("Theirs")))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(at(server, flow), parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.TRY_AGAIN


# ── Expressions ──

HOSTILE = [
    "={{ $env.SECRET }}",
    "=plain",
    "=",
    "={{ 1+1 }} and }} and }}} and {{{ more",
    '="quotes" and \\ backslash \\}} and\nline\u2028breaks\u2029',
    "= this.constructor.constructor('return process')()",
    "=\x1constructor é 🙂",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_leading_equals_sign_is_not_evaluated(server, wire, remote, text):
    ADAPTER.send(remote, parcel(text), wire=wire)
    assert used(server) == text
    assert ADAPTER.observe(remote, wire=wire).text == text
    server.requests.clear()
    ADAPTER.send(remote, parcel(text), wire=wire)
    assert writes(server) == []


@pytest.mark.parametrize("text", ["{{ 1+1 }}", " ={{ 1+1 }}", "{x} {% y %} }}"])
def test_braces_without_a_leading_equals_sign_are_sent_as_they_are(server, wire, remote, text):
    ADAPTER.send(remote, parcel(text), wire=wire)
    assert used(server) == text
    assert message(server.flows[remote.location["workflow_id"]].nodes) == text


def test_our_own_escaped_text_may_be_replaced(server, wire, remote):
    ADAPTER.send(remote, parcel("=first"), wire=wire)
    assert ADAPTER.probe(remote, wire=wire) == []
    ADAPTER.send(remote, parcel("second"), wire=wire)
    assert used(server) == "second"


@pytest.mark.parametrize("stored", ["={{ $json.prompt }}", "=plain", '={{ "constant" }}', '={{ "=a" + "b" }}'])
def test_somebodys_expression_is_not_replaced(server, wire, stored):
    flow = server.add(assistant(stored))
    remote = at(server, flow)
    problem = ADAPTER.probe(remote, wire=wire)[0]
    assert (problem.pointer, problem.code) == ("/location/parameter_path", "expression_protected")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.REFUSED
    assert (writes(server), message(flow.nodes)) == ([], stored)


def test_an_expression_in_the_draft_alone_is_protected_too(server, wire, flow, remote):
    server.edit(flow, say("={{ $json.prompt }}"))
    assert [problem.code for problem in ADAPTER.probe(remote, wire=wire)] == ["expression_protected"]


def test_an_expression_is_replaced_where_that_is_allowed(server, wire):
    flow = server.add(assistant("={{ $json.prompt }}"))
    remote = at(server, flow, replace_expression=True)
    assert ADAPTER.probe(remote, wire=wire) == []
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT


def test_an_expression_is_observed_as_it_is_stored(server, wire):
    flow = server.add(assistant("={{ $json.prompt }}"))
    observation = ADAPTER.observe(at(server, flow), wire=wire)
    assert observation.text == "={{ $json.prompt }}"
    assert "computes" in observation.detail


# ── Refusals ──


def test_a_key_that_may_not_publish_is_told_that_a_draft_was_saved(server, wire, flow):
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(at(server, flow, key=READ_UPDATE_KEY), parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.REFUSED, 403)
    assert "saved as a draft but not published" in failure.value.detail
    assert (message(flow.nodes), used(server)) == (TEXT, "You help.")


def test_the_403_that_has_an_effect_is_understood(server, wire, remote):
    saved = {"message": "Your change was saved as a draft.", "reason": "insufficient_api_key_scope", "versionId": "v"}
    server.fault(Reply.of(403, saved), method="PUT")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.REFUSED
    assert "saved as a draft but not published" in failure.value.detail


def test_a_key_that_may_only_read_is_refused(server, wire, flow):
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(at(server, flow, key=READ_KEY), parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.REFUSED
    assert "draft" not in failure.value.detail


def test_the_404_of_a_put_is_explained(server, wire, flow, remote):
    server.afterwards("GET", "/workflows/", server.flows.clear)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.REFUSED, 404)
    assert "gone or not shared" in failure.value.detail


def test_a_workflow_without_a_trigger_is_refused_and_the_draft_told(server, wire):
    flow = server.add(assistant()[1:])
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(at(server, flow), parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.REFUSED, 400)
    assert "saved as a draft but not published" in failure.value.detail


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"workflow_id": "nobody"}, "/location/workflow_id", "not_found"),
        ({"node_id": "nobody"}, "/location/node_id", "not_found"),
        ({"parameter_path": "assignments.assignments[9].value"}, "/location/parameter_path", "not_found"),
        ({"parameter_path": "options[0]"}, "/location/parameter_path", "not_found"),
        ({"parameter_path": "options.maxIterations"}, "/location/parameter_path", "not_text"),
        ({"parameter_path": "options"}, "/location/parameter_path", "not_text"),
    ],
)
def test_a_place_that_is_not_there_is_found_before_anything_moves(server, wire, remote, change, pointer, code):
    wrong = Remote(remote.settings, remote.credentials, {**remote.location, **change})
    assert [(one.pointer, one.code) for one in ADAPTER.probe(wrong, wire=wire)] == [(pointer, code)]
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(wrong, parcel(TEXT), wire=wire)
    with pytest.raises(ProviderError):
        ADAPTER.observe(wrong, wire=wire)
    assert failure.value.outcome is Outcome.REFUSED
    assert writes(server) == []


def test_a_wrong_key_is_found_before_anything_moves(server, wire, flow):
    remote = at(server, flow, key="n8n-key-unknown")
    problem = ADAPTER.probe(remote, wire=wire)[0]
    assert (problem.pointer, problem.code) == ("/credentials/api_key", "unauthorized")
    assert "n8n-key-unknown" not in problem.detail


def test_a_key_without_reading_is_found_before_anything_moves(server, wire, remote):
    server.fault(Reply.of(403, {"message": "Forbidden"}))
    problem = ADAPTER.probe(remote, wire=wire)[0]
    assert (problem.pointer, problem.code) == ("/credentials/api_key", "forbidden")


def test_an_archived_workflow_is_found_before_anything_moves(server, wire):
    flow = server.add(assistant(), archived=True)
    assert [one.code for one in ADAPTER.probe(at(server, flow), wire=wire)] == ["archived"]


def test_an_n8n_that_does_not_say_what_runs_is_refused(server, wire, flow, remote):
    older = {key: value for key, value in flow.document().items() if not key.startswith("activeVersion")}
    server.fault(Reply.of(200, older), times=3)
    assert [one.code for one in ADAPTER.probe(remote, wire=wire)] == ["unsupported"]
    for verb in (lambda: ADAPTER.send(remote, parcel(TEXT), wire=wire), lambda: ADAPTER.observe(remote, wire=wire)):
        with pytest.raises(ProviderError) as failure:
            verb()
        assert failure.value.outcome is Outcome.REFUSED


def test_an_address_that_is_not_allowed_is_found_before_anything_moves(flow, server):
    with N8nServer() as elsewhere:
        problem = ADAPTER.probe(at(server, flow), wire=LoopbackWire(elsewhere.address))[0]
    assert (problem.pointer, problem.code) == ("/settings/base_url", "address_refused")
    assert server.requests == []


# ── Faults ──


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again_and_heals(server, wire, remote, method, status):
    server.answer(status, method=method)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.TRY_AGAIN, status)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT


def test_503_three_times_then_200(server, wire, remote):
    server.answer(503, times=3)
    for _ in range(3):
        with pytest.raises(ProviderError):
            ADAPTER.send(remote, parcel(TEXT), wire=wire)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert len(server.seen("PUT")) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Date": "Mon, 05 Jan 2026 09:30:00 GMT", "Retry_After": "Mon, 05 Jan 2026 09:31:30 GMT"}, 90.0),
        ({}, None),
    ],
)
def test_a_proxys_429_says_when(server, wire, remote, headers, seconds):
    server.answer(429, method="PUT", **headers)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.retry_after == seconds


@pytest.mark.parametrize(("status", "outcome"), [(500, Outcome.TRY_AGAIN), (413, Outcome.REFUSED)])
def test_an_html_error_page_is_summarised(server, wire, remote, status, outcome):
    server.fault(Reply.html(status), method="PUT")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is outcome
    assert failure.value.detail == f"answered {status}: an HTML page titled “Error”"


def test_a_200_that_is_a_page_is_not_a_workflow(server, wire, remote):
    server.fault(Reply.html(200), method="GET")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.observe(remote, wire=wire)
    assert failure.value.outcome is Outcome.TRY_AGAIN


@pytest.mark.parametrize("reply", [Reply.html(200), Reply.of(200, {"id": "no version"})])
def test_a_put_answered_with_nonsense_is_unknown(server, wire, remote, reply):
    server.fault(reply, method="PUT")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_write_whose_answer_was_lost_is_unknown_and_repeating_it_is_safe(server, wire, flow, remote, method):
    server.reset("after", method=method)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.UNKNOWN
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT
    assert flow.counter == 2


def test_a_hanging_n8n_is_unknown_for_a_write_and_tried_again_for_a_read(server, remote):
    wire = LoopbackWire(server.address, deadline=0.4)
    server.hang(method="PUT")
    with pytest.raises(ProviderError) as write:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    server.hang(method="GET")
    with pytest.raises(ProviderError) as read:
        ADAPTER.observe(remote, wire=wire)
    assert (write.value.outcome, read.value.outcome) == (Outcome.UNKNOWN, Outcome.TRY_AGAIN)


def test_a_publication_that_could_not_be_read_back_is_unknown(server, wire, remote):
    server.afterwards("POST", "/publish", lambda: server.answer(503, method="GET", Retry_After="3"))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.retry_after) == (Outcome.UNKNOWN, 3.0)


def test_a_dead_n8n_was_not_sent_anything():
    with N8nServer() as server:
        remote = at(server, server.add(assistant()))
        wire = LoopbackWire(server.address)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome is Outcome.TRY_AGAIN
    with pytest.raises(ProviderError):
        ADAPTER.probe(remote, wire=wire)


def test_messages_hold_neither_the_key_nor_the_prompt(server, wire, remote):
    echo = {"message": f"bad value {TEXT} with key {FULL_KEY} and {TEXT[:14]}"}
    server.fault(Reply.of(400, echo), method="PUT")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.detail == "answered 400: bad value ••• with key ••• and •••"
    assert failure.value.code == "502.adapter_publish_error_n8n"
