"""S3, S5, S7, P1, P2 and P4: suites of tests whose outcome is a figure.

    python -m benchmarks.suites S5

The suite runs on PostgreSQL, or in a real browser before the embedded edition; figures are read from pytest's own
report. A test that is skipped proves nothing and counts as wrong. A suite tells figures of its own by pytest's
``record_property``.
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
PEOPLE = 7  # five roles, staff without grants, a service's account


@dataclass(slots=True)
class Told:
    """What pytest reported: how tests ended, how often each was run, and the figures they recorded.

    ``figures`` are summed, ``least`` and ``most`` the smallest and the largest that any test told.
    """

    ended: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    least: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Tests that did not pass."""
        return sum(count for how, count in self.ended.items() if how != "passed")


@dataclass(frozen=True, slots=True)
class Suite:
    """The files of a bar's tests, what its report must say, and the side of the suite that runs them."""

    paths: tuple[str, ...]
    judge: Callable[[Told], list[bool]]
    side: str = "postgres"
    arguments: tuple[str, ...] = ()


def matrix(told: Told) -> list[bool]:
    """S5: each test of the matrix asks every role, at its own and at a foreign client; of the API and of the portal."""
    asked = ROLES * (
        2 * told.runs["test_each_role_may_do_what_it_says_at_its_own_and_nothing_at_a_foreign_client"]
        + told.runs["test_listings_hold_only_what_one_may_see"]
    )
    visited = PEOPLE * (
        2 * told.runs["test_each_may_do_what_they_may_at_their_own_and_find_nothing_at_a_foreign_client"]
        + told.runs["test_lists_hold_only_what_one_may_see"]
    )
    return [
        report("S5 operation × role × own/foreign", 600, asked, unit="asked"),
        report("S5 page or form × person × own/foreign", 700, visited, unit="asked"),
        report("S5 wrong", 0, told.wrong, higher_is_better=False, unit=""),
    ]


PAGE = "test_no_page_and_no_form_lets_a_secret_out"
FORM = "test_a_typed_secret_is_not_shown_again"


def sinks(told: Told) -> list[bool]:
    """S7: each test sends secrets through the API or the portal and looks for them wherever something is written."""
    return [
        report("S7 tests of sinks", 7, told.ended["passed"] - told.runs[PAGE] - told.runs[FORM], unit=""),
        report("S7 pages and forms looked through", 60, told.runs[PAGE], unit=""),
        report("S7 secrets typed beside something wrong", 40, told.runs[FORM], unit=""),
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


def looks(told: Told) -> list[bool]:
    """P1: axe's rules and the security policy on every page and every part of the gallery, light and dark."""
    return [
        report("P1 pages × light/dark", 80, told.figures["looks"], unit="looks"),
        report("P1 parts of the gallery × light/dark", 100, told.figures["parts"], unit="looks"),
        report("P1 rules or policy broken", 0, told.wrong, higher_is_better=False, unit="pages"),
    ]


def first_page(told: Told) -> list[bool]:
    """P2: what a browser without a cache is sent for the first page, before and after signing in."""
    kilobytes = told.most.get("bytes", float("inf")) / 1000
    return [
        report("P2 first page transferred", 300, kilobytes, higher_is_better=False, unit="kB"),
        report("P2 not measured", 0, told.wrong, higher_is_better=False, unit=""),
    ]


def markup(told: Told) -> list[bool]:
    """P4: markup stored wherever text is stored, on every page that shows it."""
    return [
        report("P4 pages that show stored markup", 40, told.figures["pages"], unit="pages"),
        report("P4 became a part of a page", 0, told.wrong, higher_is_better=False, unit="pages"),
    ]


HOSTILE, BROWSER = "tests/hostile/", "tests/e2e/"
SUITES = {
    "S3": Suite((f"{HOSTILE}test_schemathesis.py",), document),
    "S5": Suite((f"{HOSTILE}test_rights_matrix.py", f"{HOSTILE}test_rights_matrix_portal.py"), matrix),
    "S7": Suite((f"{HOSTILE}test_secrets_in_sinks.py", f"{HOSTILE}test_secrets_in_pages.py"), sinks),
    "P1": Suite((f"{BROWSER}test_pages.py", f"{BROWSER}test_staff_site.py"), looks, side="browser"),
    "P2": Suite((f"{BROWSER}test_pages.py",), first_page, side="browser", arguments=("-k", "first_page")),
    "P4": Suite((f"{BROWSER}test_markup.py",), markup, side="browser"),
}


def run(suite: Suite) -> Told:
    """Run the suite's files on its side, and read the report."""
    with tempfile.TemporaryDirectory(prefix="prompthub-suite-") as folder:
        path = Path(folder) / "report.xml"
        arguments = [*suite.paths, "-q", "-p", "no:cacheprovider", f"--junitxml={path}", *suite.arguments]
        subprocess.run(
            [sys.executable, "-m", "tests.services.sides", "--only", suite.side, "--", *arguments],
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
            told.most[name] = max(number, told.most.get(name, number))
    return told


def main(arguments: list[str]) -> int:
    """Measure and judge; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bar", choices=SUITES)
    suite = SUITES[parser.parse_args(arguments).bar]
    for path in suite.paths:
        if not (ROOT / path).exists():
            raise SystemExit(f"there is no {path}")
    return 0 if all(suite.judge(run(suite))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
