"""G8: choosing a release of each of 1,000 bundles, against uv and resolvelib.

    python -m benchmarks.g8_solve

All three are given the same registry (``benchmarks/g8_world.py``): without laggards, with so many that the newest
releases do not go together, and with requirements that cannot be met. uv gets it as a folder of wheels of a few lines,
with its cache warm and no network; its figure is the user and system time of ``uv pip compile``, which includes its
start. Ours includes reading every version and range from text. resolvelib may end after a minute without an answer.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from benchmarks.g8_world import World, contradicted, grow
from benchmarks.installation import ROOT
from benchmarks.measuring import others_share, report
from benchmarks.peers import environment
from prompthub_kernel.errors import Invalid
from prompthub_kernel.selector import parse_selector
from prompthub_kernel.semver import SemVer
from prompthub_kernel.solving import Requirements, solve

BUNDLES = 1_000
SEED = 8
LAGGARDS = 0.02
ROUNDS = 5
RESOLVELIB = ("resolvelib==1.2.1",)
RESOLVELIB_SECONDS = 60


class Texts:
    """The catalogue of a registry: every version and range is read from text when it is asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.select = cache(parse_selector)

    def versions(self, bundle: str) -> list[SemVer]:
        """Read them."""
        return [*map(SemVer.parse, self.world.releases[bundle])]

    def yanked(self, bundle: str) -> tuple[SemVer, ...]:
        """None."""
        return ()

    def requirements(self, bundle: str, version: SemVer) -> Requirements:
        """Read them."""
        return self.read(self.world.releases[bundle][str(version)])

    def read(self, ranges: dict[str, str]) -> Requirements:
        """Selectors by name."""
        return {name: self.select(text) for name, text in ranges.items()}


def ours(world: World) -> dict[str, str] | None:
    """What the solver chooses, None with an explanation why there is nothing."""
    texts = Texts(world)
    try:
        found = solve(texts.read(world.root), texts)
    except Invalid as error:
        if not error.context.get("explanation"):
            raise
        return None
    return {name: str(version) for name, version in found.versions.items()}


def fits(world: World, chosen: dict[str, str]) -> bool:
    """Whether the choice meets all that it needs."""
    select = cache(parse_selector)
    asked = [world.root, *(world.releases[name][version] for name, version in chosen.items())]
    return all(
        name in chosen and select(text).matches(SemVer.parse(chosen[name]))
        for ranges in asked
        for name, text in ranges.items()
    )


class Uv:
    """uv with a folder of wheels."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        wheels = folder / "wheels"
        wheels.mkdir()
        for bundle, versions in world.releases.items():
            for version, needed in versions.items():
                write_wheel(wheels, bundle, version, needed)

    def __call__(self, world: World) -> tuple[float, dict[str, str] | None]:
        """CPU seconds, and what uv chooses."""
        asked = "\n".join(name + pep440(text) for name, text in world.root.items())
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [str(Path(sys.executable).parent / "uv"), *("pip", "compile", "-", "--no-header", "--no-annotate")],
            cwd=self.folder,
            env={
                "PATH": os.defpath,
                "HOME": str(self.folder),
                "UV_CACHE_DIR": str(self.folder / "cache"),
                "UV_FIND_LINKS": str(self.folder / "wheels"),
                "UV_NO_INDEX": "1",
                "UV_OFFLINE": "1",
                "UV_NO_CONFIG": "1",
                "UV_PYTHON": sys.executable,
            },
            input=asked,
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode and "unsatisfiable" not in done.stderr:
            raise SystemExit(f"uv: {done.stderr}")
        pins = dict(line.split("==") for line in done.stdout.splitlines())
        return used, None if done.returncode else pins


def write_wheel(folder: Path, bundle: str, version: str, needed: dict[str, str]) -> None:
    """A wheel with nothing but what it needs."""
    lines = ["Metadata-Version: 2.1", f"Name: {bundle}", f"Version: {version}"]
    lines += [f"Requires-Dist: {name}{pep440(text)}" for name, text in needed.items()]
    inside = f"{bundle}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{bundle}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{inside}/METADATA", "\n".join([*lines, ""]))
        wheel.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{inside}/RECORD", "")


def pep440(text: str) -> str:
    """A range as Python's packages write it."""
    if text.startswith("^"):
        return f">={text[1:]},<{int(text[1:].partition('.')[0]) + 1}"
    return "" if text == "*" else text if text.startswith(">=") else f"=={text}"


def resolvelib_seconds(python: Path, laggards: float) -> tuple[float, bool]:
    """CPU seconds that resolvelib takes, and whether it came to an end."""
    command = [str(python), "-m", "benchmarks.g8_resolvelib", str(BUNDLES), str(SEED), str(laggards)]
    limit = (RESOLVELIB_SECONDS, RESOLVELIB_SECONDS)
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
    )
    if done.returncode < 0:
        return float(RESOLVELIB_SECONDS), False
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout.split()[0]), True


def cpu(side: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    side()
    return time.process_time() - begun


def measure(what: str, world: World, uv: Uv) -> tuple[float, float]:
    """The median CPU seconds of ours and of uv, in turn."""
    mine, (_, theirs) = ours(world), uv(world)
    if (mine is None) != (theirs is None) or (mine and not (fits(world, mine) and theirs and fits(world, theirs))):
        raise SystemExit(f"{what}: the two sides disagree")
    seconds: tuple[list[float], list[float]] = ([], [])
    with others_share():
        for _ in range(ROUNDS):
            seconds[0].append(cpu(lambda: ours(world)))
            seconds[1].append(uv(world)[0])
    print(f"{what}: {f'{len(mine)} bundles chosen' if mine else 'nothing fits'}")
    for name, side in zip(("prompthub_kernel.solving", "uv pip compile"), seconds, strict=True):
        shown = " / ".join(f"{one * 1e3:,.0f}" for one in (min(side), statistics.median(side), max(side)))
        print(f"  {name:<28} {shown} ms   ({ROUNDS} rounds)")
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def main() -> int:
    """Measure and judge; 1 when a floor is missed."""
    python = environment("resolvelib", RESOLVELIB)
    met = []
    for what, laggards in (("newest releases fit", 0.0), ("newest releases conflict", LAGGARDS)):
        world = grow(BUNDLES, seed=SEED, laggards=laggards)
        with tempfile.TemporaryDirectory(prefix="prompthub-bench-uv-") as folder:
            uv = Uv(Path(folder), world)
            own, theirs = measure(what, world, uv)
            met.append(report(f"G8 {what}, uv's CPU", 2, own / theirs, False, aim=1))  # noqa: FBT003
            if laggards:
                refused = next(
                    one for bundle in reversed(world.releases) if ours(one := contradicted(world, bundle)) is None
                )
                own_refused, theirs = measure("nothing fits", refused, uv)
                met.append(report("G8 nothing fits, explained, uv's", 2, own_refused / theirs, False, aim=1))  # noqa: FBT003
        seconds, ended = resolvelib_seconds(python, laggards)
        print(f"  resolvelib: {seconds:,.1f} s" + ("" if ended else " without an answer"))
        met.append(report(f"G8 {what}, resolvelib", 10, seconds / own))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
