"""A run for PostgreSQL is on PostgreSQL: a first version of such a suite silently used SQLite twice."""

from __future__ import annotations

import os
import re
from collections import Counter

from django.conf import settings
from django.db import connection

from tests.services import shares, sides

VENDORS = {"sqlite": "sqlite", "postgres": "postgresql"}


def _side():
    return os.environ.get("PROMPTHUB_TEST_SIDE") or ("postgres" if os.environ.get("DATABASE_URL") else "sqlite")


def test_the_database_is_the_one_this_side_is_about(db):
    assert connection.vendor == VENDORS[_side()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if _side() == "sqlite" else "SHOW server_version")
        assert cursor.fetchone()[0][0].isdigit()


def test_what_is_asked_by_hand_is_asked_on_both_databases():
    assert sides.names(None, []) == ("sqlite", "postgres", "browser")
    assert sides.names(None, ["tests/faults"]) == ("sqlite", "postgres")
    assert sides.names("browser", ["tests/e2e"]) == ("browser",)


def test_the_broker_is_the_one_this_side_is_about():
    assert settings.EMBEDDED is (_side() == "sqlite")
    assert settings.CELERY_BROKER_URL.partition(":")[0] == ("memory" if settings.EMBEDDED else "redis")


def test_every_test_is_run_and_what_knows_a_database_on_both(pytestconfig):
    tests = pytestconfig.rootpath / "tests"
    files = {str(path.relative_to(pytestconfig.rootpath)) for path in tests.rglob("test_*.py")}
    on = {side: Counter(file for run in shares.of(side) for file in _files(files, run)) for side in sides.SIDES}
    both = on["sqlite"] & on["postgres"]
    once = (on["sqlite"] | on["postgres"]) - both
    assert all(count == 1 for counted in on.values() for count in counted.values())
    assert {file for file in once if not file.startswith(shares.ONCE)} == set()
    assert set(on["browser"]) == {file for file in files if file.startswith(shares.BROWSER)}
    assert set(both) | set(once) | set(on["browser"]) == files


def test_what_runs_once_knows_no_database(pytestconfig):
    """pytest-django lets a test at the database only when it asks."""
    paths = [pytestconfig.rootpath / name for name in shares.ONCE]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("test_*.py"))]
    assert [
        file.name for file in files if re.search(r"django_db|\b(?:transactional_)?db\b[,)]", file.read_text())
    ] == []


def _files(files, run):
    left_out = tuple(word.removeprefix("--ignore=") for word in run if word.startswith("--ignore="))
    chosen = tuple(word for word in run if not word.startswith("-")) or ("tests",)
    return [file for file in files if file.startswith(chosen) and not file.startswith(left_out or ("-",))]
