"""What a process remembers of who may do what: exactly as long as it is true.

Every call asks who holds a token, where a project is and which roles an account has there. The answers change a few
times a day, so they are remembered, under the *access epoch*: a random word in a table of one row that the database
itself renews, by triggers, in the very transaction in which anything changes that an answer rests on. A request reads
the epoch, one cheap statement, and uses what was remembered under it.

Nothing here is ever out of date, because

- the epoch and the change it tells of are committed together, and whoever changes anything holds the epoch's row
  until then, so changes happen one after the other and each leaves an epoch of its own (random, not counted: what was
  rolled back, flushed or restored from a backup never comes back as another state's epoch);
- what is loaded under an epoch was read after it, so it is that state's or a newer one's;
- inside a transaction nothing is remembered or recalled: the database is asked, and sees what the transaction did;
- a request that has written anything stops recalling, for it may have been a right.

What depends on the time (a token's end) is compared at every request, by the caller.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from string import Template
from typing import Any, TypeVar

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth import models as auth
from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from foundation.triggers import Addition, Deed, Trigger
from tenancy.models import AccessEpoch, Client, Project, ServiceToken

MOST = 100_000
"""Answers that are remembered; beyond, all are forgotten and asked anew."""

T = TypeVar("T")
_EPOCH = Template("SELECT value FROM $table").substitute(table=AccessEpoch._meta.db_table)
_RENEWAL = {
    "postgresql": Template(
        "INSERT INTO $table (id, value) VALUES (1, gen_random_uuid()::text) "
        "ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value"
    ),
    # Without ON CONFLICT: on SQLite the statement that fires a trigger decides about conflicts.
    "sqlite": Template("DELETE FROM $table; INSERT INTO $table (id, value) VALUES (1, lower(hex(randomblob(16))))"),
}


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What was learned under one epoch."""

    epoch: str
    answers: dict[Hashable, Any] = field(default_factory=dict)


class _Writes:
    """Counts the statements of one connection that may have changed something."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        """An execute wrapper of Django: run the statement."""
        if not (isinstance(sql, str) and sql.startswith("SELECT")):
            self.seen += 1
        return execute(sql, params, many, context)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one request may recall, until it writes; it belongs to the request's thread and ends with the request."""

    snapshot: _Snapshot
    database: Any
    writes: _Writes
    written: int
    thread: int

    def holds(self) -> bool:
        """Whether nothing happened on this connection that could make an answer another one."""
        return self.writes.seen == self.written and self.thread == threading.get_ident() and _outside(self.database)


_latest = _Snapshot("")


def look() -> Sight | None:
    """Read the epoch. None inside a transaction, where nothing is recalled."""
    global _latest  # noqa: PLW0603 - one reference, replaced whole
    database = connections[DEFAULT_DB_ALIAS]
    if not _outside(database):
        return None
    with database.cursor() as cursor:
        cursor.execute(_EPOCH)
        row = cursor.fetchone()
    if row is None:
        return None
    snapshot = _latest
    if snapshot.epoch != row[0] or len(snapshot.answers) > MOST:
        snapshot = _latest = _Snapshot(row[0])
    writes = _counter(database)
    return Sight(snapshot, database, writes, writes.seen, threading.get_ident())


def recall(sight: Sight | None, question: Hashable, ask: Callable[[], T]) -> T:
    """The answer to a question, asked of the database unless it is remembered. None is never remembered."""
    if sight is None or not sight.holds():
        return ask()
    answers = sight.snapshot.answers
    known = answers.get(question)
    if known is None:
        known = ask()
        if known is not None:
            answers[question] = known
    return known  # type: ignore[no-any-return]


def renew() -> None:
    """A new epoch, whatever happened."""
    with connection.cursor() as cursor:
        for statement in _renewal().split("; "):
            cursor.execute(statement)


def triggers() -> Iterator[Trigger]:
    """On every table an answer rests on: before each change that could make it another one."""
    deed = Deed("prompthub_renew_access", _renewal() + ";", _renewal() + ";")
    postgresql = connection.vendor == "postgresql"
    scope = "FOR EACH STATEMENT" if postgresql else "FOR EACH ROW"
    for model, beside in _watched():
        table = model._meta.db_table
        columns = [str(one.column) for one in model._meta.concrete_fields if one.name not in beside]
        updated = f"UPDATE OF {', '.join(map(connection.ops.quote_name, columns))}"
        yield Trigger(f"{table}_access_insert", table, "INSERT", scope, deed)
        yield Trigger(f"{table}_access_update", table, updated, scope, deed)
        yield Trigger(f"{table}_access_delete", table, "DELETE", scope, deed)
        if postgresql:
            yield Trigger(f"{table}_access_truncate", table, "TRUNCATE", scope, deed)


ADDITION = Addition(triggers=triggers, rests_on=lambda: AccessEpoch._meta.db_table, settled=renew)


def _watched() -> Iterator[tuple[type[models.Model], frozenset[str]]]:
    """The models whose rows decide, each with the fields that do not."""
    users: Any = get_user_model()
    yield ServiceToken, frozenset({"last_used_at"})
    yield users, frozenset({"last_login"})
    memberships = users._meta.get_field("groups").remote_field.through
    grants = [apps.get_model("guardian", name) for name in ("UserObjectPermission", "GroupObjectPermission")]
    for model in (Client, Project, auth.Group, auth.Permission, memberships, *grants):
        yield model, frozenset()


def _renewal() -> str:
    return _RENEWAL[connection.vendor].substitute(table=AccessEpoch._meta.db_table)


def _outside(database: Any) -> bool:
    return database.autocommit and not database.in_atomic_block


def _counter(database: Any) -> _Writes:
    for wrapper in database.execute_wrappers:
        if isinstance(wrapper, _Writes):
            return wrapper
    made = _Writes()
    database.execute_wrappers.append(made)
    return made
