"""What the database itself does when rows change: it refuses changes of sealed and append-only rows, and more.

Installed after every migrate (SQLite rebuilds tables and drops their triggers silently) and asserted when a
server or worker starts. The one change of a sealed row that is allowed is the erasure of a column the model names
``erasable``. Packages upstairs add triggers of their own with :func:`also`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models

from foundation.models import TOMBSTONE, Mutability

MESSAGE = "409.sealed: rows of this table are never changed or deleted"


@dataclass(frozen=True, slots=True)
class Deed:
    """What triggers do, in either database's words. ``name`` is that of its function on PostgreSQL."""

    name: str
    postgresql: str
    sqlite: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A deed before an event on a table. ``event`` is SQL, as is ``scope``, which is ``FOR EACH`` row or statement."""

    name: str
    table: str
    event: str
    scope: str
    deed: Deed


@dataclass(frozen=True, slots=True)
class Addition:
    """Triggers of a package upstairs. They need the table ``rests_on``; ``settled`` runs when they were installed."""

    triggers: Callable[[], Iterable[Trigger]]
    rests_on: Callable[[], str]
    settled: Callable[[], None]


REFUSAL = Deed(
    "prompthub_refuse_change",
    f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';",
    f"SELECT RAISE(ABORT, '{MESSAGE}');",
)
_additions: list[Addition] = []


def also(addition: Addition) -> None:
    """Have these triggers installed, removed and asserted with all others; called once, when an app is ready."""
    if addition not in _additions:
        _additions.append(addition)


def guarded() -> list[type[models.Model]]:
    """The models whose rows never change."""
    unchanging = {Mutability.SEALED, Mutability.APPEND_ONLY}
    return [model for model in apps.get_models() if getattr(model, "mutability", None) in unchanging]


def names(model: type[models.Model]) -> list[str]:
    """The names of a model's refusals: against update and delete, on PostgreSQL also against truncate."""
    return [trigger.name for trigger in _refusals(model)]


def expected() -> list[Trigger]:
    """Every trigger that should be there."""
    refusals = [trigger for model in guarded() for trigger in _refusals(model)]
    return refusals + [trigger for addition in _additions for trigger in addition.triggers()]


def install(**_: Any) -> None:
    """Create the triggers that are not there, on the default database (a receiver of ``post_migrate``)."""
    existing = set(connection.introspection.table_names())
    ready = [addition for addition in _additions if addition.rests_on() in existing]
    wanted = [trigger for model in guarded() for trigger in _refusals(model)]
    wanted += [trigger for addition in ready for trigger in addition.triggers()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for deed in dict.fromkeys(trigger.deed for trigger in wanted):
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {deed.name}() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN {deed.postgresql} RETURN NULL; END $$"
                )
        for trigger in wanted:
            if trigger.table in existing:
                for statement in _statements(trigger):
                    cursor.execute(statement)
    for addition in ready:
        addition.settled()


def remove() -> None:
    """Drop all triggers: for the flush of a test database, never in production."""
    with connection.cursor() as cursor:
        for trigger in expected():
            suffix = f" ON {_quoted(trigger.table)}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {_quoted(trigger.name)}{suffix}")


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
    return [trigger.name for trigger in expected() if trigger.name not in present]


def heeded() -> bool:
    """Whether this connection's every deletion meets the triggers: SQLite spares those of REPLACE unless told."""
    if connection.vendor == "postgresql":
        return True
    with connection.cursor() as cursor:
        return bool(cursor.execute("PRAGMA recursive_triggers").fetchone()[0])


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _refusals(model: type[models.Model]) -> Iterator[Trigger]:
    table = model._meta.db_table
    unless_erased = f"FOR EACH ROW WHEN (NOT ({_only_erases(model)}))"
    yield Trigger(f"{table}_no_update", table, "UPDATE", unless_erased, REFUSAL)
    yield Trigger(f"{table}_no_delete", table, "DELETE", "FOR EACH ROW", REFUSAL)
    if connection.vendor == "postgresql":
        yield Trigger(f"{table}_no_truncate", table, "TRUNCATE", "FOR EACH STATEMENT", REFUSAL)


def _statements(trigger: Trigger) -> Iterator[str]:
    name, table = _quoted(trigger.name), _quoted(trigger.table)
    what = f"{name} BEFORE {trigger.event} ON {table} {trigger.scope}"
    if connection.vendor == "postgresql":
        yield f"CREATE OR REPLACE TRIGGER {what} EXECUTE FUNCTION {trigger.deed.name}()"
        return
    yield f"DROP TRIGGER IF EXISTS {name}"
    yield f"CREATE TRIGGER {what} BEGIN {trigger.deed.sqlite} END"


def _only_erases(model: type[models.Model]) -> str:
    """A condition: every column is unchanged, or is erasable and became the tombstone."""
    erasable = getattr(model, "erasable", ())
    if not erasable:
        return "1 = 0"
    postgresql = connection.vendor == "postgresql"
    same = "IS NOT DISTINCT FROM" if postgresql else "IS"
    conditions = []
    for field in model._meta.concrete_fields:
        json = isinstance(field, models.JSONField)
        as_text = "::text" if json and postgresql else ""  # json knows no equality
        old, new = (f"{row}.{_quoted(str(field.column))}{as_text}" for row in ("OLD", "NEW"))
        unchanged = f"{new} {same} {old}"
        if field.name in erasable:
            tombstone = f"'\"{TOMBSTONE}\"'" if json else f"'{TOMBSTONE}'"
            unchanged = f"({unchanged} OR {new} {same} {tombstone})"
        conditions.append(unchanged)
    return " AND ".join(conditions)
