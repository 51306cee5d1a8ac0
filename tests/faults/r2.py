"""R2: the same as R1 with Redis lost, and the API while it is down."""

from __future__ import annotations

from tests.faults import storm
from tests.faults.publishers import Publishers
from tests.faults.rig import Rig
from tests.faults.storm import Scale
from tests.faults.verdict import Measured, command, judge

FULL = Scale(publishes=1_000, kills=20, redis_losses=2)
SMALL = Scale(publishes=40, kills=1, redis_losses=1)
DOWN_SECONDS = 3.0


def run(database: str, seed: int, scale: Scale) -> Measured:
    """While the broker is away every request is answered with 2xx, and nothing published meanwhile is lost."""
    floor = f"{scale.publishes} publishes, {scale.redis_losses} losses of Redis: 0 lost, 0 wrong, 0 stuck, 100 % 2xx"
    measured = Measured("R2", database, seed, floor)
    with Rig(database, seed=seed) as rig:
        publishers = Publishers(rig, scale.publishes)
        meanwhile: list[int] = []

        def lose_redis() -> None:
            before = publishers.done
            rig.lose_redis(DOWN_SECONDS)
            meanwhile.append(publishers.done - before)

        kills = storm.faults(rig, scale, only=("worker", "beat"))
        storm.through(rig, publishers, storm.mixed(seed, kills, [lose_redis] * scale.redis_losses))
        measured.figures["kills"] = scale.kills
        measured.require("published while it was down", sum(meanwhile), allowed=lambda count: count > 0)
        measured.require("not 2xx", dict(publishers.refusals), allowed=lambda refusals: not refusals)
        measured.figures["slowest answer s"] = round(publishers.slowest, 2)
        judge(measured, rig, publishers.acknowledged)
    return measured


if __name__ == "__main__":
    raise SystemExit(command(run, FULL, SMALL, databases=("postgres",)))
