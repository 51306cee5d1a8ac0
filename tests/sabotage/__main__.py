"""Take away one safeguard after the other: each must turn its test red. ``make sabotage [ARGS="name…"]``.

Everything happens in a copy of the tree that is thrown away. First all the named tests run in the copy as it is and
must be green; then, for each safeguard, the copy is cut, the one test runs and must be red, and the cut is undone.
Ends non-zero when a test did not notice, or was not green to begin with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.sabotage.safeguards import SAFEGUARDS, Safeguard

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".bench", ".state", "__pycache__", ".*_cache", ".coverage*", "build")
SECONDS = 300
PASSED, FAILED = 0, 1  # pytest's exit statuses; the others say that nothing was tested


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of pytest ended."""

    status: int
    closing: str
    seconds: float


def main(chosen: list[str]) -> int:
    """Exit status: 0 when every safeguard is guarded; ``chosen`` are words of the names, none means all."""
    safeguards = [one for one in SAFEGUARDS if not chosen or any(word in one.name for word in chosen)]
    if not safeguards:
        say(f"no safeguard is named so; there are: {', '.join(one.name for one in SAFEGUARDS)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="prompthub-sabotage-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        before = pytest(tree, sorted({one.test for one in safeguards}))
        say(f"before: {before.closing} ({before.seconds:.0f} s)")
        if before.status != PASSED:
            say("the tests are not green to begin with; nothing can be learned")
            return 1
        say(f"\n{'safeguard taken away':<36} {'its test turned':<16} seconds  test")
        survived = [one.name for one in safeguards if not noticed(tree, one)]
    say(f"\n{len(safeguards) - len(survived)} of {len(safeguards)} noticed")
    if survived:
        say("NOT NOTICED: " + "; ".join(survived))
    return 1 if survived else 0


def noticed(tree: Path, safeguard: Safeguard) -> bool:
    """Whether the safeguard's test turns red without it; the tree is whole again afterwards."""
    whole = {cut.path: (tree / cut.path).read_text(encoding="utf-8") for cut in safeguard.cuts}
    try:
        for cut in safeguard.cuts:
            (tree / cut.path).write_text(cut.applied(tree), encoding="utf-8")
        after = pytest(tree, [safeguard.test])
    finally:
        for path, source in whole.items():
            (tree / path).write_text(source, encoding="utf-8")
    red = after.status == FAILED and "failed" in after.closing
    colour = "red" if red else "GREEN" if after.status == PASSED else f"status {after.status}"
    say(f"{safeguard.name:<36} {colour:<16} {after.seconds:7.1f}  {safeguard.test}")
    if not red:
        say(f"{'':<36} {after.closing}")
    return red


def pytest(tree: Path, tests: list[str]) -> Run:
    """Run these tests in the tree, on SQLite, with nothing of the caller's environment that is PromptHub's."""
    variables = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("PROMPTHUB_", "COVERAGE_", "PYTEST_"))
        and name not in {"DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"}
    }
    # A cut and its undoing may fall into the same second: compiled files would hide one of them.
    variables |= {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "--color=no", "-q", "--tb=line", "-p", "no:cacheprovider", *tests]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=tree, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Run(-1, f"not finished after {SECONDS} s", time.monotonic() - began)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return Run(done.returncode, lines[-1] if lines else "no output", time.monotonic() - began)


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
