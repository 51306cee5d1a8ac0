"""One WSGI application behind ASGI: what it is told, what it answers, and what is left behind."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from prompthub.threads import Threads, environ

CALLER = ContextVar("CALLER", default="")
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/prompts/ä",
    "query_string": b"limit=1",
    "http_version": "1.1",
    "scheme": "https",
    "server": ("hub.example", 443),
    "client": ("203.0.113.7", 4711),
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"x-twice", b"a"),
        (b"x-twice", b"b"),
    ],
}


class Pieces(list):
    """An answer in pieces that wants to be closed."""

    closed = False

    def close(self):
        self.closed = True


def ask(app, *, body=b"{}", scope=SCOPE):
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(Threads(app, count=1)(scope, receive, send))
    return sent


def test_the_request_is_told_as_wsgi_tells_it():
    told = environ(SCOPE, b"{}")
    assert told["PATH_INFO"].encode("latin-1").decode() == "/prompts/ä"
    assert (told["REQUEST_METHOD"], told["QUERY_STRING"], told["SERVER_PROTOCOL"]) == ("POST", "limit=1", "HTTP/1.1")
    assert (told["SERVER_NAME"], told["SERVER_PORT"], told["REMOTE_ADDR"]) == ("hub.example", "443", "203.0.113.7")
    assert (told["CONTENT_TYPE"], told["CONTENT_LENGTH"], told["HTTP_X_TWICE"]) == ("application/json", "2", "a,b")
    assert (told["wsgi.url_scheme"], told["wsgi.input"].read()) == ("https", b"{}")


def test_below_a_mount_point_the_path_begins_there():
    told = environ({**SCOPE, "root_path": "/hub", "path": "/hub/readyz"}, b"")
    assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("/hub", "/readyz")


def test_a_socket_without_addresses_is_told_too():
    told = environ({**SCOPE, "server": None, "client": None}, b"")
    assert (told["SERVER_NAME"], told["REMOTE_ADDR"]) == ("localhost", "")


def test_the_answer_is_sent_whole_and_closed():
    pieces = Pieces([b"on", b"e"])

    def app(told, start):
        start("201 Created", [("Content-Type", "text/plain"), ("X-Name", "ü")])
        return pieces

    start, body = ask(app)
    assert start["status"] == 201
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"x-name", b"\xfc")]
    assert (body["body"], body.get("more_body", False)) == (b"one", False)
    assert pieces.closed


def test_a_later_status_replaces_the_first():
    def app(told, start):
        start("200 OK", [])
        start("500 Internal Server Error", [], (None, None, None))
        return []

    assert ask(app)[0]["status"] == 500


def test_what_the_application_raises_is_raised_and_the_answer_closed():
    class Broken(Pieces):
        def __iter__(self):
            raise ZeroDivisionError

    pieces = Broken()

    def app(told, start):
        start("200 OK", [])
        return pieces

    with pytest.raises(ZeroDivisionError):
        ask(app)
    assert pieces.closed


def test_what_was_given_up_before_a_thread_was_free_is_not_done():
    done, busy = [], threading.Event()

    async def both():
        threads = Threads(None, count=1)
        first = asyncio.ensure_future(threads.run(busy.wait, 30))
        second = asyncio.ensure_future(threads.run(done.append, "second"))
        await asyncio.sleep(0)  # both are begun
        second.cancel()
        await asyncio.sleep(0)
        busy.set()
        await first
        await threads.run(done.append, "third")

    asyncio.run(both())
    assert done == ["third"]


def test_an_answer_that_nobody_waits_for_any_more_is_thrown_away():
    async def give_up():
        threads, busy = Threads(None, count=1), threading.Event()
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow():
            loop.call_soon_threadsafe(begun.set)
            busy.wait(30)

        first = asyncio.ensure_future(threads.run(slow))
        await begun.wait()
        first.cancel()
        await asyncio.sleep(0)
        busy.set()
        return await threads.run(lambda: "next")

    assert asyncio.run(give_up()) == "next"


def test_the_thread_sees_the_callers_context_and_keeps_its_own_to_itself():
    seen = []

    def app(told, start):
        seen.append(CALLER.get())
        CALLER.set("changed in the thread")
        start("204 No Content", [])
        return []

    CALLER.set("the caller")
    ask(app)
    assert (seen, CALLER.get()) == (["the caller"], "the caller")
