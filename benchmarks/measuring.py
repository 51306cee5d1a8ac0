"""The loop all benchmarks share: sides interleaved, rounds, CPU time, one verdict line for each bar.

Figures are CPU time of this process (``time.process_time``): the wall clock of a shared machine says little.
What others used of the machine meanwhile is printed beside them, so that a bad run can be told from a bad change.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROUNDS = 7
ROUND_SECONDS = 0.05
"""Each side repeats within a round until it has used about this much CPU, so that the clock's step does not matter."""


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds per call in each round."""

    rounds: tuple[float, ...]

    @property
    def minimum(self) -> float:
        """The best round."""
        return min(self.rounds)

    @property
    def median(self) -> float:
        """The middle round: the figure that bars are compared with."""
        return statistics.median(self.rounds)

    @property
    def maximum(self) -> float:
        """The worst round."""
        return max(self.rounds)

    def __str__(self) -> str:
        return " / ".join(f"{seconds * 1e6:,.1f}" for seconds in (self.minimum, self.median, self.maximum)) + " µs"


def interleave(
    sides: Mapping[str, Callable[[], Any]],
    *,
    rounds: int = ROUNDS,
    round_seconds: float = ROUND_SECONDS,
) -> dict[str, Sample]:
    """Measure all sides in turn, round after round, and print ``min / median / max`` of each. At least five rounds."""
    if rounds < 5:
        raise ValueError("fewer than five rounds prove nothing")
    loops = {name: _calibrate(side, round_seconds) for name, side in sides.items()}
    seen: dict[str, list[float]] = {name: [] for name in sides}
    with others_share():
        for _ in range(rounds):
            for name, side in sides.items():
                seen[name].append(_cpu(side, loops[name]) / loops[name])
    samples = {name: Sample(tuple(times)) for name, times in seen.items()}
    for name, sample in samples.items():
        print(f"  {name:<44} {sample}   ({rounds} rounds of {loops[name]})")
    return samples


def report(
    bar: str,
    floor: float,
    measured: float,
    higher_is_better: bool = True,  # noqa: FBT001, FBT002  read aloud beside the figures
    *,
    aim: float | None = None,
    unit: str = "×",
) -> bool:
    """Print one verdict line and say whether the floor is met."""
    met = measured >= floor if higher_is_better else measured <= floor
    sign = "≥" if higher_is_better else "≤"
    aimed = f"   aim {sign} {_figure(aim)} {unit}" if aim is not None else ""
    word = "PASS" if met else "FAIL"
    print(f"{bar:<34} floor {sign} {_figure(floor)} {unit}{aimed}   measured {_figure(measured)} {unit}   {word}")
    return met


def _figure(number: float) -> str:
    """Three digits that count, and all those before the point."""
    return f"{number:,.0f}" if number == int(number) or abs(number) >= 100 else f"{number:.3g}"


@contextmanager
def others_share(*, besides: Iterable[int] = ()) -> Iterator[None]:
    """Print how much of the machine others used while the block ran (Linux; silent elsewhere).

    Others are all but this process and those with the ids ``besides``, with their children.
    """
    ours = list(besides)
    before, own = _busy_seconds(), time.process_time() + cpu_seconds(ours)
    wall = time.monotonic()
    yield
    after, own = _busy_seconds(), time.process_time() + cpu_seconds(ours) - own
    wall = time.monotonic() - wall
    if before is not None and after is not None and wall > 0:
        share = max(0.0, after - before - own) / (wall * (os.cpu_count() or 1))
        print(f"  others used {share:.0%} of the machine meanwhile")


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time that these processes and their children, ended ones too, have used so far (Linux)."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        pid = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        used[pid] = sum(map(int, fields[11:15]))
    total, waiting = 0, list(roots)
    while waiting:
        pid = waiting.pop()
        total += used.get(pid, 0)
        waiting += children.get(pid, [])
    return total / os.sysconf("SC_CLK_TCK")


def _calibrate(side: Callable[[], Any], round_seconds: float) -> int:
    side()  # warm caches are what both sides are compared with
    loops = 1
    while (used := _cpu(side, loops)) < round_seconds / 10:
        loops *= 4
    return max(1, round(loops * round_seconds / used))


def _cpu(side: Callable[[], Any], loops: int) -> float:
    begun = time.process_time()
    for _ in range(loops):
        side()
    return time.process_time() - begun


def _busy_seconds() -> float | None:
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
