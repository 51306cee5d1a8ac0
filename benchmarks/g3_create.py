"""G3: create a version of a prompt over HTTP, against Phoenix and MLflow on the same PostgreSQL.

    python -m benchmarks.g3_create [--seconds 4] [--rounds 7] [--without-peers]

Eight connections, each with a prompt of its own, of which every request makes the next version: 2 kB of Markdown with
ten variables. Ours does all that it always does: a service token and its grants are asked, the template is parsed,
guarded and checked against its variables, sealed with its digest, and the ledger is written. The peers store the same
text as their clients send it, without authentication: Phoenix in one request, MLflow in three, of which the writing
one is also measured alone, for the record. The three servers run all the time and are called in turn.

Afterwards one connection alone: the 95th percentile of one create, beside nobody.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from benchmarks import peers
from benchmarks.g11_render import SOURCE, VALUES
from benchmarks.installation import WEB, Installation, installation, servers
from benchmarks.load import Round, drive, percentile
from benchmarks.measuring import others_share, report
from tests.services import Postgres

CONNECTIONS = 8
FLOORS = {"phoenix": (2, 3.5), "mlflow": (4, 6)}
ALONE = 400
PREPARE = """
from django.utils.timezone import now
from foundation.actors import system
from tenancy import policy, projects, tokens
by, at = system(), now()
project = projects.create(slug="prompts", name="Prompts", by=by, at=at)
account = tokens.service_account(name="writer")
policy.grant(role=policy.Role.EDITOR, place=project, to=account, by=by, at=at)
print(tokens.issue(name="writer", account=account, scopes=["draft"], by=by, at=at)[1])
"""
SCHEMA = {"properties": {name: {"description": f"The {name} of the agent."} for name in VALUES}}

Act = Callable[[], Any]
_serial = itertools.count(1)


def text() -> str:
    """Another text each time; nobody may answer from a cache or take it for a duplicate."""
    return f"{SOURCE}\nRevision {next(_serial)}.\n"


def ours(installed: Installation, token: str, count: int, word: str) -> list[Act]:
    """What each connection repeats at our server."""

    def act(index: int) -> Act:
        connection, name = installed.connect(index, token), f"{word}-{index}"

        def create() -> None:
            body = {"project": "prompts", "name": name, "content_md": text(), "variables_schema": SCHEMA}
            connection.must("POST", "/api/v1/templates", body)

        return create

    return [act(index) for index in range(count)]


def theirs(running: peers.Running, create: Callable[..., Any], word: str) -> list[Act]:
    """What each connection repeats at a peer's server."""

    def act(index: int) -> Act:
        connection, name = running.connect(), f"{word}-{index}"
        running.peer.prepare(connection, name)
        return lambda: create(connection, name, text())

    return [act(index) for index in range(CONNECTIONS)]


def line(name: str, rounds: list[Round]) -> None:
    """Print a side's rounds."""
    rates = [one.rate for one in rounds]
    cpu = [one.cpu(one.server_cpu) for one in rounds]
    database = statistics.median(one.cpu(one.database_cpu) for one in rounds)
    times = [seconds * 1e3 for one in rounds for seconds in one.times]
    print(
        f"  {name:<24} {min(rates):6.0f} / {statistics.median(rates):6.0f} / {max(rates):6.0f} creates/s"
        f"   server CPU {min(cpu):7,.0f} / {statistics.median(cpu):7,.0f} / {max(cpu):7,.0f} µs per create"
        f"   database {database:6,.0f} µs"
        f"   p50 {percentile(times, 0.5):6.1f} ms   p95 {percentile(times, 0.95):6.1f} ms"
    )


def compare(server: Postgres, broker: str, seconds: float, rounds: int, *, with_peers: bool) -> list[bool]:
    """All of it; what each bar says."""
    with ExitStack() as stack:
        installed = stack.enter_context(installation(server, broker, "ours"))
        token = installed.shell(PREPARE)
        running = [stack.enter_context(peers.running(peer, server)) for peer in peers.PEERS if with_peers]
        sides: dict[str, tuple[list[Act], list[int]]] = {
            "prompthub": (ours(installed, token, CONNECTIONS, "load"), installed.pids)
        }
        for one in running:
            sides[one.peer.name] = theirs(one, one.peer.create, "bench"), [one.pid]
            if one.peer.write_alone:
                sides[f"{one.peer.name}, its write alone"] = theirs(one, one.peer.write_alone, "alone"), [one.pid]
        seen: dict[str, list[Round]] = {name: [] for name in sides}
        for acts, pids in sides.values():
            drive(acts, seconds=min(2, seconds), servers=pids, database=server.pid)  # warm
        print(f"{CONNECTIONS} connections, {rounds} rounds of {seconds:g} s, {WEB} web processes of ours")
        print("  min / median / max of the rounds")
        used = [server.pid, *(pid for _, pids in sides.values() for pid in pids)]
        with others_share(besides=used):
            for _ in range(rounds):
                for name, (acts, pids) in sides.items():
                    seen[name].append(drive(acts, seconds=seconds, servers=pids, database=server.pid))
        for name, measured in seen.items():
            line(name, measured)
        [create] = ours(installed, token, 1, "alone")
        with others_share(besides=used):
            alone = []
            while len(alone) < ALONE:
                alone += drive([create], seconds=1, servers=installed.pids, database=server.pid).times
    median = {name: statistics.median(one.rate for one in measured) for name, measured in seen.items()}
    for name in set(median) - set(FLOORS) - {"prompthub"}:
        print(f"  against {name}: {median['prompthub'] / median[name]:.2f} ×")
    met = [
        report(f"G3 create, against {name}", floor, median["prompthub"] / median[name], aim=aim)
        for name, (floor, aim) in FLOORS.items()
        if name in median
    ]
    slowest = percentile(alone, 0.95) * 1e3
    print(f"  one alone: p50 {percentile(alone, 0.5) * 1e3:.1f} ms, p95 {slowest:.1f} ms, of {len(alone)}")
    met.append(report("G3 p95 of one create", 50, slowest, higher_is_better=False, aim=20, unit="ms"))
    return met


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="length of a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-peers", action="store_true", help="ours alone: figures to work with, no verdict")
    chosen = parser.parse_args(arguments)
    if not chosen.without_peers:
        for peer in peers.PEERS:
            peers.install(peer)
    with servers() as (server, broker):
        met = compare(server, broker, chosen.seconds, chosen.rounds, with_peers=not chosen.without_peers)
    return 0 if all(met) and not chosen.without_peers else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
