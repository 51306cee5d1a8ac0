"""The database's clock. Leases and due times use it, so a machine with a wrong clock cannot reorder anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils.dateparse import parse_datetime


def database_now() -> datetime:
    """The database's present time, UTC, aware."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
            found = parse_datetime(cursor.fetchone()[0])
            assert found is not None  # noqa: S101 - the format is the one asked for
            return found.replace(tzinfo=UTC)
        cursor.execute("SELECT clock_timestamp()")
        stamp: datetime = cursor.fetchone()[0]
        return stamp.astimezone(UTC)


def from_database_now(seconds: float) -> datetime:
    """The database's time ``seconds`` from now."""
    return database_now() + timedelta(seconds=seconds)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and ``Z`` (RFC 3339), the one way times are written on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
