"""Record decisions, and read them back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from audit.actions import Action
from audit.models import AuditEvent
from foundation import correlation, redaction
from foundation.actors import Actor
from foundation.clock import rfc3339
from foundation.prepared import Insert
from prompthub_kernel.canonical import canonical_json, sha256_digest

_EVENTS = Insert(AuditEvent)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision was about, as it was called then, and whose it is (client or project, for reading rights)."""

    kind: str
    id: str
    label: str
    client_id: uuid.UUID | None = None
    project_id: uuid.UUID | None = None


def record(
    *, action: Action, subject: Subject, by: Actor, at: datetime, metadata: Mapping[str, Any] | None = None
) -> AuditEvent:
    """Write one event into the caller's transaction.

    ``metadata`` holds ids, codes, counts and digests, never names, texts or secrets (it is redacted once
    more here). Raises RuntimeError outside a transaction: a decision and its record commit together.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record runs inside the transaction of the decision it records")
    event = AuditEvent(
        at=at,
        action=str(action),
        actor_kind=str(by.kind),
        actor_id=by.id,
        actor_label=by.label,
        door=str(by.door),
        subject_kind=subject.kind,
        subject_id=subject.id,
        subject_label=subject.label,
        client_id=subject.client_id,
        project_id=subject.project_id,
        metadata=redaction.redact(dict(metadata or {})),
        correlation_id=correlation.current(),
    )
    event.digest = digest(event)
    _EVENTS.row(event)
    return event


def digest(event: AuditEvent) -> str:
    """Digest of everything in an event that may not be erased."""
    return sha256_digest(
        canonical_json(
            {
                "at": rfc3339(event.at),
                "action": event.action,
                "actor": [event.actor_kind, event.actor_id, event.door],
                "subject": [event.subject_kind, event.subject_id],
                "client": str(event.client_id or ""),
                "project": str(event.project_id or ""),
                "metadata": event.metadata,
                "correlation_id": event.correlation_id,
            }
        )
    )


def for_subject(*, kind: str, id: str) -> QuerySet[AuditEvent]:
    """Events of one subject, newest first."""
    return AuditEvent.objects.filter(subject_kind=kind, subject_id=id).order_by("-id")


def for_client(*, client_id: uuid.UUID) -> QuerySet[AuditEvent]:
    """Events of one client, newest first."""
    return AuditEvent.objects.filter(client_id=client_id).order_by("-id")


def every() -> QuerySet[AuditEvent]:
    """All events, newest first; the caller narrows them to what the reader may see."""
    return AuditEvent.objects.order_by("-id")
