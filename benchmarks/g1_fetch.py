"""G1: fetch a prompt over HTTP by version and by alias, against the peers, plain DRF, and the least there can be.

    python -m benchmarks.g1_fetch [--prompts 100000] [--seconds 3] [--rounds 7] [--without-peers]

Ours does all that it always does: the token is checked, with what it may see; the answer has an ETag; calls are
counted against the allowance, by metric, and as usage. The peers are asked without authentication, as their clients
ask, and hold a hundred prompts; plain DRF holds as many as we do. One process each, on one PostgreSQL, called in turn.

What counts is the server's CPU per request: the machine's own load moves requests per second up and down.
Then ours again with a hundred prompts and with all: what a large library costs.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from functools import partial

from benchmarks import fetching, library, peers
from benchmarks.installation import installation, servers
from benchmarks.measuring import others_share, report

IN_BUNDLE = 100
FEW = 100
CONNECTIONS = (8, 32)
MEGABYTES = "1024"
"""Room for all answers; a process that has less keeps those fetched last."""


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3, help="length of a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-peers", action="store_true", help="figures to work with, no verdict")
    chosen = parser.parse_args(arguments)
    used = peers.PEERS if not chosen.without_peers else ()
    for peer in used:
        peers.install(peer)
    paths = [partial(library.path, in_bundle=IN_BUNDLE, exact=exact) for exact in (True, False)]
    with servers() as (server, broker), ExitStack() as stack:
        installed = stack.enter_context(installation(server, broker, "ours", web=0))
        installed.more["PROMPTHUB_HOT_MEGABYTES"] = MEGABYTES
        token = installed.run("-m", "benchmarks.library", str(chosen.prompts), str(IN_BUNDLE))
        installed.serve(1)
        mine = partial(fetching.ours, installed=installed, token=token, paths=paths)
        sides = [mine("prompthub", count=FEW), stack.enter_context(fetching.raw())]
        sides.append(stack.enter_context(fetching.drf(server, FEW)))
        sides += [fetching.of_peer(stack.enter_context(peers.running(peer, server))) for peer in used]
        timing = {"seconds": chosen.seconds, "rounds": chosen.rounds, "database": server.pid}
        met = []
        with others_share(besides=[server.pid, *(pid for side in sides for pid in side.pids)]):
            for connections in CONNECTIONS:
                cpu = fetching.measure(sides, connections=connections, **timing)
                times = {name: theirs / cpu["prompthub"] for name, theirs in cpu.items()}
                at = f"{connections} connections"
                met.append(report(f"G1 fetch, raw ASGI, {at}", 0.5, times["raw ASGI"], aim=0.75))
                if used:
                    met.append(report(f"G1 fetch, phoenix, {at}", 40, times["phoenix"], aim=80))
            connection = installed.connect(0, token)
            for number in range(chosen.prompts):  # every prompt once, so that it is at hand
                for path in paths:
                    fetching.must(connection, path(number))
            few = mine(f"{FEW} prompts", count=FEW)
            many = mine(f"{chosen.prompts:,} prompts", count=chosen.prompts)
            cpu = fetching.measure([few, many], connections=8, **timing)
            met.append(
                report("G1 growth of the library", 1.5, cpu[many.name] / cpu[few.name], higher_is_better=False, aim=1.2)
            )
    return 0 if all(met) and used else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
