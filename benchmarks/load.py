"""Requests over kept connections, counted and timed, and what the servers' processes used meanwhile."""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring import cpu_seconds

HOST = "127.0.0.1"
ANSWER_SECONDS = 30.0
IDLE_SECONDS = 2.0  # servers hang up after five


class Connection:
    """One connection of HTTP/1.1, kept open; cheap enough that the servers, not this, are measured."""

    def __init__(self, port: int, *, headers: dict[str, str] | None = None) -> None:
        self._port = port
        self._lines = "".join(f"{name}: {text}\r\n" for name, text in (headers or {}).items())
        self._socket = self._open()
        self._used = time.monotonic()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and body of the answer to a request with a JSON body."""
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n{self._lines}"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        if time.monotonic() - self._used > IDLE_SECONDS:
            self.close()
            self._socket = self._open()
        try:
            self._socket.sendall(head.encode() + content)
            answer = self._answer()
        except ConnectionError:  # a server may end a kept connection at any time; like every client, once more
            self.close()
            self._socket = self._open()
            self._socket.sendall(head.encode() + content)
            answer = self._answer()
        self._used = time.monotonic()
        return answer

    def must(self, method: str, path: str, body: Any = None) -> Any:
        """As :meth:`call`, the body read as JSON. Raises RuntimeError unless the status is 2xx."""
        status, content = self.call(method, path, body)
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path}: {status} {content[:500]!r}")
        return json.loads(content) if content else None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _open(self) -> socket.socket:
        opened = socket.create_connection((HOST, self._port), timeout=ANSWER_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def _answer(self) -> tuple[int, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, content = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [line.partition(b":")[2] for line in lines if line.startswith(b"content-length:")]
        length = int(lengths[0]) if lengths else 0
        while len(content) < length:
            content += self._more()
        if b"connection: close" in lines:
            self.close()
            self._socket = self._open()
        return int(head.split(b" ", 2)[1]), content

    def _more(self) -> bytes:
        chunk = self._socket.recv(65_536)
        if not chunk:
            raise ConnectionError("the server hung up")
        return chunk


@dataclass(frozen=True, slots=True)
class Round:
    """One round of load: wall seconds of each request, of the whole, and CPU seconds of servers and database."""

    times: tuple[float, ...]
    seconds: float
    server_cpu: float
    database_cpu: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.times) / self.seconds

    def cpu(self, seconds: float) -> float:
        """Microseconds per request of so many CPU seconds."""
        return seconds / len(self.times) * 1e6


def drive(acts: Iterable[Callable[[], Any]], *, seconds: float, servers: Iterable[int], database: int) -> Round:
    """Let each of ``acts`` repeat for so many seconds, all at once, each in a thread of its own.

    ``servers`` and ``database`` are process ids; their children count too. Raises what an act raised.
    """
    roots = list(servers)
    times: list[float] = []
    failures: list[Exception] = []
    before = cpu_seconds(roots), cpu_seconds([database])
    began = time.perf_counter()

    def repeat(act: Callable[[], Any]) -> None:
        own = []
        try:
            while (start := time.perf_counter()) - began < seconds:
                act()
                own.append(time.perf_counter() - start)
        except Exception as failure:  # noqa: BLE001 - told by the thread that waits
            failures.append(failure)
        times.extend(own)

    threads = [threading.Thread(target=repeat, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    if failures:
        raise failures[0]
    return Round(tuple(times), wall, cpu_seconds(roots) - before[0], cpu_seconds([database]) - before[1])


def percentile(times: Iterable[float], share: float) -> float:
    """The smallest time that so large a share of the requests did not exceed (nearest rank)."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
