"""R1: publishes under kill -9, pauses longer than the lease, killed connections and a provider that fails."""

from __future__ import annotations

from tests.faults import storm
from tests.faults.publishers import Publishers
from tests.faults.rig import Rig
from tests.faults.storm import Scale
from tests.faults.verdict import Measured, command, judge

FULL = Scale(publishes=2_000, kills=60, terms=6, pauses=12, backends=20)
SMALL = Scale(publishes=60, kills=4, terms=1, pauses=1, backends=2)


def run(database: str, seed: int, scale: Scale) -> Measured:
    """Nothing is lost, nothing ends wrong, nothing is stuck, and every repetition carries its key."""
    floor = f"{scale.publishes} publishes, {scale.kills} kills: 0 lost, 0 wrong, 0 stuck, every duplicate with its key"
    measured = Measured("R1", database, seed, floor)
    with Rig(database, seed=seed, prompts=20 if scale.publishes > 500 else 5) as rig:
        publishers = Publishers(rig, scale.publishes)
        storm.through(rig, publishers, storm.faults(rig, scale))
        measured.figures |= {
            "kills": scale.kills,
            "told to stop": scale.terms,
            "pauses": scale.pauses,
            "backends killed": scale.backends,
        }
        judge(measured, rig, publishers.acknowledged)
    return measured


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("postgres",)))
