"""HTTP peers that misbehave, on loopback. ``PEERS`` names what each does; ``Peer`` runs one."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Self

Behaviour = Callable[[socket.socket, threading.Event], None]

OK = b"HTTP/1.1 200 OK\r\n"
PEERS: dict[str, Behaviour] = {}


def peer(behaviour: Behaviour) -> Behaviour:
    PEERS[behaviour.__name__] = behaviour
    return behaviour


class Peer:
    """One misbehaving server. ``connections`` counts who came."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._stop = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.02)
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.port: int = self._listening.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.authority}/"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                connected, _ = self._listening.accept()
                self.connections += 1
                self._start(self._serve, connected)

    def _serve(self, connected: socket.socket) -> None:
        with connected, contextlib.suppress(OSError):
            connected.settimeout(30)  # far beyond any deadline: it is the caller who must give up
            self._behaviour(connected, self._stop)


def _head(connected: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connected.recv(4096)
        if not more:
            raise ConnectionError
        received += more


def _flood(connected: socket.socket, stop: threading.Event, chunks: Iterator[bytes]) -> None:
    for chunk in chunks:
        if stop.is_set():
            return
        connected.sendall(chunk)


def _drip(connected: socket.socket, stop: threading.Event, piece: bytes) -> None:
    while not stop.wait(0.01):
        connected.sendall(piece)


def _for_ever(chunk: bytes) -> Iterator[bytes]:
    while True:
        yield chunk


@peer
def slow_drip(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: 1000000\r\n\r\n")
    _drip(connected, stop, b"x")


@peer
def slow_head(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"X-Slow: ")
    _drip(connected, stop, b"x")


@peer
def endless_headers(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK)
    _flood(connected, stop, (b"X-%d: %s\r\n" % (number, b"x" * 500) for number in iter(int, 1)))


@peer
def huge_header(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"X-Huge: ")
    _flood(connected, stop, _for_ever(b"x" * 65_536))


@peer
def endless_body(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"\r\n")
    _flood(connected, stop, _for_ever(b"x" * 65_536))


@peer
def huge_length(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: 1099511627776\r\n\r\n")
    _flood(connected, stop, _for_ever(b"x" * 65_536))


@peer
def chunked_for_ever(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    _flood(connected, stop, _for_ever(b"1\r\nx\r\n" * 1000))


@peer
def endless_chunk_extension(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n1;")
    _flood(connected, stop, _for_ever(b"x" * 65_536))


@peer
def endless_trailers(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    _flood(connected, stop, _for_ever(b"X-Trailer: x\r\n" * 1000))


@peer
def absurd_chunk_size(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 40 + b"\r\n")
    _drip(connected, stop, b"x")


BOMB = gzip.compress(b"\0" * 32_000_000)


@peer
def gzip_bomb(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)


@peer
def redirect_to_metadata(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n"
    )


@peer
def never_answers(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    stop.wait()


@peer
def never_reads(connected: socket.socket, stop: threading.Event) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stop.wait()


@peer
def resets_mid_body(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: 1000\r\n\r\n0123456789")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@peer
def resets_at_once(connected: socket.socket, stop: threading.Event) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@peer
def garbage_status_line(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(b"\x16\x03\x01 NONSENSE 200\r\n\r\n" + os.urandom(1000))


@peer
def negative_length(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: -1\r\n\r\nx")


@peer
def two_lengths(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx")


@peer
def length_longer_than_body(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: 1000\r\n\r\n0123456789")


@peer
def length_shorter_than_body(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(OK + b"Content-Length: 4\r\n\r\n0123456789")


@peer
def http_0_9(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(b"<html>no status line at all</html>")


@peer
def half_closed(connected: socket.socket, stop: threading.Event) -> None:
    connected.shutdown(socket.SHUT_WR)
    while connected.recv(65_536) and not stop.is_set():
        pass


@peer
def continue_for_ever(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    _flood(connected, stop, _for_ever(b"HTTP/1.1 100 Continue\r\n\r\n"))


@peer
def slow_continue(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    _drip(connected, stop, b"HTTP/1.1 100 Continue\r\n\r\n")


@peer
def switches_protocols(connected: socket.socket, stop: threading.Event) -> None:
    _head(connected)
    connected.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    _drip(connected, stop, b"\x81\x01x")


@peer
def tls_garbage(connected: socket.socket, stop: threading.Event) -> None:
    connected.recv(4096)
    connected.sendall(b"\x16\x03\x03" + os.urandom(4096))
    stop.wait()


@peer
def tls_stalls(connected: socket.socket, stop: threading.Event) -> None:
    connected.recv(4096)
    stop.wait()


@peer
def tls_drips(connected: socket.socket, stop: threading.Event) -> None:
    connected.recv(4096)
    connected.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")  # a server hello of 16 KiB …
    _drip(connected, stop, b"\x03")  # … that takes its time
