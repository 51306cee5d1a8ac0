"""The hash chain over audit events.

Events are written unlinked, so that writers do not queue behind a chain head; one chainer links them within
a second. ``verify`` proves the chain and tells the tail that is not linked yet. Names (``actor_label``,
``subject_label``) can be erased, so no digest covers them: a changed name is not noticed, the id beside it is proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from audit import events
from audit.models import AuditEvent, AuditLink
from prompthub_kernel.canonical import sha256_digest

GENESIS = "sha256:" + "0" * 64
BATCH = 500
STEP = 1000
CHAINER_LOCK = 0x70687562  # "phub": PostgreSQL advisory lock of the one chainer


@dataclass(frozen=True, slots=True)
class Proof:
    """Result of a verification: how many links hold, how many events are not linked yet, and what is broken."""

    linked: int
    unlinked: int
    broken: tuple[str, ...]


def extend(*, at: datetime) -> int:
    """Link the events that are not linked yet, oldest first; returns how many. Safe to run twice or at once."""
    with transaction.atomic():
        if not _alone():
            return 0
        last = AuditLink.objects.order_by("-seq").first()
        seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
        # Not "id > last": an event with a lower id may commit later than one with a higher id.
        waiting = AuditEvent.objects.filter(id__gt=_settled(), id__lte=_top()).exclude(
            id__in=AuditLink.objects.filter(event_id__gt=_settled()).values("event_id")
        )
        links = []
        for event in waiting.order_by("id")[:BATCH]:
            seq += 1
            hashed = sha256_digest(previous.encode(), event.digest.encode())
            links.append(
                AuditLink(seq=seq, event_id=event.id, event_digest=event.digest, previous=previous, hash=hashed, at=at)
            )
            previous = hashed
        AuditLink.objects.bulk_create(links)
        return len(links)


def verify() -> Proof:
    """Walk the whole chain and every event under it, names aside, a thousand links at a time."""
    broken: list[str] = []
    previous, linked = GENESIS, 0
    while links := list(AuditLink.objects.filter(seq__gt=linked).order_by("seq")[:STEP]):
        if links[0].seq != linked + 1 or links[-1].seq != linked + len(links):
            missing = next(number for number, link in enumerate(links, start=linked + 1) if link.seq != number)
            broken.append(f"link {missing} is missing")
            break
        under = AuditEvent.objects.in_bulk([link.event_id for link in links])
        for link in links:
            broken += _faults(link, previous, under.get(link.event_id))
            previous = link.hash
        linked += len(links)
    return Proof(linked=linked, unlinked=_unlinked().count(), broken=tuple(broken))


def oldest_unlinked() -> datetime | None:
    """Since when the oldest event among the newest waits for its link; None when all are linked."""
    found: datetime | None = _unlinked().filter(id__gt=_settled()).order_by("id").values_list("at", flat=True).first()
    return found


def _unlinked() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(~Exists(AuditLink.objects.filter(event_id=OuterRef("id"))))


def _faults(link: AuditLink, previous: str, event: AuditEvent | None) -> list[str]:
    found = []
    if link.previous != previous or link.hash != sha256_digest(previous.encode(), link.event_digest.encode()):
        found.append(f"link {link.seq} does not follow from the one before it")
    if event is None:
        found.append(f"event {link.event_id} of link {link.seq} is missing")
    elif event.digest != link.event_digest or events.digest(event) != link.event_digest:
        found.append(f"event {link.event_id} was changed after it was linked")
    return found


def _alone() -> bool:
    if connection.vendor != "postgresql":
        return True  # SQLite's IMMEDIATE transaction is the lock
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [CHAINER_LOCK])
        return bool(cursor.fetchone()[0])


def _settled() -> int:
    """An event id below which everything is linked; late commits are looked for in the last 10,000 ids."""
    top: int | None = AuditLink.objects.aggregate(top=Max("event_id"))["top"]
    return max(0, (top or 0) - 10_000)


def _top() -> int:
    top: int | None = AuditEvent.objects.aggregate(top=Max("id"))["top"]
    return top or 0
