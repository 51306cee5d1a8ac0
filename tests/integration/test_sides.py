"""A run for PostgreSQL is on PostgreSQL: a first version of such a suite silently used SQLite twice."""

from __future__ import annotations

import os

from django.conf import settings
from django.db import connection

from tests.services import sides

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
