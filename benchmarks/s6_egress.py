"""Bar S6: no forbidden address is reached, no hostile peer holds on.

    python -m benchmarks.s6_egress

Addresses: every connection the process opens is led to a canary, whatever it was meant for, so an attempt
that slips through is a hit. The same rig is shown to work: public addresses and a naive reader do reach it.
Peers: each is called in a process of its own, with the product's deadline of 10 s and a body cap of 64 KiB.
Memory is the highest resident size of that process less what it held before the call, as Linux counts it; a
process that is told to hold 48 MB shows that it is counted.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from benchmarks.measuring import others_share, report
from foundation import egress, egress_network

DEADLINE = 10.0
AT_ONCE = 6
CONTROL = "control"
OVER_TLS = {"tls_garbage", "tls_stalls", "tls_drips"}


@contextmanager
def canary() -> Iterator[Callable[[], int]]:
    """Lead every connection to a listening socket; yields how many have come since the last look."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listening.settimeout(0)
    connect, here = socket.create_connection, listening.getsockname()

    def hits() -> int:
        count = 0
        while True:
            try:
                listening.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def led_here(_: Any, timeout: float | None = None, **__: Any) -> None:
        connect(here, timeout=5).close()
        raise ConnectionRefusedError

    with listening, mock.patch.object(egress_network.socket, "create_connection", led_here):
        yield hits


def attempt(url: str, resolve: Callable[[str, int], list[str]]) -> None:
    """One call with time enough on a busy machine: an attack that merely came too late proves nothing."""
    with suppress(egress.EgressError):
        egress.request(method="GET", url=url, deadline=DEADLINE, allow=frozenset(), resolve=resolve)


def addresses() -> list[bool]:
    """The first half of the bar."""
    attacks: list[tuple[str, list[str]]] = [(url, ["127.0.0.1"]) for port in (443, 8443) for url in hostile_urls(port)]
    attacks += [("https://good.example/", answer) for answer in hostile_answers()]
    reached = []
    with canary() as hits:
        for number in PUBLIC_NUMBERS:
            attempt("https://good.example/", lambda *_, number=number: [number])
        control = hits()
        for url, answer in attacks:
            attempt(url, lambda *_, answer=answer: answer)
            if hits():
                reached.append((url, answer))
        rebinding = iter([["8.8.8.8"]] + [["127.0.0.1"]] * 9)
        attempt("https://good.example/", lambda *_: next(rebinding))
        asked_again = 9 - len(list(rebinding))
    for url, answer in reached:
        print(f"  REACHED {url!r} {answer}")
    print(f"  a naive reader (urlsplit, ipaddress.is_global) lets {naive(attacks)} of {len(attacks)} through")
    return [
        report("S6 control: public ones arrive", len(PUBLIC_NUMBERS), control, unit="of 4"),
        report("S6 hostile addresses tried", 203, len(attacks), unit=""),
        report("S6 of them reached the canary", 0, len(reached), higher_is_better=False, unit=""),
        report("S6 names resolved a second time", 0, asked_again, higher_is_better=False, unit=""),
    ]


def naive(attacks: list[tuple[str, list[str]]]) -> int:
    """How many a common way of checking would have let through."""
    passed = 0
    for url, answer in attacks:
        try:
            parts = urlsplit(url)
            fine = parts.scheme in {"http", "https"} and parts.hostname
            numbers = [ipaddress.ip_address(number) for number in answer]
            if fine and parts.hostname and parts.hostname[0] in "0123456789:":
                numbers = [ipaddress.ip_address(parts.hostname)]
        except ValueError:
            continue
        passed += bool(fine and all(number.is_global for number in numbers))
    return passed


def peers() -> list[bool]:
    """The second half of the bar."""
    with others_share(), ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = dict(zip(PEERS, pool.map(one_peer, PEERS), strict=True))
    for name, outcome in outcomes.items():
        print(f"  {name:<26} {outcome['seconds']:6.2f} s  {outcome['megabytes']:5.1f} MB  {outcome['outcome']}")
    control = one_call(CONTROL, "http", "")["megabytes"]
    slowest = max(outcome["seconds"] for outcome in outcomes.values())
    most = max(outcome["megabytes"] for outcome in outcomes.values())
    return [
        report("S6 control: 48 MB are counted", 40, control, unit="MB"),
        report("S6 kinds of hostile peers", 15, len(outcomes), unit=""),
        report("S6 slowest cut-off", 11, slowest, higher_is_better=False, unit="s"),
        report("S6 most memory", 64, most, higher_is_better=False, unit="MB"),
    ]


def one_peer(name: str) -> dict[str, Any]:
    """Start a peer and call it."""
    with Peer(PEERS[name]) as peer:
        return one_call(name, "https" if name in OVER_TLS else "http", peer.authority)


def one_call(name: str, scheme: str, authority: str) -> dict[str, Any]:
    """What a process of its own saw and used."""
    command = [sys.executable, "-m", "benchmarks.s6_egress", name, scheme, authority]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def call(name: str, scheme: str, authority: str) -> None:
    """In the process of its own: one call, then what it took beyond what was held before."""
    content = b"x" * (8_000_000 if name == "never_reads" else 2)  # more than sockets take in
    url, allow = f"{scheme}://{authority}/", frozenset({authority})
    before, began = _megabytes("VmRSS"), time.monotonic()
    try:
        if name == CONTROL:
            outcome = str(len(b"x" * 48 * 1024 * 1024))
        else:
            answer = egress.request(method="POST", url=url, content=content, deadline=DEADLINE, allow=allow)
            outcome = f"answer {answer.status}, {len(answer.content)} bytes"
    except egress.EgressError as failure:
        outcome = f"{type(failure).__name__}: {failure}"
    seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "megabytes": _megabytes("VmHWM") - before, "outcome": outcome}))


def _megabytes(field: str) -> float:
    """A figure of ``/proc/self/status``: ``VmRSS`` now, ``VmHWM`` the highest ever."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:")) / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        call(*sys.argv[1:])  # without the imports below, whose own peak would hide that of the call
    else:
        from tests.hostile.hostile_addresses import PUBLIC_NUMBERS, hostile_answers, hostile_urls
        from tests.hostile.hostile_peers import PEERS, Peer

        sys.exit(0 if all(addresses() + peers()) else 1)
