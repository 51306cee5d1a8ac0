"""A connection to a client: uvicorn's, which would wait for ever for the end of a request's head."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 30.0
WHOLE = "prompthub.whole"
"""An extension of ASGI: ``scope["extensions"][WHOLE](head, body)`` sends a whole answer; False when it does not."""


class Connection(HttpToolsProtocol):
    """HTTP/1.1 that is ended when the head of a request is not complete within ``head_seconds``.

    The time runs from the connection's start, and of further requests from their first byte. (For the body see
    :class:`prompthub.asgi.Root`; between two requests uvicorn waits for five seconds.)
    """

    head_seconds = HEAD_SECONDS
    _head: asyncio.TimerHandle | None = None
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """A piece has come. Most heads come in one, and need no clock."""
        super().data_received(data)
        if self._in_head and self._head is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """The first byte of a request was read."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """The head of a request was read."""
        self._in_head = False
        if self._head is not None:
            self._forget_head()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.scope["extensions"] = {WHOLE: partial(_answer, cycle)}
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._forget_head()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self.head_seconds, self._too_slow)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_slow(self) -> None:
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:  # the request before this one is still being answered
            self._await_head()
        else:
            self.transport.close()


def _answer(cycle: Any, head: bytes, body: bytes) -> bool:
    """Send an answer that was written before in one piece, unless the connection is to be closed or is not read from.

    ``head`` is the status line and the headers, each with its end of line, but for the date. The usual way looks
    through every header and writes head and body by themselves, which costs more than finding the answer.
    """
    if cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused:
        return False
    dated = b"".join(b"%b: %b\r\n" % pair for pair in cycle.default_headers)
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join((head, dated, b"\r\n", body)))
    cycle.message_event.set()
    cycle.on_response()
    return True
