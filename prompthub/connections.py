"""A connection to a client: uvicorn's, which would wait for ever for the end of a request's head."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 30.0


class Connection(HttpToolsProtocol):
    """HTTP/1.1 that is ended when the head of a request is not complete within ``head_seconds``.

    The time runs from the connection's start, and of further requests from their first byte. (For the body see
    :class:`prompthub.asgi.Root`; between two requests uvicorn waits for five seconds.)
    """

    head_seconds = HEAD_SECONDS
    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        """The first byte of a request was read."""
        super().on_message_begin()
        if self._head is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head of a request was read."""
        self._forget_head()
        super().on_headers_complete()

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
