"""A made-up registry for G8: bundles in ten releases each that grew together, and some that lagged behind.

Release ``n`` of a bundle was made when its neighbours had their release ``n``: it needs up to four of them, most with
``^``, some with ``>=`` or in any version. Laggards need what was current three to five releases earlier, so the newest
releases of many bundles do not go together and a resolver has to find out which older ones do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TypeAlias

RELEASES = 10
NEEDED = 4
ASKED = 20

Ranges: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """``releases[bundle][version][needed]`` is a range (``^1.2``, ``>=1.2``, ``*``); ``root`` is what is asked for."""

    releases: dict[str, dict[str, Ranges]]
    root: Ranges


def grow(count: int, *, seed: int, laggards: float) -> World:
    """A registry of ``count`` bundles of which the first twenty are asked for, in whatever version."""
    choose = random.Random(seed)
    reach = max(60, count * 6 // 100)
    lines = [_line(choose) for _ in range(count)]
    names = [f"b{place:05}" for place in range(count)]
    releases: dict[str, dict[str, Ranges]] = {}
    for place, line in enumerate(lines):
        near = range(place + 1, min(count, place + 1 + reach))
        needed = sorted({choose.choice(near) for _ in range(NEEDED)}) if near else []
        releases[names[place]] = {
            _spelled((*version, 0)): {
                names[other]: _range(choose, lines[other], age, laggards) for other in needed if choose.random() >= 0.1
            }
            for age, version in enumerate(line)
        }
    return World(releases, dict.fromkeys(names[:ASKED], "*"))


def contradicted(world: World, bundle: str) -> World:
    """The same registry, asked for the oldest release of a bundle as well and for the newest of the first twenty."""
    newest = {name: [*world.releases[name]][-1] for name in world.root}
    return World(world.releases, {**newest, bundle: next(iter(world.releases[bundle]))})


def _line(choose: random.Random) -> list[tuple[int, int]]:
    major, minor, line = 1, 0, []
    for _ in range(RELEASES):
        line.append((major, minor))
        major, minor = (major + 1, 0) if choose.random() < 0.25 else (major, minor + 1)
    return line


def _range(choose: random.Random, line: list[tuple[int, int]], age: int, laggards: float) -> str:
    if age >= 6 and choose.random() < laggards:
        age -= choose.randint(3, 5)
    kind = choose.random()
    return f"^{_spelled(line[age])}" if kind < 0.6 else f">={_spelled(line[age])}" if kind < 0.9 else "*"


def _spelled(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
