"""R5: a pack is activated back and forth while it is read at full speed, over HTTP."""

from __future__ import annotations

import bisect
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import Connection
from tests.faults.rig import Rig
from tests.faults.verdict import Measured, command

READERS = 8
OTHERS_SECONDS = 1.0
"""After an activation is acknowledged, other processes than the one that made it may give the old release so long."""
VERSIONS = ("1.0.0", "2.0.0")


@dataclass(frozen=True, slots=True)
class Scale:
    """How many activations, and how many reads at least."""

    activations: int
    reads: int


FULL = Scale(activations=1_000, reads=50_000)
SMALL = Scale(activations=40, reads=1_500)


@dataclass
class Acknowledged:
    """What the activator was told: the ordinals, and when, of all web processes and of each by itself."""

    ordinals: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    by_web: dict[int, int] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)

    def add(self, web: int, ordinal: int) -> None:
        """An activation was answered just now."""
        self.by_web[web] = ordinal
        self.times.append(time.monotonic())
        self.ordinals.append(ordinal)

    def known_before(self, moment: float) -> int:
        """The last ordinal that was acknowledged before a moment."""
        done = bisect.bisect_left(self.times, moment)
        return self.ordinals[done - 1] if done else 0


@dataclass
class Reader:
    """One connection that reads the whole pack and its prompts in turn. ``web`` is the process it reads from."""

    web: int
    connection: Connection
    paths: tuple[str, ...]
    acknowledged: Acknowledged
    reads: int = 0
    mixed: int = 0
    older_here: int = 0
    older_elsewhere: int = 0
    other: int = 0

    def read(self) -> None:
        """One read, and what is wrong with its answer."""
        path = self.paths[self.reads % len(self.paths)]
        began = time.monotonic()
        here = self.acknowledged.by_web.get(self.web, 0)
        elsewhere = self.acknowledged.known_before(began - OTHERS_SECONDS)
        status, content = self.connection.call("GET", path)
        self.reads += 1
        if status != 200:
            self.other += 1
            return
        answer = json.loads(content)
        self.mixed += not self._of_one_release(answer)
        self.older_here += answer["ordinal"] < here
        self.older_elsewhere += answer["ordinal"] < elsewhere

    def _of_one_release(self, answer: dict[str, Any]) -> bool:
        """Whether all texts are of the version that the answer names, and that of the move that it names."""
        version = answer["version"]
        texts = [one["content_md"] for one in answer.get("prompts", {"": answer}).values()]
        expected = self.acknowledged.versions.get(answer["ordinal"], version)
        return version == expected and all(f" of {version}." in text for text in texts)


def run(database: str, seed: int, scale: Scale) -> Measured:
    """No answer mixes two releases; none is older than what its process acknowledged, or another a second ago."""
    floor = f"{scale.activations} activations, {scale.reads} reads: 0 mixed, 0 older"
    measured = Measured("R5", database, seed, floor)
    webs = 2 if database == "postgres" else 1
    with Rig(database, seed=seed, prompts=0, webs=webs, workers=(), supervised=False) as rig:
        found = rig.ask("pack")
        headers = {"Authorization": f"Bearer {rig.world['token']}"}
        address = f"/api/v1/resolve?address=@{found['project']}/{found['bundle']}@active"
        paths = (address, f"{address}/system", address, f"{address}/styles/calm", address, f"{address}/styles/brisk")
        acknowledged = Acknowledged()
        acknowledged.versions[found["ordinal"]] = VERSIONS[0]
        readers = [
            Reader(number % webs, Connection(rig.web_ports[number % webs], headers=headers), paths, acknowledged)
            for number in range(READERS)
        ]
        ended = threading.Event()
        failures: list[Exception] = []

        def keep_reading(reader: Reader) -> None:
            try:
                while not ended.is_set():
                    reader.read()
            except Exception as failure:  # noqa: BLE001 - told below
                failures.append(failure)

        threads = [threading.Thread(target=keep_reading, args=(reader,), daemon=True) for reader in readers]
        for thread in threads:
            thread.start()
        channel = f"/api/v1/projects/{found['project']}/bundles/{found['bundle']}/channels/active"
        movers = [Connection(port, headers=headers) for port in rig.web_ports]
        began, ordinal = time.monotonic(), found["ordinal"]
        for number in range(scale.activations):
            web, version = number % webs, VERSIONS[(number + 1) % 2]
            acknowledged.versions[ordinal + 1] = version
            ordinal = movers[web].must("PUT", channel, {"version": version})["activation"]["ordinal"]
            acknowledged.add(web, ordinal)
        seconds = time.monotonic() - began
        while sum(reader.reads for reader in readers) < scale.reads and not failures:
            time.sleep(0.05)
        ended.set()
        for thread in threads:
            thread.join(10)
        for connection in (*(reader.connection for reader in readers), *movers):
            connection.close()
        measured.figures["activations"] = len(acknowledged.ordinals)
        measured.figures["seconds of activations"] = round(seconds, 1)
        measured.require("reads", sum(one.reads for one in readers), allowed=lambda count: count >= scale.reads)
        measured.require("mixed", sum(one.mixed for one in readers))
        measured.require("older on the same process", sum(one.older_here for one in readers))
        measured.require("older on others after 1 s", sum(one.older_elsewhere for one in readers))
        measured.require("other answers", sum(one.other for one in readers))
        measured.require("failures", [repr(one) for one in failures], allowed=lambda all_: not all_)
        moves = acknowledged.ordinals == list(range(found["ordinal"] + 1, ordinal + 1))
        measured.require("ordinals in a row", moves, allowed=bool)
    return measured


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("postgres", "sqlite")))
