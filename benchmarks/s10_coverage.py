"""S10: coverage of the whole suite on both databases, and of the parts that must not have an untested line.

    python -m benchmarks.s10_coverage

Read from what the last ``make test`` that passed left, if no source is newer; else the suite runs again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks.measuring import report
from benchmarks.verdict import ROOT
from tests.services.sides import KEPT_COVERAGE

WHOLE = {
    "guard": ("prompthub_kernel/*guard*.py", "prompthub_kernel/budget.py"),
    "egress": ("foundation/egress*.py", "foundation/addresses.py"),
    "deliveries": ("publishing/deliveries.py",),
    "policy": ("tenancy/policy.py",),
}

PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]["run"]["source"]


def measured() -> dict[str, Any]:
    """Coverage's own report, by file. Raises SystemExit when the suite does not pass: its coverage says nothing."""
    if _stale(KEPT_COVERAGE):
        KEPT_COVERAGE.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-m", "tests.services.sides"], cwd=ROOT, check=False)
        if not KEPT_COVERAGE.exists():
            raise SystemExit("the suite did not pass")
    return _told(KEPT_COVERAGE)


def _told(file: Path) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".json") as told:
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "--fail-under=0", "-o", told.name]
        subprocess.run([*command, f"--data-file={file}"], cwd=ROOT, check=True)
        return json.loads(Path(told.name).read_text(encoding="utf-8"))


def _stale(file: Path) -> bool:
    if not file.exists():
        return True
    sources = (path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py"))
    return max(path.stat().st_mtime for path in sources) > file.stat().st_mtime


def share(files: dict[str, Any], patterns: Iterable[str]) -> float:
    """Per cent of the lines of the files that match; 0 when none does. Prints what is missing."""
    lines = covered = 0
    for name, one in files.items():
        if any(fnmatch(name.replace(os.sep, "/"), pattern) for pattern in patterns):
            lines += one["summary"]["num_statements"]
            covered += one["summary"]["covered_lines"]
            if one["missing_lines"]:
                print(f"  {name}: lines {', '.join(map(str, one['missing_lines'][:20]))} are not covered")
    return 100 * covered / lines if lines else 0.0


def main() -> int:
    """Measure and judge; 1 when a floor is missed."""
    told = measured()
    met = [report("S10 lines, overall", 95, told["totals"]["percent_covered"], unit="%")]
    met += [report("S10 lines, portal", 95, share(told["files"], ("portal/*",)), unit="%")]
    met += [
        report(f"S10 lines, {part}", 100, share(told["files"], patterns), unit="%") for part, patterns in WHOLE.items()
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
