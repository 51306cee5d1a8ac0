"""How the database would answer a statement: whether the index is there that a question needs."""

from __future__ import annotations

from django.db import connection, transaction


def plan(statement: str) -> str:
    """The plan of one statement that ran, told by the database; small tables count as large ones."""
    postgresql = connection.vendor == "postgresql"
    with transaction.atomic(), connection.cursor() as cursor:
        if postgresql:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"{'EXPLAIN' if postgresql else 'EXPLAIN QUERY PLAN'} {statement}")
        return "\n".join(str(row) for row in cursor.fetchall())
