"""Events of the ledger as files: CSV for a spreadsheet, JSON for a program; at most :data:`LARGEST` rows, newest first.

A cell that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse

from audit.models import AuditEvent
from foundation.clock import rfc3339

LARGEST = 10_000
STEP = 1_000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS = (
    "id",
    "at",
    "action",
    "actor_kind",
    "actor_id",
    "actor",
    "door",
    "subject_kind",
    "subject_id",
    "subject",
    "metadata",
    "correlation_id",
    "digest",
)


def answer(*, rows: QuerySet[AuditEvent], kind: str, name: str) -> HttpResponse:
    """The file as a download; its name says when there was more than fits in."""
    found, more = _some(rows)
    body, media = (_csv(found), "text/csv") if kind == "csv" else (_json(found, more=more), "application/json")
    done = HttpResponse(body, content_type=f"{media}; charset=utf-8")
    part = f"-newest-{LARGEST}" if more else ""
    done["Content-Disposition"] = f'attachment; filename="{name}{part}.{kind}"'
    return done


def safe(cell: str) -> str:
    """A cell that no spreadsheet calculates."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _some(rows: QuerySet[AuditEvent]) -> tuple[list[AuditEvent], bool]:
    """Up to the largest number of rows, a step at a time, and whether there are more."""
    found: list[AuditEvent] = []
    rows = rows.order_by("-id")
    while len(found) <= LARGEST:
        later = rows.filter(id__lt=found[-1].id) if found else rows
        step = list(later[:STEP])
        found += step
        if len(step) < STEP:
            return found[:LARGEST], len(found) > LARGEST
    return found[:LARGEST], True


def _csv(events: list[AuditEvent]) -> str:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(event) for event in events)
    return written.getvalue()


def _cells(event: AuditEvent) -> Iterator[str]:
    metadata = json.dumps(event.metadata, ensure_ascii=False, sort_keys=True) if event.metadata else ""
    told = {
        **{name: getattr(event, name, "") for name in COLUMNS},
        "at": rfc3339(event.at),
        "actor": event.actor_label,
        "subject": event.subject_label,
        "metadata": metadata,
    }
    return (safe(str(told[name])) for name in COLUMNS)


def _json(events: list[AuditEvent], *, more: bool) -> str:
    document = {"results": [_document(event) for event in events], "complete": not more}
    return json.dumps(document, ensure_ascii=False, indent=1)


def _document(event: AuditEvent) -> dict[str, Any]:
    """The same shape as the API's."""
    return {
        "id": event.id,
        "at": rfc3339(event.at),
        "action": event.action,
        "actor": {"kind": event.actor_kind, "id": event.actor_id, "label": event.actor_label, "door": event.door},
        "subject": {"kind": event.subject_kind, "id": event.subject_id, "label": event.subject_label},
        "metadata": event.metadata,
        "correlation_id": event.correlation_id,
        "digest": event.digest,
    }
