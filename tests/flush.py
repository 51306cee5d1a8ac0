"""A test that commits is cleaned up after: every row goes, past the triggers that refuse it, and the triggers stay.

Django's own flush empties every table there is and makes all content types and permissions anew, which costs more than
most tests do. Here only tables that have rows are looked at, and those two stay as ``migrate`` left them.
"""

from __future__ import annotations

from functools import cache

from django.db import connection, transaction

from foundation import triggers
from tenancy import access

KEPT = {"django_content_type", "auth_permission"}


def flush(_case: object = None) -> None:
    """Delete what was committed: Django's ``TransactionTestCase._fixture_teardown``, for one database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_which_are_filled())
        filled = [connection.ops.quote_name(table) for (table,) in cursor.fetchall()]
        if connection.vendor == "postgresql":
            for table in filled:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for table in filled:
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no trigger is changed while a check of keys waits
            for table in filled:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            access.renew()  # its row is there from the beginning; on SQLite installing makes it
        elif filled:
            triggers.remove()
            for table in filled:
                cursor.execute(f"DELETE FROM {table}")
            triggers.install()
    if triggers.missing():  # a test had taken some away
        triggers.install()


@cache
def _which_are_filled() -> str:
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True)) - KEPT)
    quoted = {table: connection.ops.quote_name(table) for table in tables}
    return " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})" for table, name in quoted.items())
