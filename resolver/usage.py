"""How often a text is fetched: counted in memory, written now and then.

A fetch costs a look into a dictionary. Every :data:`FLUSH_SECONDS`, and when the process ends, what was counted is
added to the rows of the day; a process that is killed loses at most what it counted since.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from string import Template
from typing import Any, NamedTuple

from django.db import connection, models, transaction
from django.db.models import F, Q, QuerySet

from foundation.actors import Actor, ActorKind
from resolver import metrics
from resolver.models import UsageDaily
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
    if not taken:
        return 0
    # In one order everywhere: two processes that add to the same rows do not wait for each other in a ring.
    rows = sorted(taken.items())
    done = 0
    try:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(_statement(connection.vendor), [_values(what, row) for (_, what), row in part])
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


@cache
def _statement(vendor: str) -> str:
    """Add to the row of the day, or make it."""
    del vendor  # names are quoted as the database wants them
    quoted = {name: connection.ops.quote_name(str(field.column)) for name, field in _fields().items()}
    upsert = Template(
        "INSERT INTO $table ($all) VALUES ($places) ON CONFLICT ($key) DO UPDATE SET "
        "$fetches = $table.$fetches + excluded.$fetches, "
        "$last = CASE WHEN excluded.$last > $table.$last THEN excluded.$last ELSE $table.$last END"
    )
    return upsert.substitute(
        table=connection.ops.quote_name(UsageDaily._meta.db_table),
        all=", ".join(quoted.values()),
        places=", ".join(["%s"] * len(quoted)),
        key=", ".join(quoted[name] for name in ("day", "token", "prompt", "version")),
        fetches=quoted["fetches"],
        last=quoted["last_at"],
    )


def _values(what: Fetched, row: list[float]) -> list[Any]:
    last = datetime.fromtimestamp(row[1], tz=UTC)
    given = {
        "day": last.date(),
        "token": uuid.UUID(what.token),
        "project": uuid.UUID(what.project) if what.project else None,
        "client": uuid.UUID(what.client) if what.client else None,
        "prompt": what.prompt,
        "version": what.version,
        "fetches": int(row[0]),
        "last_at": last,
    }
    return [field.get_db_prep_value(given[name], connection) for name, field in _fields().items()]


def _fields() -> dict[str, models.Field[Any, Any]]:
    return {field.name: field for field in UsageDaily._meta.concrete_fields if not field.primary_key}
