"""G3b: publishing a prompt, without its provider, among 1,000 prompts and among 1,000,000.

    python -m benchmarks.g3b_publish [--rows 1000000] [--calls 500] [--seed 1]

Over HTTP: one connection, a service token with the role of a publisher, a prompt of 2 kB that goes to one place.
A publish renders and seals the draft, moves the active pointer, lays down the delivery, writes the ledger, commits to
disk and rings the broker; no worker runs. Two installations stand side by side on one PostgreSQL, and each call to the
small one is followed by a call to the large one, so that whatever else the machine does meets both. Every call
publishes another prompt, chosen by chance.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from contextlib import ExitStack

import psycopg

from benchmarks import crowd
from benchmarks.installation import Installation, installation, servers
from benchmarks.load import Connection, percentile
from benchmarks.measuring import cpu_seconds, others_share, report

SMALL = 1_000
WARM = 30


def publish(connection: Connection, n: int) -> float:
    """Publish copy ``n``; wall seconds."""
    path = f"/api/v1/instances/{crowd.instance_id(n)}/publish"
    began = time.perf_counter()
    answer = connection.must("POST", path, {})
    seconds = time.perf_counter() - began
    if len(answer["deliveries"]) != 1:
        raise RuntimeError(f"laid down {len(answer['deliveries'])} deliveries, not one")
    return seconds


def fill(installed: Installation, count: int) -> str:
    """Make the crowd; the token that may publish in it."""
    token = installed.shell(crowd.FIRST)
    began = time.monotonic()
    rows = crowd.fill(installed.database_url, count)
    total = sum(rows.values())
    print(f"  {count:>9,} prompts: {total:,} rows written in {time.monotonic() - began:.0f} s", flush=True)
    return token


def blocks_read(installed: Installation) -> int:
    """Blocks that PostgreSQL did not have in its own memory when it needed them, so far."""
    with psycopg.connect(installed.database_url) as connection:
        row = connection.execute("SELECT blks_read FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="prompts of the large installation")
    parser.add_argument("--calls", type=int, default=500, help="publishes of each side")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PROMPTHUB_TEST_SEED", "1")))
    chosen = parser.parse_args(arguments)
    choose = random.Random(chosen.seed)
    sizes = {"small": SMALL, "large": chosen.rows}
    times: dict[str, list[float]] = {name: [] for name in sizes}
    sides: dict[str, Installation] = {}
    with ExitStack() as stack:
        server, broker = stack.enter_context(servers())
        connections, order, pids = {}, {}, [server.pid]
        for name, count in sizes.items():
            installed = stack.enter_context(installation(server, broker, name, web=0))
            token = fill(installed, count)
            installed.serve(1)
            connections[name] = installed.connect(0, token)
            order[name] = iter(choose.sample(range(count), WARM + chosen.calls))
            pids += installed.pids
            sides[name] = installed
            for _ in range(WARM):
                publish(connections[name], next(order[name]))
        before = cpu_seconds(pids[1:]), cpu_seconds(pids[:1])
        read = {name: -blocks_read(installed) for name, installed in sides.items()}
        with others_share(besides=pids):
            for _ in range(chosen.calls):
                for name, connection in connections.items():
                    times[name].append(publish(connection, next(order[name])))
        used = cpu_seconds(pids[1:]) - before[0], cpu_seconds(pids[:1]) - before[1]
        read = {name: (read[name] + blocks_read(installed)) / chosen.calls for name, installed in sides.items()}
    for name, measured in times.items():
        shown = " / ".join(f"{percentile(measured, share) * 1e3:.1f}" for share in (0, 0.5, 0.95, 1))
        print(f"  {name}: {shown} ms (min / median / p95 / max of {len(measured)} publishes)")
        print(f"  {name}: {read[name]:.1f} blocks a publish were not in PostgreSQL's memory")
    calls = 2 * chosen.calls
    print(f"  CPU per publish: server {used[0] / calls * 1e3:.1f} ms, database {used[1] / calls * 1e3:.1f} ms")
    slowest = {name: percentile(measured, 0.95) for name, measured in times.items()}
    growth = slowest["large"] / slowest["small"]
    met = [
        report("G3b p95 of a publish", 200, slowest["large"] * 1e3, higher_is_better=False, aim=50, unit="ms"),
        report(f"G3b growth to {chosen.rows:,} prompts", 1.3, growth, higher_is_better=False, aim=1.1),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
