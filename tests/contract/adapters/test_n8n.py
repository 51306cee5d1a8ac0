"""The n8n adapter against the stand-in: draft and live, and expressions; each trap of the real one is a test."""

from __future__ import annotations

import pytest

from publishing.adapters import get
from publishing.ports import Outcome, ProviderError
from tests.fakes.n8n_nodes import SET, assistant, message, place, say, used, writes
from tests.fakes.n8n_server import N8nServer
from tests.fakes.parcels import parcel
from tests.fakes.wire import LoopbackWire

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
    return place(server, flow)


# ── The walk ──


def test_send_makes_the_workflow_run_the_text(server, wire, flow, remote):
    receipt = ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == message(flow.nodes) == TEXT
    assert receipt.remote_version == flow.active_version_id == flow.version_id


def test_send_changes_nothing_else(server, wire):
    more = {"description": "Answers.", "node_groups": [{"name": "g"}], "settings": {"timezone": "UTC"}}
    more |= {"static_data": {"cursor": 7}, "pin_data": {"Webhook": []}}
    flow = server.add(assistant(), **more)
    before = flow.document()
    ADAPTER.send(place(server, flow), parcel(TEXT), wire=wire)
    after = flow.document()
    say("")(before["nodes"]), say("")(after["nodes"])
    kept = ("name", "nodes", "connections", "settings", "description", "nodeGroups", "staticData", "pinData")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_send_reaches_a_value_in_a_list(server, wire, flow):
    ADAPTER.send(place(server, flow, node=SET, path="assignments.assignments[2].value"), parcel(TEXT), wire=wire)
    assert used(server, SET) == {"tone": "calm", "computed": 2, "prompt": TEXT}


def test_send_fills_a_parameter_that_has_its_default(server, wire):
    flow = server.add(assistant(None))
    ADAPTER.send(place(server, flow), parcel(TEXT), wire=wire)
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


def test_a_text_that_failed_to_be_published_does_not_stay_behind_as_the_draft(server, wire, flow, remote):
    ADAPTER.send(remote, parcel("one"), wire=wire)
    server.edit(flow, say("two"))  # stored by a try whose publish was answered with 500
    receipt = ADAPTER.send(remote, parcel("one"), wire=wire)
    assert used(server) == message(flow.nodes) == "one"
    assert "draft" in receipt.detail


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
    assert "somebody else writes to it" in failure.value.detail
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT


def test_the_lag_of_the_webhook_does_not_confuse_the_reading_back():
    time = [0.0]
    with N8nServer(clock=lambda: time[0], lag=0.8) as server:
        remote, wire = place(server, server.add(assistant())), LoopbackWire(server.address)
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
        assert ADAPTER.observe(remote, wire=wire).text == TEXT


def test_on_an_inactive_workflow_the_text_is_stored_as_a_draft_and_that_is_said(server, wire):
    flow = server.add(assistant(), published=False)
    receipt = ADAPTER.send(place(server, flow), parcel(TEXT), wire=wire)
    assert message(flow.nodes) == TEXT
    assert (flow.live, "not active" in receipt.detail) == (None, True)
    observation = ADAPTER.observe(place(server, flow), wire=wire)
    assert (observation.text, observation.remote_version) == (TEXT, receipt.remote_version)
    assert "nothing runs" in observation.detail


def test_an_inactive_workflow_that_has_the_text_is_not_written(server, wire):
    flow = server.add(assistant(TEXT), published=False)
    ADAPTER.send(place(server, flow), parcel(TEXT), wire=wire)
    assert writes(server) == []


def test_an_inactive_workflow_overwritten_meanwhile_is_seen(server, wire):
    flow = server.add(assistant(), published=False)
    server.afterwards("PUT", "/workflows/", lambda: server.edit(flow, say("Theirs")))
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(place(server, flow), parcel(TEXT), wire=wire)
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
    remote = place(server, flow)
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
    remote = place(server, flow, replace_expression=True)
    assert ADAPTER.probe(remote, wire=wire) == []
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT


def test_an_expression_is_observed_as_it_is_stored(server, wire):
    flow = server.add(assistant("={{ $json.prompt }}"))
    observation = ADAPTER.observe(place(server, flow), wire=wire)
    assert observation.text == "={{ $json.prompt }}"
    assert "computes" in observation.detail
