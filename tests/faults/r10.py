"""R10: one provider asks for patience, hangs, or is dead; the other must not notice."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from tests.faults.publishers import Publishers
from tests.faults.rig import Rig
from tests.faults.verdict import Measured, command

RETRY_AFTER = 2.0
ARRIVAL_SECONDS = 60.0


@dataclass(frozen=True)
class Scale:
    """How many publishes in each of the phases."""

    publishes: int


FULL, SMALL = Scale(200), Scale(15)


def run(database: str, seed: int, scale: Scale) -> Measured:
    """Nothing is sent inside ``Retry-After``; what goes to the healthy provider arrives as ever."""
    measured = Measured("R10", database, seed, f"0 requests inside Retry-After of {RETRY_AFTER:.0f} s")
    with Rig(database, seed=seed, chance=0.0, prompts=8, workers=("threads",)) as rig:
        _phase(rig, scale)
        normal = _phase(rig, scale)
        rig.tell(0, "always", {"status": 429, "headers": {"Retry-After": f"{RETRY_AFTER:.0f}"}})
        asked = _phase(rig, scale)
        early = _early(rig.ledger(0))
        measured.require("inside Retry-After", len(early))
        if early:
            measured.figures["what came early"] = [pair | rig.ask("tries", key=pair["keys"]) for pair in early]
        measured.figures["asked to wait"] = sum(line["ended"] == "429" for line in rig.ledger(0))
        rig.tell(0, "always", {"ends": "hang_before", "seconds": 10})
        hangs = _phase(rig, scale)
        rig.parts.pop("provider-0").end()
        dead = _phase(rig, scale)
    told = {"normal": normal, "asked": asked, "hanging": hangs, "dead": dead}
    measured.figures |= {f"p95 {name} ms": round(1000 * seconds) for name, seconds in told.items()}
    return measured


def _phase(rig: Rig, scale: Scale) -> float:
    """The 95th percentile, in seconds, from a publish's answer to its arrival at the healthy provider."""
    publishers = Publishers(rig, scale.publishes, threads=2, pace=0.05)
    publishers.start()
    publishers.finish()
    newest = {one.instance: one for one in sorted(publishers.acknowledged, key=lambda one: one.ordinal)}
    until = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < until:
        arrived: dict[tuple[str, int], float] = {}
        for line in rig.ledger(1):
            arrived.setdefault((line["instance"], line["ordinal"]), line["at"])
        if all((one.instance, one.ordinal) in arrived for one in newest.values()):
            break
        time.sleep(0.2)
    # What was overtaken by a newer text before it was sent is not a wait that anybody notices.
    waits = [
        max(0.0, arrived[one.instance, one.ordinal] - one.at)
        for one in publishers.acknowledged
        if (one.instance, one.ordinal) in arrived
    ]
    return statistics.quantiles(waits, n=20)[-1]


def _early(ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Webhooks that came to a place sooner than it had asked for: how soon, and their keys and the asking one's."""
    found: list[dict[str, Any]] = []
    asked: dict[str, dict[str, Any]] = {}
    for line in ledger:
        before = asked.get(line["place"])
        if before is not None and line["at"] < before["at"] + RETRY_AFTER:
            after = round(line["at"] - before["at"], 3)
            found.append({"place": line["place"], "after": after, "keys": [before["key"], line["key"]]})
        if line["ended"] == "429":
            asked[line["place"]] = line
    return found


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("sqlite", "postgres")))
