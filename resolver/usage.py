"""How often a text is fetched: counted in memory, written now and then.

A fetch costs a look into a dictionary. Every :data:`FLUSH_SECONDS`, and when the process ends, what was counted is
added to the rows of the day; a process that is killed loses at most what it counted since.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from itertools import groupby, islice
from string import Template
from typing import Any, NamedTuple

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.models import F, Q, QuerySet

from foundation.actors import Actor, ActorKind
from resolver import metrics
from resolver.models import OF_CLIENT_ONCE_A_DAY, ONCE_A_DAY, UsageDaily
from resolver.steps import Hit
from tenancy import policy
from tenancy.models import Project

FLUSH_SECONDS = 10.0
"""What a crash loses at most."""
ROWS_AT_ONCE = 500
DAY = 86_400


class Fetched(NamedTuple):
    """What was fetched, as it is counted: by which token (its id), and in which project or client (``""`` for none)."""

    token: str
    project: str
    client: str
    prompt: str
    version: str


_lock = threading.Lock()
_counted: dict[tuple[int, Fetched], list[float]] = {}  # by day: how often, and when last (seconds since 1970)


def fetched(*, found: Hit, actor: Actor) -> Fetched | None:
    """What is counted for a text that an actor gets: tokens are counted, people are not, and shipped texts neither."""
    if actor.kind is not ActorKind.TOKEN or (found.project is None and found.client is None):
        return None
    return Fetched(actor.id, str(found.project or ""), str(found.client or ""), found.prompt, found.version)


def count(*, what: Fetched, at: float, times: int = 1) -> None:
    """Count fetches; ``at`` is the time of the last one in seconds since 1970. Writes nothing."""
    key = int(at) // DAY, what
    with _lock:
        row = _counted.get(key)
        if row is None:
            _counted[key] = [times, at]
        else:
            row[0] += times
            row[1] = at


def flush() -> int:
    """Add what was counted to its rows, and begin anew; returns how many rows. What cannot be written is kept."""
    global _counted
    with _lock:
        taken, _counted = _counted, {}
    # In one order everywhere: two processes that add to the same rows do not wait for each other in a ring.
    rows = sorted(taken.items(), key=lambda row: (_of_client(row), row[0]))
    done = 0
    try:
        for of_client, alike in groupby(rows, _of_client):
            while part := list(islice(alike, ROWS_AT_ONCE)):
                _add([_row(what, *row) for (_, what), row in part], of_client=of_client)
                done += len(part)
    finally:
        for (_, what), (times, at) in rows[done:]:
            count(what=what, at=at, times=int(times))
    metrics.usage_written.inc(done)
    return done


def forget() -> None:
    """Begin anew; what was counted is lost."""
    with _lock:
        _counted.clear()


def listing(*, actor: Actor) -> QuerySet[UsageDaily]:
    """Usage of the prompts of projects in which the actor has a role, newest day first; of others that it may see, a
    token is told its own: whose services use a public project is for its members.
    """
    told = Q(project__in=policy.visible(actor, Project, public=False))
    if actor.kind is ActorKind.TOKEN:
        told |= Q(project__in=policy.visible(actor, Project), token=actor.id)
    return UsageDaily.objects.filter(told).select_related("token", "project")


def of_prompts(*, prompts: Iterable[str], actor: Actor) -> QuerySet[UsageDaily]:
    """Usage of some prompts of registered bundles, by their addresses without selectors; most fetched first."""
    return listing(actor=actor).filter(prompt__in=list(prompts)).order_by(F("fetches").desc(), "id")


def _of_client(row: tuple[tuple[int, Fetched], list[float]]) -> bool:
    (_, what), _ = row
    return bool(what.client)


def _add(rows: list[dict[str, Any]], *, of_client: bool) -> None:
    """Add to the rows of the day, or make them; PostgreSQL takes them all in one statement, which is cheaper there."""
    database = connections[DEFAULT_DB_ALIAS]
    statement = _statement(database.vendor, of_client=of_client)
    with transaction.atomic(), database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(statement, [orjson.dumps(rows).decode()])
        else:
            fields = _fields()
            cursor.executemany(
                statement, [[fields[name].get_db_prep_value(row[name], database) for name in row] for row in rows]
            )


@cache
def _statement(vendor: str, *, of_client: bool) -> str:
    quoted = {field.name: connection.ops.quote_name(column) for column, field in _fields().items()}
    key, empty = (OF_CLIENT_ONCE_A_DAY, "project") if of_client else (ONCE_A_DAY, "client")
    names = {
        "table": connection.ops.quote_name(UsageDaily._meta.db_table),
        "all": ", ".join(quoted.values()),
        "places": ", ".join(["%s"] * len(quoted)),
        "key": ", ".join(quoted[name] for name in key),
        "empty": quoted[empty],
        "fetches": quoted["fetches"],
        "last": quoted["last_at"],
    }
    rows = (
        "SELECT $all FROM json_populate_recordset(NULL::$table, %s)" if vendor == "postgresql" else "VALUES ($places)"
    )
    upsert = Template(
        "INSERT INTO $table ($all) $rows ON CONFLICT ($key) WHERE $empty IS NULL DO UPDATE SET "
        "$fetches = $table.$fetches + excluded.$fetches, "
        "$last = CASE WHEN excluded.$last > $table.$last THEN excluded.$last ELSE $table.$last END"
    )
    return upsert.substitute(names, rows=Template(rows).substitute(names))


def _row(what: Fetched, times: float, at: float) -> dict[str, Any]:
    """A row by its columns, in their order."""
    last = datetime.fromtimestamp(at, tz=UTC)
    return {
        "day": last.date(),
        "prompt": what.prompt,
        "version": what.version,
        "fetches": int(times),
        "last_at": last,
        "client_id": what.client or None,
        "project_id": what.project or None,
        "token_id": what.token,
    }


@cache
def _fields() -> dict[str, models.Field[Any, Any]]:
    """The fields that a row gives, by its columns."""
    fields = {str(field.column): field for field in UsageDaily._meta.concrete_fields}
    return {column: fields[column] for column in _row(Fetched("", "", "", "", ""), 0, 0)}
