"""An answer that is read while it arrives keeps to the same deadline and cap, and ends with its block."""

from __future__ import annotations

import threading
import time

import pytest

from foundation import egress
from tests.hostile.hostile_peers import Peer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Many: 1\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


@pytest.fixture
def peer():
    """``peer(first, then, end)``: sends ``first``, waits until it may go on, and sends ``then``."""
    started = []

    def start(first: bytes, then: bytes = b"", *, waits: bool = False):
        goes_on = threading.Event()

        def answer(connected, stop: threading.Event) -> None:
            connected.recv(65_536)
            connected.sendall(HEAD + first)
            if waits:
                goes_on.wait(10)
            connected.sendall(then)

        server = Peer(answer)
        server.goes_on = goes_on
        server.__enter__()
        started.append(server)
        return server

    yield start
    for server in started:
        server.goes_on.set()
        server.__exit__(None, None, None)


def stream(server, **changes):
    given = {"method": "GET", "url": f"http://127.0.0.1:{server.port}/", "deadline": 5}
    return egress.stream(**(given | {"allow": frozenset({f"127.0.0.1:{server.port}"})} | changes))


def test_pieces_are_there_before_the_answer_has_ended(peer):
    server = peer(chunk(b"first"), chunk(b"second") + b"0\r\n\r\n", waits=True)
    with stream(server) as answer:
        assert (answer.status, answer.headers["x-many"]) == (200, "1")
        assert next(answer.pieces) == b"first"
        server.goes_on.set()
        assert b"".join(answer.pieces) == b"second"


def test_the_deadline_holds_for_the_whole_body(peer):
    server = peer(chunk(b"first"), waits=True)
    started = time.monotonic()
    with stream(server, deadline=0.5) as answer:
        assert next(answer.pieces) == b"first"
        with pytest.raises(egress.EgressUnanswered, match="deadline"):
            next(answer.pieces)
    assert time.monotonic() - started < 5


def test_the_cap_holds_for_the_whole_body(peer):
    server = peer(chunk(b"x" * 60) + chunk(b"x" * 41) + b"0\r\n\r\n")
    with stream(server, max_bytes=100) as answer, pytest.raises(egress.EgressUnanswered, match="too large"):
        list(answer.pieces)


def test_an_answer_that_breaks_off_is_told(peer):
    with stream(peer(chunk(b"first"))) as answer:
        assert next(answer.pieces) == b"first"
        with pytest.raises(egress.EgressUnanswered, match="broke off"):
            next(answer.pieces)


def test_a_block_that_is_left_early_leaves_no_connection(peer):
    server = peer(chunk(b"first"), chunk(b"x" * 1_000_000) * 50, waits=True)
    with pytest.raises(KeyError), stream(server) as answer:
        raise KeyError(next(answer.pieces))
    server.goes_on.set()
    with pytest.raises(egress.EgressUnanswered):
        list(answer.pieces)


def test_what_may_not_be_called_is_not_streamed_either(peer):
    server = peer(chunk(b"never"))
    with pytest.raises(egress.EgressRefused), stream(server, allow=frozenset()):
        pytest.fail("it was called")


def test_an_answer_tells_no_body_by_accident(peer):
    with stream(peer(chunk(b"hunter2") + b"0\r\n\r\n")) as answer:
        assert "hunter2" not in repr(answer)
        assert b"".join(answer.pieces) == b"hunter2"
