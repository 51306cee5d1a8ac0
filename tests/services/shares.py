"""Which tests a side runs in a full run, in which order, and which of them are traced for coverage.

What knows no database runs once, on the side that has less to do. Tracing costs half as much again: what shows faults
and bad input from outside, or again on the second database, is not traced. Together every test runs on every database
it could tell apart, and every line is traced that some test is about.
"""

from __future__ import annotations

from collections.abc import Iterator

BROWSER = ("tests/e2e",)
ONCE_TRACED = (
    "tests/property",
    "tests/unit/kernel",
    "tests/verification",
    "tests/contract/adapters",
    "tests/hostile/test_egress.py",
)
ONCE_FROM_OUTSIDE = ("tests/hostile/test_json.py", "tests/hostile/test_schemas.py", "tests/hostile/test_templates.py")
ONCE = (*ONCE_TRACED, *ONCE_FROM_OUTSIDE)
FROM_OUTSIDE = ("tests/faults", "tests/hostile", "tests/sabotage")
DIFFERENT_BY_DATABASE = ("tests/unit/foundation", "tests/unit/publishing", "tests/unit/tenancy")
MEASURE = ("--cov", "--cov-report=", "--cov-fail-under=0")


def of(side: str) -> Iterator[tuple[str, ...]]:
    """The arguments of each run of pytest that make up a side's part."""
    if side == "browser":
        yield BROWSER
    elif side == "sqlite":
        yield (*MEASURE, *_but(*BROWSER, *ONCE, *FROM_OUTSIDE))
        yield (*FROM_OUTSIDE, *_but(*ONCE))
    else:
        yield (*MEASURE, *ONCE_TRACED, *DIFFERENT_BY_DATABASE)
        yield _but(*BROWSER, *ONCE_TRACED, *DIFFERENT_BY_DATABASE)


def _but(*paths: str) -> tuple[str, ...]:
    return tuple(f"--ignore={path}" for path in paths)
