"""The composite root: an ASGI shell in front of Django, which answers as WSGI from a pool of threads.

Django under ASGI costs about five times as much per request as Django under WSGI, so pages and the API take
this way. What must not hold a thread (event streams) gets its place in the shell; hot reads (:mod:`gateway.hot`) stand
before everything.

A thread is lent only to a request that is complete: a client that sends its body slowly waits in the event
loop, so sixteen of them cannot silence the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from foundation import correlation
from prompthub.threads import Threads
from prompthub.wsgi import application as django
from prompthub_kernel.errors import PromptHubError, Refused, Unavailable

if TYPE_CHECKING:
    from gateway.hot import HotReads

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]

# Twelve of them at most wait for others: eight for deliveries (``gateway.v1.publishing.WAITERS``), four for answers of
# providers (``publishing.asking.ASKERS``).
THREADS = 16
# Reads have a few of their own: who waits for a provider takes none of them, and among more, waiting for the
# interpreter's lock costs a first read a tenth.
READERS = 3
# A body that is too large is still read to here, and thrown away: a client in the middle of sending would
# otherwise see a broken connection instead of the 413.
DISCARDED_BYTES = 32 * 1024 * 1024
BODY_SECONDS = 30.0
STOPPING = (
    "The server stops and could not finish this. What was asked for may have been done: look, or send it again with "
    "the same Idempotency-Key."
)


class Root:
    """An ASGI application that gathers the body of a request, then hands both to ``app``.

    :param body_bytes: what ``app`` accepts; of a larger body it sees just enough to refuse it.
    :param body_seconds: time for the whole body; later is answered with 408.
    """

    def __init__(self, app: App, *, body_bytes: int, body_seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in any case. Raises RuntimeError for anything but HTTP (lifespan, WebSocket)."""
        if scope["type"] != "http":
            raise RuntimeError(f"PromptHub speaks HTTP, not {scope['type']}")
        begun = False

        async def send_once(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._answer(scope, receive, send_once)
        except asyncio.CancelledError:  # the server has waited for as long as it may
            if begun:
                raise
            await _tell(Unavailable("503.server_stopping", STOPPING), scope["headers"], send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # WSGI cannot tell X_Forwarded_Proto from X-Forwarded-Proto: only the spelling with hyphens is let in.
        headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        lengths = [value for name, value in headers if name == b"content-length"]
        body = b""
        if lengths not in ([], [b"0"]) or any(name == b"transfer-encoding" for name, _ in headers):
            if not lengths or int(lengths[0]) <= DISCARDED_BYTES:
                try:
                    async with asyncio.timeout(self._body_seconds):
                        body = await self._gather(receive)
                except TimeoutError:
                    detail = f"The body did not arrive within {self._body_seconds:g} s."
                    await _tell(Refused("408.request_timeout", detail), headers, send)
                    return
                except ConnectionResetError:
                    return
            if not lengths:
                headers = [(name, value) for name, value in headers if name != b"transfer-encoding"]
                headers.append((b"content-length", str(len(body)).encode()))

        async def receive_once() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app({**scope, "headers": headers}, receive_once, send)

    async def _gather(self, receive: Receive) -> bytes:
        body, seen, more = bytearray(), 0, True
        while more and seen <= DISCARDED_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError
            chunk = message.get("body", b"")
            seen += len(chunk)
            body += chunk[: self._body_bytes + 1 - len(body)]
            more = message.get("more_body", False)
        return bytes(body)


async def _tell(error: PromptHubError, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    """Answer with an error that Django does not see, and end the connection."""
    from gateway.problems import problem  # reads the settings, which prompthub.wsgi names

    asked = dict(headers).get(correlation.HEADER.lower().encode(), b"").decode("latin-1")
    with correlation.use(correlation.accept(asked)) as key:
        answer = problem(error, {correlation.HEADER: key, "Connection": "close"})
    told = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": told})
    await send({"type": "http.response.body", "body": answer.content})


def _hot() -> HotReads:
    from gateway.hot import HotReads  # knows models, which prompthub.wsgi loads

    return HotReads(Threads(django, count=READERS).run)


# Hot reads from memory; then the root, and behind it hot reads from the database, then Django.
threads = Threads(django, count=THREADS)
hot = _hot()
root = Root(hot.database(threads), body_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
application = hot.memory(root)
