"""What one outgoing call may use up, and the sockets that keep to it.

httpcore2 is handed a network that knows only checked addresses and streams that know only the call's own
deadline: its per-operation time-outs would let a peer that drips one byte at a time hold on for ever.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import httpcore2

HEAD_BYTES = 65_536  # status line, headers and interim answers together
RESOLUTIONS_AT_ONCE = 32

_resolutions = threading.BoundedSemaphore(RESOLUTIONS_AT_ONCE)


class BudgetSpent(Exception):
    """The call has used up its time or its bytes."""


class TooLarge(BudgetSpent):
    """An answer came, and more of it than is read."""

    def __init__(self) -> None:
        super().__init__("The answer is too large.")


class Budget:
    """Time and bytes of one call. ``sent`` turns True with the first byte of the request."""

    def __init__(self, deadline: float) -> None:
        self._until = time.monotonic() + deadline
        self._receivable = HEAD_BYTES
        self.sent = False

    def remaining(self) -> float:
        """Seconds left; never 0, which sockets would take for "do not block"."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise BudgetSpent("The deadline has passed.")
        return left

    def allow_body(self, max_bytes: int) -> None:
        """The head is complete. A chunk of one byte takes six on the wire, so eight times the body is generous."""
        self._receivable = HEAD_BYTES + 8 * max_bytes

    def receivable(self, wanted: int) -> int:
        """How much of ``wanted`` bytes may still be read."""
        if self._receivable <= 0:
            raise TooLarge
        return min(wanted, self._receivable)

    def received(self, amount: int) -> None:
        """Count bytes that were read."""
        self._receivable -= amount


def within(budget: Budget, resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Resolve in a thread: ``getaddrinfo`` takes no time-out and can block far beyond the deadline."""
    permits = _resolutions
    if not permits.acquire(timeout=budget.remaining()):
        raise TimeoutError
    outcome: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(resolve())
        except Exception as failure:  # noqa: BLE001 - raised again in the caller's thread
            outcome.put(failure)
        finally:
            permits.release()

    try:
        threading.Thread(target=run, name="egress-resolve", daemon=True).start()
    except RuntimeError as failure:  # no more threads: the permit would be lost with it
        permits.release()
        raise OSError from failure
    try:
        result = outcome.get(timeout=budget.remaining())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


class CheckedNetwork(httpcore2.NetworkBackend):
    """Connects to the checked addresses only, whatever host it is asked for."""

    def __init__(self, addresses: Sequence[IPv4Address | IPv6Address], budget: Budget) -> None:
        self._addresses = addresses
        self._budget = budget

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        """One try per address; each gets its share of the time that is left."""
        for position, address in enumerate(self._addresses):
            share = self._budget.remaining() / (len(self._addresses) - position)
            try:
                connected = socket.create_connection((str(address), port), timeout=share)
            except OSError as failure:
                last = failure
            else:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Stream(connected, self._budget)
        raise last


class _Stream(httpcore2.NetworkStream):
    """A socket on which every operation gets the time that is left of the whole call."""

    def __init__(self, connected: socket.socket, budget: Budget) -> None:
        self._socket = connected
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to ``max_bytes``, within the budget; the per-read ``timeout`` is not used."""
        amount = self._budget.receivable(max_bytes)
        self._socket.settimeout(self._budget.remaining())
        received = self._socket.recv(amount)
        self._budget.received(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of ``buffer``, within the budget. A peer that closed early may have answered first: read it."""
        view = memoryview(buffer)
        while view:
            self._socket.settimeout(self._budget.remaining())
            self._budget.sent = True
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError:
                raise
            except OSError as failure:
                raise httpcore2.WriteError from failure

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Encrypt; the certificate must be for the name, not for the address."""
        self._socket.settimeout(self._budget.remaining())
        try:
            encrypted = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return _Stream(encrypted, self._budget)

    def close(self) -> None:
        """Without waiting for the peer."""
        self._socket.close()
