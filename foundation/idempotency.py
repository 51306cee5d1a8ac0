"""The same key and request twice: one effect, one answer (decisions: kept 24 hours, in the effect's transaction)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from foundation.ids import new_id
from foundation.models import IdempotencyKey
from prompthub_kernel.errors import Invalid, Problem

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer an earlier request with the same key was given; ``body`` None when it may not be shown again."""

    status: int
    body: Any


def earlier(*, actor: str, key: str, request_digest: str) -> Answered | None:
    """The stored answer for this key, or None. Raises ``422.idempotency_key_reused`` for another request's key."""
    row = IdempotencyKey.objects.filter(actor=actor, key=key).first()
    if row is None or row.status is None:
        return None
    return _answer(row, request_digest)


def claim(*, actor: str, key: str, request_digest: str, at: datetime) -> Answered | None:
    """Take the key for this transaction, or return the answer it already has.

    Must run inside the effect's transaction. A concurrent request with the same key waits here until the
    first has committed (then it gets that answer) or rolled back (then it goes on).
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an idempotency key is claimed inside the transaction of its effect")
    IdempotencyKey.objects.bulk_create(
        [IdempotencyKey(actor=actor, key=key, request_digest=request_digest, created_at=at)], ignore_conflicts=True
    )
    row = IdempotencyKey.objects.select_for_update().get(actor=actor, key=key)
    if row.status is None and row.request_digest == request_digest:
        return None
    return _answer(row, request_digest)


def store(*, actor: str, key: str, status: int, body: Any) -> None:
    """Keep the answer with the key, as text, to repeat it to the letter; in the transaction of :func:`claim`."""
    IdempotencyKey.objects.filter(actor=actor, key=key).update(
        status=status, answer="" if body is None else json.dumps(body)
    )


def forget(*, at: datetime) -> int:
    """Delete keys older than 24 hours; returns how many."""
    with transaction.atomic():
        return IdempotencyKey.objects.filter(created_at__lt=at - KEPT).delete()[0]


def keep_and_forget(*, answer: str, at: datetime) -> None:
    """Commit an answer to nobody, and delete it. Raises ``DatabaseError`` where there is no room for it.

    Should the process end in between, the row goes when keys of its age go.
    """
    with transaction.atomic():
        row = IdempotencyKey.objects.create(actor="", key=str(new_id()), answer=answer, created_at=at)
    row.delete()


def _answer(row: IdempotencyKey, request_digest: str) -> Answered:
    if row.request_digest != request_digest:
        raise Invalid(
            "422.idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
            problems=[Problem("/headers/Idempotency-Key", "reused", "used for another request")],
        )
    return Answered(status=row.status or 200, body=json.loads(row.answer) if row.answer else None)
