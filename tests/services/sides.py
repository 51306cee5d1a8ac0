"""The whole suite, all sides at once: ``python -m tests.services.sides [--only SIDE] [-- PYTEST ARGUMENTS]``.

One side is the embedded edition (SQLite, no broker), one the large installation (PostgreSQL and Redis), and one a real
browser that uses the product as ``make run`` starts it (``tests/e2e``; the driver's event loop and Django's tests do
not share a process).
``DATABASE_URL``, ``CELERY_BROKER_URL`` and ``REDIS_URL``, where they are set, are the servers of the second side;
what is not set is started here, before pytest reads the settings.

What a side runs in a full run, :mod:`tests.services.shares` says. A full run ends with the coverage of all together,
what failed, and the closing line of each side; it fails below the floor. What failed is said last, since the end of
the output is all that is kept of many runs.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tests.services import shares
from tests.services.postgresql import postgres
from tests.services.redis_server import redis

ROOT = Path(__file__).resolve().parents[2]
COVERAGE_FLOOR = 95  # per cent of lines, all sides together
KEPT_COVERAGE = ROOT / ".coverage-suite"  # of the last full run that passed, for benchmarks/s10_coverage.py
FAILED_SHOWN = 8  # of each side, at the end
DATABASES = ("sqlite", "postgres")
SIDES = (*DATABASES, "browser")
ADDRESSES = ("DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SUMMARY = re.compile(r"(FAILED|ERROR) tests/")  # pytest's own lines, not a test's captured log


@dataclass
class Side:
    """Runs of pytest, one after the other; their lines are shown as they come, with the side's name before each."""

    name: str
    environment: dict[str, str]
    runs: list[tuple[str, ...]]
    closing: list[str] = field(default_factory=list)
    status: int = 1
    failed: list[str] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    _interrupted: bool = field(default=False, repr=False)

    def run(self) -> None:
        """Run all to the end; ``status`` and ``closing`` are pytest's own, the status of the first that failed."""
        statuses = [self._run(arguments) for arguments in self.runs if not self._interrupted]
        self.status = next(filter(None, statuses), 1 if self._interrupted else 0)

    def _run(self, arguments: tuple[str, ...]) -> int:
        command = [sys.executable, "-m", "pytest", "--color=no", *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout
        closing = "no closing line: pytest did not finish"
        for line in self._process.stdout:
            sys.stdout.write(f"{self.name:8} | {line}")
            sys.stdout.flush()
            plain = COLOURS.sub("", line).strip()
            if SUMMARY.match(plain):
                self.failed.append(plain)
            if re.search(r"\bin \d+(\.\d+)?s\b", plain):
                closing = plain.strip("= ")
        self.closing.append(closing)
        return self._process.wait()

    def interrupt(self) -> None:
        """End pytest before its time."""
        self._interrupted = True
        if self._process and self._process.poll() is None:
            self._process.terminate()


def main(arguments: list[str]) -> int:
    """Exit status: 0 when every side passed and, in a full run, the coverage reaches the floor."""
    parser = argparse.ArgumentParser(prog="make test", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=SIDES, help="one side alone")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    chosen = parser.parse_args(arguments)
    whole = not chosen.only and not chosen.pytest
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, give_up)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prompthub-coverage-")))
        sides = [
            Side(name, environment(name, folder, stack), runs(name, chosen.pytest))
            for name in names(chosen.only, chosen.pytest)
        ]
        threads = [threading.Thread(target=side.run) for side in sides]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            for side in sides:
                side.interrupt()
            for thread in threads:
                thread.join()
            return 130
        covered = measured(folder) if whole else 0
        if whole and not any(side.status for side in sides):
            shutil.copyfile(folder / ".coverage", KEPT_COVERAGE)
    say("")
    for side in sides:
        for line in side.failed[:FAILED_SHOWN]:
            say(f"{side.name:8} {line}")
    for side in sides:
        word = "passed" if side.status == 0 else f"FAILED (status {side.status})"
        say(f"{side.name:8} {word}: {'; '.join(side.closing)}")
    if whole:
        verdict = "reached" if covered == 0 else "MISSED"
        say(f"coverage floor of {COVERAGE_FLOOR} % of lines, all sides together: {verdict}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(f"{time.monotonic() - began:.0f} seconds, {used.ru_utime + used.ru_stime:.0f} of a processor")
    return 1 if covered or any(side.status for side in sides) else 0


def runs(name: str, asked: list[str]) -> list[tuple[str, ...]]:
    """What pytest is asked on a side: what was given by hand, else the side's whole share."""
    return [tuple(asked)] if asked else list(shares.of(name))


def names(only: str | None, asked: list[str]) -> tuple[str, ...]:
    """The sides to run: what pytest is asked by hand is about the databases unless the browser is named."""
    if only:
        return (only,)
    return DATABASES if asked else SIDES


def environment(name: str, folder: Path, stack: ExitStack) -> dict[str, str]:
    """The variables of one side; servers that it needs run until ``stack`` is closed."""
    # Settings of whoever runs the tests are not theirs; only PROMPTHUB_TEST_… speaks to tests.
    found = {
        key: value
        for key, value in os.environ.items()
        if key not in ADDRESSES and (not key.startswith("PROMPTHUB_") or key.startswith("PROMPTHUB_TEST_"))
    }
    found |= {"PROMPTHUB_TEST_SIDE": name, "COVERAGE_FILE": str(folder / f".coverage.{name}")}
    found.pop("PYTHONDONTWRITEBYTECODE", None)  # dozens of processes would each compile the product anew
    if name in {"sqlite", "browser"}:
        return found
    database = os.environ.get("DATABASE_URL") or stack.enter_context(postgres(lasting=False)).url
    broker = os.environ.get("CELERY_BROKER_URL") or os.environ.get("REDIS_URL") or stack.enter_context(redis()).url
    cache = os.environ.get("REDIS_URL") or broker
    return found | {"DATABASE_URL": database, "CELERY_BROKER_URL": broker, "REDIS_URL": cache}


def measured(folder: Path) -> int:
    """Print the coverage of all sides together; the status of coverage, which is not 0 below the floor."""
    report = [sys.executable, "-m", "coverage"]
    variables = os.environ | {"COVERAGE_FILE": str(folder / ".coverage")}
    combined = subprocess.run([*report, "combine", "--quiet", str(folder)], cwd=ROOT, env=variables, check=False)
    say("")
    shown = subprocess.run([*report, "report", f"--fail-under={COVERAGE_FLOOR}"], cwd=ROOT, env=variables, check=False)
    return combined.returncode or shown.returncode


def give_up(*_: object) -> NoReturn:
    """Ctrl-C and SIGTERM are one; a second one does not disturb the stopping of servers."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
