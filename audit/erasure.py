"""Names in the ledger, emptied: the room's part of ``assist.erasure``."""

from __future__ import annotations

import uuid

from audit.actions import Action
from audit.models import AuditEvent


def erase(*, client_id: uuid.UUID) -> int:
    """Take the names out of a client's events; who, what and when stay as ids, and the chain holds. Returns how many.

    The events of the erasure itself stay readable.
    """
    kept = str(Action.CLIENT_ERASE)
    return AuditEvent.objects.filter(client_id=client_id).exclude(action=kept).erase()
