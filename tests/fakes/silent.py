"""A provider that accepts every connection and never says a word."""

from __future__ import annotations

import socket
from typing import Self


class Silent:
    """A listening socket on loopback from which nothing is ever read. ``called()`` counts who connected since."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listening.setblocking(False)
        self._calls: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def called(self) -> int:
        """How many connections were made so far."""
        try:
            while True:
                self._calls.append(self._listening.accept()[0])
        except BlockingIOError:
            return len(self._calls)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._calls, self._listening):
            one.close()
