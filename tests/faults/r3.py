"""R3: the embedded edition, one process that is killed again and again."""

from __future__ import annotations

import signal

from tests.faults import storm
from tests.faults.publishers import Publishers
from tests.faults.rig import Rig
from tests.faults.storm import Scale
from tests.faults.verdict import Measured, command, judge

FULL = Scale(publishes=300, kills=20)
SMALL = Scale(publishes=30, kills=3)


def run(database: str, seed: int, scale: Scale) -> Measured:
    """Whatever was acknowledged is there and arrives, although server, worker and beat die together."""
    floor = f"{scale.publishes} publishes, {scale.kills} kills: 0 lost, 0 wrong, 0 stuck"
    measured = Measured("R3", database, seed, floor)
    with Rig(database, seed=seed) as rig:
        publishers = Publishers(rig, scale.publishes)
        [web] = rig.those("web")
        started = web.started
        storm.through(rig, publishers, [lambda: storm.kill_when_it_serves(rig, web)] * scale.kills)
        measured.require("kills", web.started - started, allowed=lambda count: count >= scale.kills)
        judge(measured, rig, publishers.acknowledged)
        serving = web.process
        web.signal(signal.SIGTERM)
        measured.require("status after SIGTERM", serving.wait(15))
    return measured


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("sqlite",)))
