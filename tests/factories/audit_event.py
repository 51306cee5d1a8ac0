"""Lines of the ledger and links of its chain."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit import chain, events
from audit.actions import Action
from audit.models import AuditEvent, AuditLink
from tests.factories.acting import AT, SYSTEM, unique


def make_event(
    *, action: Action = Action.CLIENT_CREATE, kind: str = "client", id: str = "", **columns: Any
) -> AuditEvent:
    """One recorded decision; ``columns`` are those of its subject (``label``, ``client_id``, ``project_id``)."""
    columns.setdefault("label", unique("subject"))
    with transaction.atomic():
        subject = events.Subject(kind=kind, id=id or unique("id"), **columns)
        return events.record(action=action, subject=subject, by=SYSTEM, at=AT)


def make_link() -> AuditLink:
    """The newest link, after a new event was chained."""
    make_event()
    chain.extend(at=AT)
    return AuditLink.objects.latest("seq")
