"""A TCP proxy that misbehaves: it delays, cuts, swallows, slices, and loses the answer to one request.

with Proxy(port=database.port) as proxy:
    connect(port=proxy.port)
    proxy.delay = 0.2            # seconds before each piece, both ways
    proxy.slice = 1              # bytes in a piece
    proxy.blackhole = True       # take everything, pass nothing on
    proxy.lose_answer(b"COMMIT") # pass on what holds these bytes, then cut instead of answering
    proxy.reset()                # cut every connection now
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Self

PIECE = 65_536
LOOPBACK = "127.0.0.1"


class Proxy:
    """Passes connections on to ``port`` of the loopback; every fault holds until it is taken back."""

    def __init__(self, *, port: int) -> None:
        self.target = port
        self.delay = 0.0
        self.slice = PIECE
        self.blackhole = False
        self.lost = 0
        self._lose = b""
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.reset()

    def lose_answer(self, marker: bytes) -> None:
        """The next message to the server that contains ``marker`` arrives there; its answer never comes back."""
        with self._lock:
            self._lose = marker

    def reset(self) -> None:
        """Cut every connection, the hard way (RST)."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                _cut(end)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOOPBACK, self.target), timeout=5)
            except OSError:
                if self._listener.fileno() < 0:
                    return
                _cut(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._pairs.append((client, server))
            cut = threading.Event()
            for source, sink, upwards in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, sink, upwards, cut), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, upwards: bool, cut: threading.Event) -> None:
        try:
            while piece := source.recv(PIECE):
                if not upwards and cut.is_set():
                    break
                if upwards and self._loses(piece):
                    cut.set()
                if self.blackhole:
                    continue
                for start in range(0, len(piece), self.slice):
                    if self.delay:
                        time.sleep(self.delay)
                    sink.sendall(piece[start : start + self.slice])
        except OSError:
            pass
        finally:
            _cut(source)
            _cut(sink)

    def _loses(self, piece: bytes) -> bool:
        with self._lock:
            if not self._lose or self._lose not in piece:
                return False
            self._lose = b""
            self.lost += 1
            return True


def _cut(end: socket.socket) -> None:
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
