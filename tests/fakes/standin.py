"""What every stand-in of a provider has: a real socket on loopback, a memory of what came in, and faults on demand."""

from __future__ import annotations

import json
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

HTML = "<!DOCTYPE html>\n<html><head><title>Error</title></head><body><pre>Internal Server Error</pre></body></html>\n"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None  # sent one by one, instead of the body; Cut among them ends the connection

    @classmethod
    def of(cls, status: int, document: Any, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(document, ensure_ascii=False).encode()
        return cls(status, content, {"Content-Type": "application/json", **named})

    @classmethod
    def html(cls, status: int, page: str = HTML) -> Reply:
        return cls(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


class Cut(Exception):
    """Raised by the pieces of a reply: the connection breaks off there."""


@dataclass
class Fault:
    """For the next ``times`` requests that match: an answer, silence (``hang``) or a cut connection (``reset``)."""

    reply: Reply | None = None
    times: int = 1
    method: str = ""
    path: str = ""
    hang: bool = False
    reset: str = ""  # "before" or "after" the effect

    def matches(self, request: Request) -> bool:
        return self.times > 0 and self.method in {"", request.method} and self.path in request.path


class StandIn(ABC):
    """Use as a context manager. Subclasses answer in ``reply``; ``lock`` guards their state."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.crashes: list[BaseException] = []
        self.lock = threading.RLock()
        self._afterwards: list[tuple[str, str, Callable[[], None]]] = []
        self._stopped = threading.Event()

    @abstractmethod
    def reply(self, request: Request) -> Reply:
        """What the system says to a request when no fault is set."""

    # ── switches ──

    def answer(self, status: int, *, times: int = 1, method: str = "", path: str = "", **headers: str) -> None:
        """Answer ``status`` with a JSON error and do nothing else, e.g. ``answer(429, Retry_After="2")``."""
        self.fault(Reply.of(status, {"message": "scripted"}, **headers), times=times, method=method, path=path)

    def fault(self, reply: Reply, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Answer exactly ``reply`` and do nothing else."""
        self.faults.append(Fault(reply, times, method, path))

    def lose(self, status: int, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Do what was asked; a gateway in between answers with a page of its own."""
        self.faults.append(Fault(Reply.html(status), times, method, path, reset="after"))

    def hang(self, *, times: int = 1, method: str = "", path: str = "") -> None:
        self.faults.append(Fault(None, times, method, path, hang=True))

    def reset(self, when: str, *, times: int = 1, method: str = "", path: str = "") -> None:
        self.faults.append(Fault(None, times, method, path, reset=when))

    def afterwards(self, method: str, path: str, action: Callable[[], None]) -> None:
        """Once, after the next matching request had its effect and before it is answered: somebody else acts."""
        self._afterwards.append((method, path, action))

    def seen(self, method: str = "", path: str = "") -> list[Request]:
        """The requests that came in, in order."""
        return [one for one in self.requests if method in {"", one.method} and path in one.path]

    # ── the socket ──

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.standin = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        if self.crashes and exception[0] is None:
            raise self.crashes[0]

    def handle(self, request: Request) -> Reply | None:
        """The reply, or None for a connection that is cut."""
        with self.lock:
            self.requests.append(request)
            fault = next((one for one in self.faults if one.matches(request)), None)
            if fault:
                fault.times -= 1
        if fault and fault.hang:
            self._stopped.wait(30)
            return None
        if fault and fault.reset == "before":
            return None
        if fault and fault.reply and not fault.reset:
            return fault.reply
        made = self.reply(request)
        for entry in list(self._afterwards):
            method, path, action = entry
            if method == request.method and path in request.path:
                self._afterwards.remove(entry)
                action()
        return fault.reply if fault else made


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    standin: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query={name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        try:
            reply = self.server.standin.handle(request)
        except Exception as crash:  # noqa: BLE001 - told at the end of the test
            self.server.standin.crashes.append(crash)
            reply = Reply.of(500, {"message": "the stand-in crashed"})
        if reply is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        if "Date" not in reply.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.pieces is not None:
            self._send_pieces(reply.pieces)
            return
        if reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status not in {204, 304}:
            self.wfile.write(reply.body)

    def _send_pieces(self, pieces: Iterable[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in pieces:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        except Cut:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *arguments: object) -> None:
        """Tests read ``StandIn.requests`` instead."""
