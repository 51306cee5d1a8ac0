"""What the benchmarks of fetching share: sides, each a server with what a connection repeats, and their figures."""

from __future__ import annotations

import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import library, peers
from benchmarks.installation import ROOT, Installation, create_database, until_ready
from benchmarks.load import Connection, Round, drive
from tests.services import Postgres, free_port

Act = Callable[[], Any]
NAMES = 100
"""Prompts of a peer: few, so that it has them all at hand."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server and what each of so many connections repeats at it."""

    name: str
    pids: list[int]
    acts: Callable[[int], list[Act]]


def ours(name: str, installed: Installation, token: str, paths: Sequence[Callable[[int], str]], count: int) -> Side:
    """Our server: prompts by chance out of ``count``, by each of the paths in turn."""

    def act(index: int) -> Act:
        connection, choose, turn = installed.connect(index, token), random.Random(index), itertools.cycle(paths)
        return lambda: must(connection, next(turn)(choose.randrange(count)))

    return Side(name, installed.pids, lambda connections: [act(index) for index in range(connections)])


def must(connection: Connection, path: str) -> None:
    """Fetch; the body is left as it came, on every side. Raises RuntimeError for anything but 200."""
    status, content = connection.call("GET", path)
    if status != 200:
        raise RuntimeError(f"GET {path}: {status} {content[:500]!r}")


def of_peer(running: peers.Running) -> Side:
    """A peer's server, whose prompts are fetched by version and by alias as its client does."""
    first = running.connect()
    paths = [path for number in range(NAMES) for path in _PREPARE[running.peer.name](first, f"fetch-{number}")]

    def act(index: int) -> Act:
        connection, choose = running.connect(), random.Random(index)
        return lambda: must(connection, choose.choice(paths))

    name = f"{running.peer.name}{', with a key' * bool(running.key)}"
    return Side(name, [running.pid], lambda connections: [act(index) for index in range(connections)])


def _phoenix(connection: Connection, name: str) -> list[str]:
    peers.PHOENIX.prepare(connection, name)
    version = peers.PHOENIX.create(connection, name, library.text(0))["data"]["id"]
    connection.call("POST", f"/v1/prompt_versions/{version}/tags", {"name": "production"})
    return [f"/v1/prompt_versions/{version}", f"/v1/prompts/{name}/tags/production"]


def _mlflow(connection: Connection, name: str) -> list[str]:
    peers.MLFLOW.prepare(connection, name)
    version = peers.MLFLOW.create(connection, name, library.text(0))["model_version"]["version"]
    alias = {"name": name, "alias": "production", "version": version}
    connection.must("POST", "/api/2.0/mlflow/registered-models/alias", alias)
    return [
        f"/api/2.0/mlflow/model-versions/get?name={name}&version={version}",
        f"/api/2.0/mlflow/registered-models/alias?name={name}&alias=production",
    ]


_PREPARE = {"phoenix": _phoenix, "mlflow": _mlflow}


@contextmanager
def raw() -> Iterator[Side]:
    """The least a server in Python can do."""
    with _process("raw ASGI", ["-m", "benchmarks.raw_asgi"], {}) as (pid, port, _):
        yield Side("raw ASGI", [pid], _all_fetch(port, ["/"], ""))


@contextmanager
def drf(server: Postgres, count: int) -> Iterator[Side]:
    """Plain Django REST framework with as many prompts."""
    database = {"DATABASE_URL": create_database(server, "drf")}
    with _process("plain DRF", ["-m", "benchmarks.plain_drf"], database, str(count), says=True) as (pid, port, token):
        paths = [f"/prompts/p{number}/versions/1" for number in range(count)]
        yield Side("plain DRF", [pid], _all_fetch(port, paths, f"Token {token}"))


def measure(sides: Sequence[Side], *, connections: int, seconds: float, rounds: int, database: int) -> dict[str, float]:
    """Drive all sides in turn and print their figures; the median CPU of the server in microseconds per request."""
    acts = {side.name: side.acts(connections) for side in sides}
    seen: dict[str, list[Round]] = {side.name: [] for side in sides}
    for side in sides:
        drive(acts[side.name], seconds=min(1, seconds), servers=side.pids, database=database)  # warm
    print(f"{connections} connections, {rounds} rounds of {seconds:g} s: min / median / max of the rounds")
    for _ in range(rounds):
        for side in sides:
            one = drive(acts[side.name], seconds=seconds, servers=side.pids, database=database)
            seen[side.name].append(one)
    for name, measured in seen.items():
        rates, cpu = [one.rate for one in measured], [one.cpu(one.server_cpu) for one in measured]
        asked = statistics.median(one.cpu(one.database_cpu) for one in measured)
        print(
            f"  {name:<22} {min(rates):6,.0f} / {statistics.median(rates):6,.0f} / {max(rates):6,.0f} req/s"
            f"   server CPU {min(cpu):6,.0f} / {statistics.median(cpu):6,.0f} / {max(cpu):6,.0f} µs"
            f"   database {asked:5,.0f} µs per request"
        )
    return {name: statistics.median(one.cpu(one.server_cpu) for one in measured) for name, measured in seen.items()}


def _all_fetch(port: int, paths: Sequence[str], authorization: str) -> Callable[[int], list[Act]]:
    headers = {"Authorization": authorization} if authorization else {}

    def act(index: int) -> Act:
        connection, choose = Connection(port, headers=headers), random.Random(index)
        return lambda: must(connection, choose.choice(paths))

    return lambda connections: [act(index) for index in range(connections)]


@contextmanager
def _process(
    name: str, command: list[str], environment: dict[str, str], *more: str, says: bool = False
) -> Iterator[tuple[int, int, str]]:
    """A server in a process of its own: its id, its port, and the first line that it says."""
    port = free_port()
    with ExitStack() as stack:
        process = subprocess.Popen(
            [sys.executable, *command, str(port), *more],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        stack.callback(process.wait)
        stack.callback(lambda: os.killpg(process.pid, signal.SIGKILL))
        line = process.stdout.readline().strip() if says and process.stdout else ""
        if says and not line:
            raise RuntimeError(f"{name} did not start")
        until_ready(process, port, "/", any_status=True)
        yield process.pid, port, line
