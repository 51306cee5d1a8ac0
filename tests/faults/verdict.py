"""What must hold when everything is quiet again, and how a bar is told in one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.provider import digest
from tests.faults.publishers import Acknowledged
from tests.faults.rig import Rig

DRAIN_SECONDS = 90.0


@dataclass
class Measured:
    """A bar's outcome. ``missed`` names what the floor does not allow; empty means that it is met."""

    bar: str
    database: str
    seed: int
    floor: str
    figures: dict[str, Any] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the floor is met."""
        return not self.missed

    def require(self, name: str, value: Any, *, allowed: Callable[[Any], bool] = lambda value: value == 0) -> None:
        """Note a figure, and a miss when it is not allowed (only 0 is, unless said otherwise)."""
        self.figures[name] = value
        if not allowed(value):
            self.missed.append(name)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        status = "PASS" if self.passed else f"FAIL: {', '.join(self.missed)}"
        return f"{self.bar} {self.database}, seed {self.seed}   floor {self.floor}   measured {told}   {status}"


def judge(measured: Measured, rig: Rig, acknowledged: list[Acknowledged]) -> None:
    """Wait until nothing is on its way, then hold rows, providers and ledger against each other."""
    rig.await_pauses()
    drained = rig.ask("drain", seconds=DRAIN_SECONDS)
    census = rig.ask("census")
    ledgers = [rig.ledger(provider) for provider in (0, 1)]
    newest = {instance: text for instance, _, _, text in census["publications"]}
    places = [(instance, number, place) for instance, all_ in rig.world["prompts"].items() for number, place in all_]
    measured.require("publishes", len(acknowledged), allowed=lambda count: count > 0)
    measured.require("lost", len(_lost(census, acknowledged, rig.world["prompts"])))
    wrong = [
        place
        for instance, number, place in places
        if instance in newest and _runs(rig, number, place) != newest[instance]
    ]
    measured.require("wrong final", len(wrong))
    measured.require("stuck", drained["open"])
    measured.require("buried", sum(state == "buried" for *_, state, _ in census["deliveries"]))
    measured.require("made twice", _twice(census))
    measured.require("without key", _without_key(census, ledgers))
    measured.require("audit faults", len(census["chain"]) + abs(census["audited"] - len(census["publications"])))
    sends = sum(map(len, ledgers))
    measured.figures["sent twice"] = (
        f"{100 * (1 - len({line['key'] for lines in ledgers for line in lines}) / sends):.1f} %"
    )
    measured.require("reordered where versions are checked", _stale(ledgers[1])[0])
    late, longest = _stale(ledgers[0])
    measured.figures["stale where the last write wins"] = f"{late} (longest {longest:.1f} s)"
    measured.figures["drain s"] = drained["seconds"]


def _runs(rig: Rig, provider: int, place: str) -> str:
    return digest(rig.runs(provider, place))


def _lost(census: dict[str, Any], acknowledged: list[Acknowledged], prompts: dict[str, Any]) -> list[Acknowledged]:
    """Acknowledged publishes that are not there, or whose text did not get, nor was overtaken, on every place."""
    there = {(instance, ordinal): (version, text) for instance, ordinal, version, text in census["publications"]}
    ended = Counter((row[1], row[2]) for row in census["deliveries"] if row[4] in {"delivered", "superseded"})
    return [
        one
        for one in acknowledged
        if there.get((one.instance, one.ordinal)) != (one.version, one.digest)
        or ended[one.instance, one.ordinal] < len(prompts[one.instance])
    ]


def _twice(census: dict[str, Any]) -> int:
    """Texts are all different, so a text that was published twice is one request that had two effects."""
    return len(census["publications"]) - len({(instance, text) for instance, _, _, text in census["publications"]})


def _without_key(census: dict[str, Any], ledgers: list[list[dict[str, Any]]]) -> int:
    """Webhooks whose key is not that of a delivery of this very publication to this very place."""
    known = {row[0]: (row[1], row[2], row[3]) for row in census["deliveries"]}
    return sum(
        known.get(line["key"]) != (line["instance"], line["ordinal"], line["place"])
        for lines in ledgers
        for line in lines
    )


def _stale(ledger: list[dict[str, Any]]) -> tuple[int, float]:
    """How often an older text replaced a newer one, and the longest time that it stayed."""
    count, longest = 0, 0.0
    by_place = defaultdict(list)
    for line in ledger:
        if line["taken"]:
            by_place[line["place"]].append(line)
    for lines in by_place.values():
        top, since = 0, None
        for line in lines:
            if line["ordinal"] < top and since is None:
                count, since = count + 1, line["at"]
            elif line["ordinal"] >= top:
                if since is not None:
                    longest, since = max(longest, line["at"] - since), None
                top = line["ordinal"]
    return count, longest


def command(run: Callable[..., Measured], full: Any, small: Any, *, databases: tuple[str, ...]) -> int:
    """The command of a bar: measure at full size on each database asked for; 1 when the floor is missed."""
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--database", choices=databases, action="append")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PROMPTHUB_TEST_SEED") or 1))
    parser.add_argument("--small", action="store_true", help="the size of the suite")
    chosen = parser.parse_args()
    passed = True
    for database in chosen.database or databases:
        measured = run(database, chosen.seed, small if chosen.small else full)
        sys.stdout.write(f"{measured}\n")
        sys.stdout.flush()
        passed = passed and measured.passed
    return 0 if passed else 1
