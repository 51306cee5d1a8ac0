"""Names that moved are told to every process: at once to the one that moved them, within a second to all others.

Processes remember what they read. Whoever changes something that is remembered announces it, in the transaction of the
change. Processes ask once a second what is new; a process also asks right after each commit of its own, before the
caller goes on, so that nobody who moved a name reads the old one there.

Numbers are committed in their order: the counter's row is held from ``announce`` to the commit, which is why a verb
announces last. So a process that has seen a number has seen everything before it. Nothing is lost: what is asked for is
a table, and a process for which rows are missing (deleted ones, a restored backup) is told to forget everything.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from string import Template

from django.db import connection
from django.db.models import PositiveBigIntegerField

from foundation.after_commit import after_commit
from foundation.models import Change, ChangeCounter
from foundation.prepared import Given, Query

KEPT = 10_000
"""Changes that are kept at least; a process that was away for more starts anew."""

_NEXT = Template(
    "INSERT INTO $table (id, number) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET number = $table.number + 1 RETURNING number"
).substitute(table=ChangeCounter._meta.db_table)
_SINCE = Query(
    lambda: (
        Change.objects.filter(number__gte=Given("number", PositiveBigIntegerField()))
        .order_by("number")
        .values_list("number", "word", "topic", "key")[: KEPT + 1]
    )
)
_listeners: list[Callable[[], object]] = []


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a process has come: the number and the word of the last change it knows; of none, the defaults."""

    number: int = 0
    word: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What happened since, in order: pairs of a topic and a key. None: more than is known, forget everything."""

    seen: Seen
    changes: tuple[tuple[str, str], ...] | None


def announce(*, topic: str, key: object) -> int:
    """Say that what processes remember of ``key`` is another now; returns the change's number.

    The last step of a verb: others that announce wait until it commits. Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a change is announced in the transaction that makes it")
    with connection.cursor() as cursor:
        cursor.execute(_NEXT)
        number = int(cursor.fetchone()[0])
    Change.objects.create(number=number, topic=topic, key=str(key))
    for listener in _listeners:
        after_commit(listener)
    return number


def listen(listener: Callable[[], object], /) -> None:
    """Have ``listener`` called in this process after every commit that announced something, before the verb's caller
    goes on. Registering again changes nothing.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def since(*, seen: Seen | None) -> News:
    """What was announced after ``seen``; with None the present number, and nothing is known. One query, rarely two."""
    if seen is None:
        newest = Change.objects.order_by("-number").values_list("number", "word").first()
        return News(Seen(*newest) if newest else Seen(), None)
    rows = _SINCE.all(number=seen.number)
    if seen.number:
        connected = bool(rows) and Seen(*rows[0][:2]) == seen
        rows = rows[1:]
    else:
        connected = not rows or rows[0][0] == 1
    if not connected or len(rows) >= KEPT:
        return since(seen=None)
    return News(Seen(*rows[-1][:2]) if rows else seen, tuple((topic, key) for _, _, topic, key in rows))


def forget(*, keep: int = KEPT) -> int:
    """Delete all but the newest ``keep`` changes; returns how many went."""
    newest = Change.objects.order_by("-number").values_list("number", flat=True).first() or 0
    return Change.objects.filter(number__lte=newest - keep).delete()[0]
