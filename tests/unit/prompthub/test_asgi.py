"""The composite root lends a thread only to a request that is complete."""

from __future__ import annotations

import asyncio
import json

import pytest

from prompthub import asgi

LIMIT = 100


class App:
    """Remembers what reached it; answers 204."""

    def __init__(self):
        self.scope = self.body = None

    async def __call__(self, scope, receive, send):
        self.scope = scope
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 204, "headers": []})

    def header(self, name):
        return [value for key, value in self.scope["headers"] if key == name]


def ask(*chunks, headers=(), ends=True, seconds=5.0):
    """Send one request in chunks: what reached the app, what was answered, how often the client was asked."""
    app, sent, asked = App(), [], []
    root = asgi.Root(app, body_bytes=LIMIT, body_seconds=seconds)
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        asked.append(1)
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    asyncio.run(root(scope, receive, send))
    return app, sent, len(asked)


def test_a_body_in_chunks_arrives_whole_with_its_length():
    app, _, _ = ask(b"ab", b"cd", headers=[(b"transfer-encoding", b"chunked")])
    assert app.body == b"abcd"
    assert app.header(b"content-length") == [b"4"]
    assert app.header(b"transfer-encoding") == []


def test_a_body_of_known_length_arrives_whole():
    app, _, _ = ask(b"abcd", headers=[(b"content-length", b"4")])
    assert (app.body, app.header(b"content-length")) == (b"abcd", [b"4"])


def test_a_request_without_a_body_waits_for_nothing():
    app, _, asked = ask(ends=False)
    assert (app.body, asked) == (b"", 0)


def test_of_a_body_that_is_too_large_the_app_sees_enough_to_refuse_it():
    app, _, asked = ask(*[b"x" * 60] * 50, headers=[(b"transfer-encoding", b"chunked")])
    assert len(app.body) == LIMIT + 1
    assert app.header(b"content-length") == [b"101"]
    assert asked == 51


def test_a_body_that_announces_to_be_far_too_large_is_not_read():
    length = str(asgi.DISCARDED_BYTES + 1).encode()
    app, _, asked = ask(b"x", headers=[(b"content-length", length)])
    assert (app.body, asked) == (b"", 0)
    assert app.header(b"content-length") == [length]


def test_a_body_without_end_is_cut():
    app, _, asked = ask(*[b"x" * 1024 * 1024] * 40, headers=[(b"transfer-encoding", b"chunked")], ends=False)
    assert len(app.body) == LIMIT + 1
    assert asked == 33


def test_a_client_that_sends_too_slowly_gets_408_and_no_thread():
    app, sent, _ = ask(b"a", headers=[(b"content-length", b"2")], ends=False, seconds=0.01)
    assert app.scope is None
    assert sent[0]["status"] == 408
    told = json.loads(sent[1]["body"])
    assert (told["type"], told["code"], told["retryable"]) == (
        "/docs/errors/408.request_timeout",
        "408.request_timeout",
        True,
    )
    headers = dict(sent[0]["headers"])
    assert headers[b"x-correlation-id"].decode() == told["correlation_id"] != ""
    assert (headers[b"content-type"], headers[b"connection"]) == (b"application/problem+json", b"close")


def test_a_client_that_leaves_gets_no_thread():
    app, sent = App(), []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"content-length", b"2")]}
    asyncio.run(asgi.Root(app, body_bytes=LIMIT)(scope, receive, send))
    assert (app.scope, sent) == (None, [])


def test_a_header_spelled_with_underscores_cannot_pose_as_one_with_hyphens():
    app, _, _ = ask(headers=[(b"x_forwarded_proto", b"https"), (b"x-correlation-id", b"abcdefgh")])
    assert [name for name, _ in app.scope["headers"]] == [b"x-correlation-id"]


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_nothing_but_http_is_spoken(kind):
    with pytest.raises(RuntimeError, match=kind):
        asyncio.run(asgi.Root(App(), body_bytes=LIMIT)({"type": kind}, None, None))


def test_the_root_in_use_takes_what_django_takes(settings):
    assert asgi.root._body_bytes == settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def cancelled(app, *, sent):
    """Send one request whose answer the server gives up waiting for, once ``app`` is at work."""

    async def send(message):
        sent.append(message)

    async def ask():
        at_work = asyncio.Event()
        scope = {"type": "http", "headers": [(b"x-correlation-id", b"abcdefgh")], "at_work": at_work}
        request = asyncio.ensure_future(asgi.Root(app, body_bytes=LIMIT)(scope, None, send))
        await at_work.wait()
        request.cancel()
        await request

    asyncio.run(ask())


def test_a_request_that_the_stopping_server_gives_up_is_told_so():
    async def hang(scope, receive, send):
        scope["at_work"].set()
        await asyncio.Event().wait()

    sent = []
    cancelled(hang, sent=sent)
    told = json.loads(sent[1]["body"])
    assert (sent[0]["status"], told["code"], told["retryable"]) == (503, "503.server_stopping", True)
    headers = dict(sent[0]["headers"])
    assert (headers[b"x-correlation-id"], headers[b"connection"]) == (b"abcdefgh", b"close")
    assert int(headers[b"retry-after"]) >= 1


def test_an_answer_that_was_begun_is_not_begun_again():
    async def hang(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        scope["at_work"].set()
        await asyncio.Event().wait()

    sent = []
    with pytest.raises(asyncio.CancelledError):
        cancelled(hang, sent=sent)
    assert [message.get("status") for message in sent] == [204]
