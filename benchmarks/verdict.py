"""Every bar at full size, one after the other, then one table: ``make verdict [ARGS="--only G9,G10"]``.

A bar is a command that prints lines as ``benchmarks.measuring.report`` does: its id, ``floor``, ``measured``, and PASS
or FAIL. The verdict is not the printed word alone: a bar passes when its command ended with 0 within its time, printed
at least one such line, and none of them says FAIL. A command that is missing fails its bar; nothing is ever skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LINE = re.compile(
    r"^(?P<bar>[A-Z]\d+b?)\b\s*(?P<what>.*?)\s*\bfloor (?P<floor>.+?)(?:\s{2,}aim .+?)?\s{2,}"
    r"measured (?P<measured>.+?)\s{2,}(?P<word>PASS|FAIL)\b"
)
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """What shows a bar: a module and its arguments, the minutes it may take, what it runs on."""

    id: str
    module: str
    minutes: float
    database: str = "none"
    arguments: tuple[str, ...] = ()
    seeded: bool = False


LARGE = "PostgreSQL"
WHOLE = "PostgreSQL + Redis"
BROWSER = "SQLite, Chromium"
BARS = (
    Bar("G1", "benchmarks.g1_fetch", 40, LARGE),
    Bar("G2", "benchmarks.g2_miss", 30, LARGE),
    Bar("G3", "benchmarks.g3_create", 30, LARGE),
    Bar("G3b", "benchmarks.g3b_publish", 60, LARGE, seeded=True),
    Bar("G4", "benchmarks.g4_list", 40, LARGE),
    Bar("G8", "benchmarks.g8_solve", 20),
    Bar("G9", "benchmarks.g9_diff", 10),
    Bar("G10", "benchmarks.g10_variables", 10),
    Bar("G11", "benchmarks.g11_render", 10),
    Bar("R1", "tests.faults.r1", 90, WHOLE, seeded=True),
    Bar("R2", "tests.faults.r2", 60, WHOLE, seeded=True),
    Bar("R3", "tests.faults.r3", 60, "SQLite", seeded=True),
    Bar("R4", "tests.faults.r4", 60, LARGE, seeded=True),
    Bar("R5", "tests.faults.r5", 30, "PostgreSQL, SQLite", seeded=True),
    Bar("R6", "tests.faults.r6", 60, WHOLE, seeded=True),
    Bar("R10", "tests.faults.r10", 30, WHOLE, seeded=True),
    Bar("S2", "benchmarks.s2_templates", 30),
    Bar("S3", "benchmarks.suites", 60, LARGE, ("S3",), seeded=True),
    Bar("S5", "benchmarks.suites", 30, LARGE, ("S5",)),
    Bar("S6", "benchmarks.s6_egress", 15),
    Bar("S7", "benchmarks.suites", 30, LARGE, ("S7",)),
    Bar("S10", "benchmarks.s10_coverage", 60, "SQLite, PostgreSQL"),
    Bar("S11", "benchmarks.s11_supply", 10),
    Bar("P1", "benchmarks.suites", 30, BROWSER, ("P1",)),
    Bar("P2", "benchmarks.suites", 15, BROWSER, ("P2",)),
    Bar("P3", "benchmarks.p3_detail", 20, WHOLE),
    Bar("P4", "benchmarks.suites", 20, BROWSER, ("P4",)),
)


@dataclass(slots=True)
class Outcome:
    """How a bar's command ended: the lines it printed for the table, and why it fails, if it does."""

    bar: Bar
    seed: str
    rows: list[dict[str, str]] = field(default_factory=list)
    failure: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything says so."""
        return not self.failure and bool(self.rows) and all(row["word"] == "PASS" for row in self.rows)


def main(arguments: list[str], *, prog: str = "make verdict", kind: str = "") -> int:
    """Exit status: 0 when every chosen bar is met. ``kind`` is the letter that the bars to choose from begin with."""
    bars = [bar for bar in BARS if bar.id.startswith(kind)]
    parser = argparse.ArgumentParser(prog=prog, description="Measure bars and print floor, value, pass or fail.")
    parser.add_argument("--only", default="", help="bars with commas between, as G9,G10")
    parser.add_argument("--seed", type=int, default=20260105, help="of the bars that choose by chance")
    chosen = parser.parse_args(arguments)
    wanted = {name for name in chosen.only.upper().replace("B", "b").split(",") if name}
    if unknown := wanted - {bar.id for bar in bars}:
        parser.error(f"no such bar: {', '.join(sorted(unknown))}; there are {', '.join(bar.id for bar in bars)}")
    outcomes = [run(bar, chosen.seed) for bar in bars if not wanted or bar.id in wanted]
    table(outcomes)
    missed = [outcome.bar.id for outcome in outcomes if not outcome.passed]
    say(
        f"\n{len(outcomes) - len(missed)} of {len(outcomes)} bars met"
        + (f"; missed: {', '.join(missed)}" * bool(missed))
        + f"; {sum(outcome.seconds for outcome in outcomes) / 60:.0f} minutes"
    )
    return 1 if missed else 0


def run(bar: Bar, seed: int) -> Outcome:
    """Run one bar's command to its end or the end of its time; its lines are shown as they come."""
    outcome = Outcome(bar, str(seed) if bar.seeded else "–")
    say(f"\n=== {bar.id}: python -m {' '.join((bar.module, *bar.arguments))}, at most {bar.minutes:g} minutes")
    if not exists(bar.module):
        outcome.failure = f"there is no {bar.module}"
        return outcome
    began = time.monotonic()
    late = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-u", "-m", bar.module, *bar.arguments],
        cwd=ROOT,
        env=os.environ | {"PROMPTHUB_TEST_SEED": str(seed)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        clock = threading.Timer(bar.minutes * 60, lambda: (late.set(), _end(process)))
        clock.start()
        try:
            assert process.stdout
            for line in process.stdout:
                say(f"{bar.id:4}| {line.rstrip()}")
                if (match := LINE.match(line)) and match["bar"] == bar.id:
                    outcome.rows.append(match.groupdict())
            status = process.wait()
        except KeyboardInterrupt:
            _end(process)
            raise
        finally:
            clock.cancel()
    outcome.seconds = time.monotonic() - began
    say(f"=== {bar.id}: ended after {outcome.seconds:.0f} seconds")
    if late.is_set():
        outcome.failure = f"not finished after {bar.minutes:g} minutes"
    elif status:
        outcome.failure = f"ended with status {status}"
    elif not outcome.rows:
        outcome.failure = "printed no figure"
    return outcome


def exists(module: str) -> bool:
    """Whether there is such a command."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def table(outcomes: list[Outcome]) -> None:
    """All bars, aligned."""
    head = ("bar", "database", "seed", "what", "floor", "measured", "verdict")
    rows = [head]
    for outcome in outcomes:
        bar = outcome.bar
        rows += [
            (bar.id, bar.database, outcome.seed, row["what"], row["floor"], row["measured"], row["word"])
            for row in outcome.rows
        ]
        if not outcome.passed and all(row["word"] == "PASS" for row in outcome.rows):
            rows.append((bar.id, bar.database, outcome.seed, bar.module, "", outcome.failure, "FAIL"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    say("")
    for index, row in enumerate(rows):
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if index == 0:
            say("  ".join("-" * width for width in widths))


def _end(process: subprocess.Popen[str]) -> None:
    """End the command and whatever it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return


def say(line: str) -> None:
    """One line, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
