"""What happens to a rig while others publish through it: so many of each fault, spread evenly over the publishes."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.faults.publishers import Publishers
from tests.faults.rig import LEASE_SECONDS, Part, Rig


@dataclass(frozen=True)
class Scale:
    """How much: publishes, and of each fault how many."""

    publishes: int
    kills: int = 0
    terms: int = 0
    pauses: int = 0
    backends: int = 0
    redis_losses: int = 0
    crashes: int = 0


def through(rig: Rig, publishers: Publishers, acts: list[Callable[[], None]]) -> None:
    """Let ``publishers`` publish everything, and do one act after the other in between."""
    publishers.start()
    for number, act in enumerate(acts, start=1):
        while publishers.running and publishers.done < publishers.count * number / (len(acts) + 1):
            time.sleep(0.01)
        act()
    publishers.finish()


def faults(rig: Rig, scale: Scale, *, only: tuple[str, ...] = ("worker", "web", "beat")) -> list[Callable[[], None]]:
    """Kills of children, mains and groups, orders to stop, pauses longer than a lease, and killed connections."""
    dice = random.Random(rig.seed)
    kinds = [lambda: kill_child(rig, dice), lambda: kill_group(rig, dice, only), lambda: kill_main(rig, dice)]
    acts = [dice.choices(kinds, weights=[6, 3, 1])[0] for _ in range(scale.kills)]
    acts += [lambda: dice.choice(rig.those("worker")).signal(signal.SIGTERM, alone=True)] * scale.terms
    acts += [lambda: rig.pause(dice.choice(rig.those("worker")), LEASE_SECONDS * 1.6)] * scale.pauses
    acts += [rig.kill_backends] * scale.backends
    dice.shuffle(acts)
    return acts


def kill_child(rig: Rig, dice: random.Random) -> None:
    """``kill -9`` of one process in a worker's pool."""
    for worker in dice.sample(rig.those("worker"), len(rig.those("worker"))):
        if children := worker.children():
            child = dice.choice(children)
            signal_one(child)
            return
    kill_group(rig, dice, ("worker",))


def kill_group(rig: Rig, dice: random.Random, only: tuple[str, ...]) -> None:
    """``kill -9`` of a whole worker, of the web server or of beat."""
    weights = {"worker": 7, "web": 2, "beat": 1}
    kind = dice.choices(only, weights=[weights[name] for name in only])[0]
    dice.choice(rig.those(kind)).signal(signal.SIGKILL)


def kill_when_it_serves(rig: Rig, web: Part) -> None:
    """``kill -9`` of a server, once it has come up after the last one."""
    rig.await_port(rig.web_ports[0])
    web.signal(signal.SIGKILL)


def mixed(seed: int, *acts: list[Callable[[], None]]) -> list[Callable[[], None]]:
    """Several kinds of acts in one order that the seed gives."""
    found = [act for some in acts for act in some]
    random.Random(seed).shuffle(found)
    return found


def kill_main(rig: Rig, dice: random.Random) -> None:
    """``kill -9`` of a worker's main process, which leaves its pool behind."""
    dice.choice(rig.those("worker")).signal(signal.SIGKILL, alone=True)


def signal_one(pid: int) -> None:
    """``kill -9`` of one process of the rig."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
