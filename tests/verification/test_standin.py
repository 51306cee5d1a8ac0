"""The faults every stand-in can be told to have."""

from __future__ import annotations

import pytest

from foundation.egress import EgressUnanswered
from tests.fakes.n8n_nodes import assistant
from tests.fakes.n8n_server import FULL_KEY, N8nServer
from tests.fakes.standin import Reply
from tests.fakes.wire import LoopbackWire, plain


@pytest.fixture
def server():
    with N8nServer() as running:
        yield running


@pytest.fixture
def get(server):
    url = f"{server.base_url}/api/v1/workflows/{server.add(assistant()).id}"
    return lambda deadline=5.0: plain(
        LoopbackWire(server.address, deadline=deadline), "GET", url, X_N8N_API_KEY=FULL_KEY
    )


def test_an_answer_is_given_as_often_as_told(server, get):
    server.answer(503, times=2, Retry_After="7")
    answers = [get() for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_a_fault_may_be_a_page(server, get):
    server.fault(Reply.html(502))
    answer = get()
    assert (answer.status, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")


def test_a_hang_gives_no_answer(server, get):
    server.hang()
    with pytest.raises(EgressUnanswered):
        get(deadline=0.3)
    assert get().status == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reset_gives_no_answer(server, when, get):
    flow = next(iter(server.flows.values()))
    server.reset(when, method="POST")
    with pytest.raises(EgressUnanswered):
        plain(
            LoopbackWire(server.address),
            "POST",
            f"{server.base_url}/api/v1/workflows/{flow.id}/unpublish",
            X_N8N_API_KEY=FULL_KEY,
        )
    assert (flow.live is None) is (when == "after")


def test_a_fault_can_be_for_one_method_and_path(server, get):
    server.answer(503, method="PUT")
    server.answer(503, path="/elsewhere")
    assert get().status == 200


def test_a_crash_of_the_stand_in_is_told_at_the_end():
    server = N8nServer()
    server.reply = lambda request: 1 / 0
    with pytest.raises(ZeroDivisionError), server:
        plain(LoopbackWire(server.address), "GET", server.base_url)
