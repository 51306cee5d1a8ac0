"""The database itself refuses to change sealed and append-only rows.

Installed after every migrate (SQLite rebuilds tables and drops their triggers silently) and asserted when a
server or worker starts. The one change allowed is the erasure of a column the model names ``erasable``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models

from foundation.models import TOMBSTONE, Mutability

FUNCTION = "prompthub_refuse_change"
MESSAGE = "409.sealed: rows of this table are never changed or deleted"


def guarded() -> list[type[models.Model]]:
    """The models whose rows never change."""
    unchanging = {Mutability.SEALED, Mutability.APPEND_ONLY}
    return [model for model in apps.get_models() if getattr(model, "mutability", None) in unchanging]


def names(model: type[models.Model]) -> list[str]:
    """The names of a model's triggers: against update and delete, on PostgreSQL also against truncate."""
    return [name for name, *_ in _refusals(model)]


def install(**_: Any) -> None:
    """Create the triggers that are not there, on the default database (a receiver of ``post_migrate``)."""
    existing = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
        for model in guarded():
            if model._meta.db_table in existing:
                for statement in _statements(model):
                    cursor.execute(statement)


def remove() -> None:
    """Drop all triggers: for the flush of a test database, never in production."""
    with connection.cursor() as cursor:
        for model in guarded():
            for name in names(model):
                suffix = f" ON {_quoted(model._meta.db_table)}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {_quoted(name)}{suffix}")


def missing() -> list[str]:
    """Names of triggers that should be there and are not; empty when all is well."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {row[0] for row in cursor.fetchall()}
    return [name for model in guarded() for name in names(model) if name not in present]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _refusals(model: type[models.Model]) -> Iterator[tuple[str, str, str]]:
    """Name, event and scope of each trigger a model has."""
    table = model._meta.db_table
    yield f"{table}_no_update", "UPDATE", f"FOR EACH ROW WHEN (NOT ({_only_erases(model)}))"
    yield f"{table}_no_delete", "DELETE", "FOR EACH ROW"
    if connection.vendor == "postgresql":
        yield f"{table}_no_truncate", "TRUNCATE", "FOR EACH STATEMENT"


def _statements(model: type[models.Model]) -> Iterator[str]:
    table = _quoted(model._meta.db_table)
    for name, event, scope in _refusals(model):
        if connection.vendor == "postgresql":
            yield (
                f"CREATE OR REPLACE TRIGGER {_quoted(name)} BEFORE {event} ON {table} {scope} "
                f"EXECUTE FUNCTION {FUNCTION}()"
            )
            continue
        yield f"DROP TRIGGER IF EXISTS {_quoted(name)}"
        yield (
            f"CREATE TRIGGER {_quoted(name)} BEFORE {event} ON {table} {scope} "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def _only_erases(model: type[models.Model]) -> str:
    """A condition: every column is unchanged, or is erasable and became the tombstone."""
    erasable = getattr(model, "erasable", ())
    if not erasable:
        return "1 = 0"
    same = "IS NOT DISTINCT FROM" if connection.vendor == "postgresql" else "IS"
    conditions = []
    for field in model._meta.concrete_fields:
        column = _quoted(str(field.column))
        unchanged = f"NEW.{column} {same} OLD.{column}"
        if field.name in erasable:
            json = isinstance(field, models.JSONField)
            tombstone = f"'\"{TOMBSTONE}\"'" if json else f"'{TOMBSTONE}'"
            cast = "::jsonb" if json and connection.vendor == "postgresql" else ""
            unchanged = f"({unchanged} OR NEW.{column} {same} {tombstone}{cast})"
        conditions.append(unchanged)
    return " AND ".join(conditions)
