"""G4: the first page of a listing and a search, among 100 prompts and among 100,000, beside the peers with as many.

    python -m benchmarks.g4_list [--prompts 100000] [--seconds 1] [--rounds 15] [--without-peers]

Over HTTP, one connection each, one process each, on one PostgreSQL, called in turn. Ours are bundles of one prompt,
listed and searched by a service token that may see them; a page is 50 rows. The peers are asked without
authentication, as their clients ask: MLflow's asks for a thousand rows at once, and so does its web page. What fifty
of them cost is measured too, for the record. Phoenix has no search in its REST API.

What counts is CPU per request, of the server and the database together.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote

import psycopg

from benchmarks import listed, peers
from benchmarks.installation import Installation, installation, servers, settle
from benchmarks.load import Connection, Round, drive
from benchmarks.measuring import others_share, report

FEW = 100
PAGE = 50
MLFLOWS_PAGE = 1000
"""``SEARCH_MAX_RESULTS_DEFAULT`` of its client (mlflow 3.17, ``store/tracking/__init__.py``)."""
WARM = 20


@dataclass(frozen=True, slots=True)
class Side:
    """One thing that is asked of one server, again and again, each time about another prompt."""

    name: str
    pids: tuple[int, ...]
    act: Callable[[], Any]


def chosen_numbers(total: int) -> Iterator[int]:
    """Numbers of prompts, spread over all of them."""
    return (step * 7919 % total for step in count(1))


def ours(installed: Installation, token: str, total: int, name: str) -> list[Side]:
    """Listing and searching at ours."""
    connection, numbers = installed.connect(0, token), chosen_numbers(total)
    base = f"/api/v1/projects/{listed.PROJECT}/bundles?limit={PAGE}"

    def search() -> None:
        number = next(numbers)
        found = connection.must("GET", f"/api/v1/search?q={listed.slug(number)}&limit={PAGE}")["results"]
        _require(found[0]["bundle"] == listed.slug(number), "found another bundle")

    def page() -> None:
        _require(len(connection.must("GET", base)["results"]) == PAGE, "not a whole page")

    return [Side(f"list, {name}", tuple(installed.pids), page), Side(f"search, {name}", tuple(installed.pids), search)]


def of_mlflow(running: peers.Running, total: int) -> list[Side]:
    """What its client sends to list and to search prompts."""
    connection, numbers = running.connect(), chosen_numbers(total)
    prompts = "tags.`mlflow.prompt.is_prompt` = 'true'"

    def ask(words: str, rows: int) -> Any:
        path = f"/api/2.0/mlflow/registered-models/search?max_results={rows}&filter={quote(words, safe='')}"
        return connection.must("GET", path).get("registered_models", [])

    def page(rows: int) -> None:
        _require(len(ask(prompts, rows)) == min(rows, total), "not a whole page")

    def search() -> None:
        name = listed.slug(next(numbers))
        _require(ask(f"name LIKE '{name}%' AND {prompts}", PAGE)[0]["name"] == name, "found another prompt")

    return [
        Side("list, mlflow", (running.pid,), partial(page, MLFLOWS_PAGE)),
        Side(f"list, mlflow, {PAGE} rows", (running.pid,), partial(page, PAGE)),
        Side("search, mlflow", (running.pid,), search),
    ]


def of_phoenix(running: peers.Running) -> list[Side]:
    """Its listing."""
    connection = running.connect()

    def page() -> None:
        _require(len(connection.must("GET", f"/v1/prompts?limit={PAGE}")["data"]) == PAGE, "not a whole page")

    return [Side("list, phoenix", (running.pid,), page)]


def measure(sides: list[Side], *, seconds: float, rounds: int, database: int) -> dict[str, float]:
    """Microseconds of CPU per request of each side, the median of interleaved rounds."""
    seen: dict[str, list[Round]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            seen[side.name].append(drive([side.act], seconds=seconds, servers=side.pids, database=database))
    found = {}
    for name, measured in seen.items():
        cpu = sorted(one.cpu(one.server_cpu + one.database_cpu) for one in measured)
        found[name] = statistics.median(cpu)
        wall = statistics.median(time for one in measured for time in one.times) * 1e3
        spread = " / ".join(f"{each:,.0f}" for each in (cpu[0], found[name], cpu[-1]))
        print(f"  {name:<24} {spread} µs of CPU, {wall:,.1f} ms (median of {sum(len(one.times) for one in measured)})")
    return found


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1, help="length of a round")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--without-peers", action="store_true", help="figures to work with, no verdict")
    chosen = parser.parse_args(arguments)
    for peer in peers.PEERS if not chosen.without_peers else ():
        peers.install(peer)
    with servers() as (server, broker), ExitStack() as stack:
        sides: list[Side] = []
        for name, total in (("few", FEW), ("many", chosen.prompts)):
            installed = stack.enter_context(installation(server, broker, name, web=0))
            token = installed.shell(f"from benchmarks import listed; print(listed.fill({total}))")
            with psycopg.connect(installed.database_url, autocommit=True) as connection:
                settle(connection)
            installed.serve(1)
            sides += ours(installed, token, total, name)
        if not chosen.without_peers:
            mlflow = stack.enter_context(peers.running(peers.MLFLOW, server))
            phoenix = stack.enter_context(peers.running(peers.PHOENIX, server))
            listed.fill_mlflow(_filled(mlflow, server.url), chosen.prompts)
            listed.fill_phoenix(_filled(phoenix, server.url), chosen.prompts)
            sides += of_mlflow(mlflow, chosen.prompts) + of_phoenix(phoenix)
        for side in sides:
            for _ in range(WARM if "mlflow" not in side.name else 1):
                side.act()
        pids = [server.pid, *(pid for side in sides for pid in side.pids)]
        with others_share(besides=pids):
            cpu = measure(sides, seconds=chosen.seconds, rounds=chosen.rounds, database=server.pid)
    met = [
        report(
            f"G4 growth of a {what} to {chosen.prompts:,}",
            1.2,
            cpu[f"{what}, many"] / cpu[f"{what}, few"],
            higher_is_better=False,
        )
        for what in ("list", "search")
    ]
    if chosen.without_peers:
        return 1
    met += [
        report(f"G4 {what}, mlflow", 100, cpu[f"{what}, mlflow"] / cpu[f"{what}, many"], aim=300)
        for what in ("list", "search")
    ]
    few_rows = cpu[f"list, mlflow, {PAGE} rows"] / cpu["list, many"]
    print(f"  list, mlflow, as many rows as ours: {few_rows:.1f} times ours")
    print(f"  list, phoenix: {cpu['list, phoenix'] / cpu['list, many']:.1f} times ours (aim ≥ 4)")
    return 0 if all(met) else 1


def _filled(running: peers.Running, server: str) -> str:
    """The peer's database, once it holds a first prompt to make others of."""
    connection: Connection = running.connect()
    running.peer.prepare(connection, listed.FIRST)
    running.peer.create(connection, listed.FIRST, "second")
    connection.close()
    return listed.database_of(server, running.peer.name)


def _require(held: bool, otherwise: str) -> None:  # noqa: FBT001 - read aloud beside the reason
    if not held:
        raise RuntimeError(otherwise)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
