"""G2: fetch a prompt over HTTP that nobody has asked for yet, against Phoenix and plain DRF.

    python -m benchmarks.g2_miss [--prompts 40000] [--seconds 3] [--rounds 7] [--without-peers]

Every read is of another bundle, so nothing of it is remembered: the channel, the release and the text are read from
the database, and both digests are checked. The one token is known, as on every hot read. The peers answer from their
databases as they always do. Plain DRF and Phoenix check a key as we do; Phoenix that answers whoever asks is measured
beside it (docs/adr/0032).
One process each, on one PostgreSQL, called in turn; the server's CPU per request is what counts.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from contextlib import ExitStack

from benchmarks import fetching, library, peers
from benchmarks.fetching import Act, Side
from benchmarks.installation import installation, servers
from benchmarks.measuring import others_share, report

FEW = 100
CONNECTIONS = 8
FLOORS = {"plain DRF": (2.5, 3.5), "phoenix, with a key": (5, 7)}


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=40_000, help="bundles that can be asked for once")
    parser.add_argument("--seconds", type=float, default=3, help="length of a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-peers", action="store_true", help="figures to work with, no verdict")
    chosen = parser.parse_args(arguments)
    if not chosen.without_peers:
        peers.install(peers.PHOENIX)
    with servers() as (server, broker), ExitStack() as stack:
        installed = stack.enter_context(installation(server, broker, "ours", web=0))
        token = installed.run("-m", "benchmarks.library", str(chosen.prompts), "1")
        installed.serve(1)
        unseen = itertools.count()

        def act(index: int) -> Act:
            connection = installed.connect(index, token)
            return lambda: fetching.must(connection, library.path(next(unseen), 1))

        ours = Side("prompthub", installed.pids, lambda connections: [act(index) for index in range(connections)])
        sides = [ours, stack.enter_context(fetching.drf(server, FEW))]
        if not chosen.without_peers:
            for guarded in (True, False):
                running = peers.running(peers.PHOENIX, server, guarded=guarded)
                sides.append(fetching.of_peer(stack.enter_context(running)))
        with others_share(besides=[server.pid, *(pid for side in sides for pid in side.pids)]):
            cpu = fetching.measure(
                sides, connections=CONNECTIONS, seconds=chosen.seconds, rounds=chosen.rounds, database=server.pid
            )
        asked = next(unseen)
        print(f"  {asked:,} bundles were asked for once")
        if peers.PHOENIX.name in cpu:
            print(f"  phoenix without a key takes {cpu[peers.PHOENIX.name] / cpu[ours.name]:.3g} times as much")
        met = [asked <= chosen.prompts]
        met += [
            report(f"G2 first read, {name}", floor, cpu[name] / cpu[ours.name], aim=aim)
            for name, (floor, aim) in FLOORS.items()
            if name in cpu
        ]
    return 0 if all(met) and not chosen.without_peers else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
