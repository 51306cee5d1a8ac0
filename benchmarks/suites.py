"""S3, S5 and S7: suites of tests whose outcome is a figure.

    python -m benchmarks.suites S5

The suite runs on PostgreSQL; figures are read from pytest's own report. A test that is skipped proves nothing and
counts as wrong. A suite tells figures of its own by pytest's ``record_property``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks.measuring import report
from benchmarks.verdict import ROOT

ROLES = 6  # five, and none


@dataclass(slots=True)
class Told:
    """What pytest reported: how tests ended, how often each was run, and the figures they recorded (summed)."""

    ended: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    least: dict[str, float] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Tests that did not pass."""
        return sum(count for how, count in self.ended.items() if how != "passed")


@dataclass(frozen=True, slots=True)
class Suite:
    """The file of a bar's tests, and what its report must say."""

    path: str
    judge: Callable[[Told], list[bool]]
    arguments: tuple[str, ...] = ()


def matrix(told: Told) -> list[bool]:
    """S5: each test of the matrix asks every role, at its own and at a foreign client."""
    asked = ROLES * (
        2 * told.runs["test_each_role_may_do_what_it_says_at_its_own_and_nothing_at_a_foreign_client"]
        + told.runs["test_listings_hold_only_what_one_may_see"]
    )
    return [
        report("S5 operation × role × own/foreign", 600, asked, unit="asked"),
        report("S5 wrong", 0, told.wrong, higher_is_better=False, unit=""),
    ]


def sinks(told: Told) -> list[bool]:
    """S7: each test sends secrets through the API and looks for them wherever something is written."""
    return [
        report("S7 tests of sinks", 7, told.ended["passed"], unit=""),
        report("S7 found or not looked for", 0, told.wrong, higher_is_better=False, unit=""),
    ]


def document(told: Told) -> list[bool]:
    """S3: the whole OpenAPI document, all checks; a violation of any kind fails its test."""
    return [
        report("S3 cases", 5_000, told.figures["cases"], aim=50_000, unit=""),
        report("S3 operations", 60, told.figures["operations"], unit=""),
        report("S3 fewest 2xx of an operation", 50, told.least.get("share_of_2xx", 0), unit="%"),
        report("S3 violations", 0, told.wrong, higher_is_better=False, unit=""),
    ]


SUITES = {
    "S3": Suite("tests/hostile/test_schemathesis.py", document),
    "S5": Suite("tests/hostile/test_rights_matrix.py", matrix),
    "S7": Suite("tests/hostile/test_secrets_in_sinks.py", sinks),
}


def run(suite: Suite) -> Told:
    """Run the suite's file on PostgreSQL, and read the report."""
    with tempfile.TemporaryDirectory(prefix="prompthub-suite-") as folder:
        path = Path(folder) / "report.xml"
        arguments = [suite.path, "-q", "-p", "no:cacheprovider", f"--junitxml={path}", *suite.arguments]
        subprocess.run(
            [sys.executable, "-m", "tests.services.sides", "--only", "postgres", "--", *arguments],
            cwd=ROOT,
            env=os.environ | {"PROMPTHUB_TEST_FULL": "fuzz"},
            check=False,
        )
        if not path.exists():
            raise SystemExit("pytest wrote no report")
        return read(path)


def read(path: Path) -> Told:
    """Pytest's JUnit report."""
    told = Told()
    for case in ET.parse(path).iter("testcase"):
        ways = [how for how in ("failure", "error", "skipped") if case.find(how) is not None]
        told.ended[ways[0] if ways else "passed"] += 1
        told.runs[case.get("name", "").partition("[")[0]] += 1
        for figure in case.iter("property"):
            name, number = figure.get("name", ""), float(figure.get("value", "0"))
            told.figures[name] += number  # type: ignore[assignment]
            told.least[name] = min(number, told.least.get(name, number))
    return told


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bar", choices=SUITES)
    suite = SUITES[parser.parse_args(arguments).bar]
    if not (ROOT / suite.path).exists():
        raise SystemExit(f"there is no {suite.path}")
    return 0 if all(suite.judge(run(suite))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
