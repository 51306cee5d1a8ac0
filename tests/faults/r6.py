"""R6: PostgreSQL crashes during publishes; nobody of ours is started again."""

from __future__ import annotations

import time

from tests.faults import storm
from tests.faults.publishers import Publishers
from tests.faults.rig import Rig
from tests.faults.storm import Scale
from tests.faults.verdict import Measured, command, judge

FULL = Scale(publishes=400, crashes=2)
SMALL = Scale(publishes=40, crashes=1)
DOWN_SECONDS = 2.0


def run(database: str, seed: int, scale: Scale) -> Measured:
    """No acknowledged publish is lost, and web, workers and beat go on by themselves when the database is back."""
    floor = f"{scale.crashes} crashes: 0 acknowledged publishes lost, no restart of ours"
    measured = Measured("R6", database, seed, floor)
    with Rig(database, seed=seed, supervised=False) as rig:
        rig.ask("strange")
        publishers = Publishers(rig, scale.publishes)
        back: list[float] = []

        def crash() -> None:
            rig.crash_postgres(DOWN_SECONDS)
            began, before = time.monotonic(), publishers.done
            while publishers.running and publishers.done == before:
                time.sleep(0.01)
            back.append(time.monotonic() - began)

        storm.through(rig, publishers, [crash] * scale.crashes)
        answers = publishers.answers
        measured.figures["refusals"] = dict(publishers.refusals)
        others = {status for status in answers if status not in {0, 503} and not 200 <= status < 300}
        measured.require("other answers", sorted(others), allowed=lambda found: not found)
        measured.figures["first success s"] = round(max(back), 2)
        judge(measured, rig, publishers.acknowledged)
        measured.require("parts that ended", sum(part.process.poll() is not None for part in rig.parts.values()))
    return measured


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("postgres",)))
