"""The n8n adapter against the stand-in: refusals and faults; each trap of the real one is a test."""

from __future__ import annotations

import pytest

from publishing.adapters import get
from publishing.ports import Outcome, ProviderError, Remote
from tests.fakes.n8n_nodes import assistant, message, place, used, writes
from tests.fakes.n8n_server import FULL_KEY, READ_KEY, READ_UPDATE_KEY, N8nServer
from tests.fakes.parcels import parcel
from tests.fakes.standin import Reply
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


# ── Refusals ──


def test_a_key_that_may_not_publish_is_told_that_a_draft_was_saved(server, wire, flow):
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(place(server, flow, key=READ_UPDATE_KEY), parcel(TEXT), wire=wire)
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
        ADAPTER.send(place(server, flow, key=READ_KEY), parcel(TEXT), wire=wire)
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
        ADAPTER.send(place(server, flow), parcel(TEXT), wire=wire)
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
    remote = place(server, flow, key="n8n-key-unknown")
    problem = ADAPTER.probe(remote, wire=wire)[0]
    assert (problem.pointer, problem.code) == ("/credentials/api_key", "unauthorized")
    assert "n8n-key-unknown" not in problem.detail


def test_a_key_without_reading_is_found_before_anything_moves(server, wire, remote):
    server.fault(Reply.of(403, {"message": "Forbidden"}))
    problem = ADAPTER.probe(remote, wire=wire)[0]
    assert (problem.pointer, problem.code) == ("/credentials/api_key", "forbidden")


def test_an_archived_workflow_is_found_before_anything_moves(server, wire):
    flow = server.add(assistant(), archived=True)
    assert [one.code for one in ADAPTER.probe(place(server, flow), wire=wire)] == ["archived"]


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
        problem = ADAPTER.probe(place(server, flow), wire=LoopbackWire(elsewhere.address))[0]
    assert (problem.pointer, problem.code) == ("/settings/base_url", "address_refused")
    assert server.requests == []


# ── Faults ──


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again_and_heals(server, wire, remote, method, status):
    server.answer(status, method=method)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    perhaps = method != "GET" and status in {502, 504}
    outcome = Outcome.UNKNOWN if perhaps else Outcome.TRY_AGAIN
    assert (failure.value.outcome, failure.value.provider_status) == (outcome, status)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert used(server) == TEXT


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("status", [502, 504])
def test_a_write_whose_gateway_gave_up_may_have_happened_and_is_made_once(server, wire, flow, remote, method, status):
    server.lose(status, method=method)
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (failure.value.outcome, failure.value.provider_status) == (Outcome.UNKNOWN, status)
    ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert (used(server), flow.counter) == (TEXT, 2)


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


@pytest.mark.parametrize("reply", [Reply.of(200, {}), Reply.of(200, []), Reply.html(200)])
def test_a_call_to_publish_that_was_answered_and_did_nothing_is_told_as_that(server, wire, remote, reply):
    server.fault(reply, method="POST", path="/publish")
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel(TEXT), wire=wire)
    assert failure.value.outcome in {Outcome.TRY_AGAIN, Outcome.UNKNOWN}
    assert "somebody else" not in failure.value.detail
    assert "what ran before runs on" in failure.value.detail
    assert used(server) == "You help."


def test_a_dead_n8n_was_not_sent_anything():
    with N8nServer() as server:
        remote = place(server, server.add(assistant()))
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
