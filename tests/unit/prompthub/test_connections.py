"""A client that does not come to the end of a request's head is not waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
import uvicorn
from uvicorn.server import ServerState

from prompthub import connections
from prompthub.connections import Connection

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SECONDS = 10


class Hasty(Connection):
    head_seconds = 0.05


def converse(*, app, kind=Hasty, say):
    """What ``say(reader, writer)`` makes of a connection to a server of ``app``."""

    async def run():
        config = uvicorn.Config(app, http=kind, ws="none", lifespan="off", log_config=None, timeout_keep_alive=60)
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            return await asyncio.wait_for(say(reader, writer), SECONDS)
        finally:
            writer.close()
            server.close()

    return asyncio.run(run())


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("begun", [b"", b"GET", HEAD[:-2]])
def test_a_head_without_end_ends_the_connection(begun):
    async def say(reader, writer):
        writer.write(begun)
        return await reader.read()

    assert converse(app=answer, say=say) == b""


def test_a_second_head_without_end_ends_it_too():
    async def say(reader, writer):
        writer.write(HEAD)
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD[:-2])
        return first, await reader.read()

    first, rest = converse(app=answer, say=say)
    assert (first.split()[1], rest) == (b"204", b"")


def test_an_answer_that_takes_longer_than_a_head_may_is_given_whole():
    late = asyncio.Event()

    class Watched(Hasty):
        def _too_slow(self):
            super()._too_slow()
            late.set()

    async def slow(scope, receive, send):
        await late.wait()
        await answer(scope, receive, send)

    async def say(reader, writer):
        writer.write(HEAD + HEAD[:-2])  # the next request has begun already
        return await reader.read()

    assert converse(app=slow, kind=Watched, say=say).split()[1] == b"204"


def test_heads_that_come_in_time_are_answered_and_leave_no_clock_behind():
    kept = []

    class Watched(Hasty):
        def connection_made(self, transport):
            kept.append(self)
            super().connection_made(transport)

    async def say(reader, writer):
        writer.write(HEAD)
        await reader.readuntil(b"\r\n\r\n")
        assert kept[0]._head is None
        writer.write(HEAD)
        return await reader.readuntil(b"\r\n\r\n")

    assert converse(app=answer, kind=Watched, say=say).split()[1] == b"204"


class Cycle(SimpleNamespace):
    """A request that waits for its answer."""

    def __init__(self, **different):
        self.sent, self.responses = [], 0
        super().__init__(
            response_started=False,
            response_complete=False,
            disconnected=False,
            keep_alive=True,
            waiting_for_100_continue=False,
            flow=SimpleNamespace(write_paused=False),
            default_headers=[(b"date", b"Mon, 05 Jan 2026 09:30:00 GMT")],
            transport=SimpleNamespace(write=self.sent.append),
            message_event=SimpleNamespace(set=lambda: None),
        )
        self.__dict__.update(different)

    def on_response(self):
        self.responses += 1


def test_a_whole_answer_goes_out_at_once_with_its_date():
    cycle = Cycle()
    assert connections._answer(cycle, b"HTTP/1.1 200 OK\r\netag: x\r\n", b"body")
    assert cycle.sent == [b"HTTP/1.1 200 OK\r\netag: x\r\ndate: Mon, 05 Jan 2026 09:30:00 GMT\r\n\r\nbody"]
    assert (cycle.response_started, cycle.response_complete, cycle.responses) == (True, True, 1)


@pytest.mark.parametrize(
    "different",
    [
        {"keep_alive": False},
        {"disconnected": True},
        {"response_started": True},
        {"flow": SimpleNamespace(write_paused=True)},
    ],
)
def test_an_answer_that_needs_more_care_goes_the_usual_way(different):
    cycle = Cycle(**different)
    assert not connections._answer(cycle, b"HTTP/1.1 200 OK\r\n", b"body")
    assert (cycle.sent, cycle.responses) == ([], 0)


def test_whole_answers_to_requests_that_were_sent_at_once_come_in_order():
    numbers = iter(range(10))

    async def whole(scope, receive, send):
        del receive, send
        body = str(next(numbers)).encode()
        assert scope["extensions"][connections.WHOLE](b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n", body)

    async def say(reader, writer):
        writer.write(HEAD * 3)
        bodies = []
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
            bodies.append(await reader.readexactly(1))
        return bodies

    assert converse(app=whole, kind=Connection, say=say) == [b"0", b"1", b"2"]
