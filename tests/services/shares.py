"""Which tests a side runs in a full run, in which order, and which of them are traced for coverage.

Together every test runs on every database it could tell apart, and every line is traced that some test is about. The
whole suite is to take less than a quarter of an hour on two cores, which all sides share: what counts is the processor
time of all together, which :mod:`tests.services.sides` tells at the end. Four things keep it small.

- What knows no database runs once (``ONCE_…``), on the side that has less to do.
- Tracing costs half as much again. Not traced is what goes round the whole product from outside (``FROM_OUTSIDE``:
  faults, bad input, every page for everybody, installations in processes of their own), and everything the second time.
- Cases made by the thousand (random steps against a model, fuzzed requests) are made in full on SQLite; on PostgreSQL
  as many as show that it bears them out, too (``tests/property/effort.py``, ``tests/hostile/test_schemathesis.py``).
- What many tests of a module need is made once for all of them (``tests/once.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

BROWSER = ("tests/e2e",)
ONCE_TRACED = (
    "tests/property",
    "tests/unit/kernel",
    "tests/unit/assist/test_llm.py",
    "tests/verification",
    "tests/contract/adapters",
    "tests/hostile/test_egress.py",
    "tests/hostile/test_schemas.py",
    "tests/hostile/test_templates.py",
)
ONCE_FROM_OUTSIDE = (
    "tests/architecture/test_acceptance.py",
    "tests/architecture/test_files.py",
    "tests/architecture/test_pointers.py",
    "tests/architecture/test_words.py",
    "tests/contract/test_schemas.py",
    "tests/hostile/test_json.py",
    "tests/unit/benchmarks",
)
ONCE = (*ONCE_TRACED, *ONCE_FROM_OUTSIDE)
FROM_OUTSIDE = (
    "tests/faults",
    "tests/hostile",
    "tests/integration/admin/test_pages.py",
    "tests/integration/admin/test_policy.py",
    "tests/integration/gateway/test_pages.py",
    "tests/integration/portal/test_access.py",
    "tests/integration/portal/test_every_word.py",
    "tests/integration/test_readme.py",
    "tests/integration/test_serving.py",
    "tests/integration/test_tracing.py",
    "tests/sabotage",
    "tests/unit/registry/test_channels_at_random.py",
    "tests/unit/registry/test_releases_at_random.py",
)
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
