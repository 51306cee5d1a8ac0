"""Writes that are given up rather than waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def impatient() -> Iterator[None]:
    """A write inside the block raises OperationalError at once, where SQLite's one writer is somebody else.

    For a single statement outside of a transaction. PostgreSQL locks rows, not the database, so it is left alone.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        [patience] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")
