"""Whether there is room to write. A full disk is still read, so only a write tells."""

from __future__ import annotations

import secrets

from django.db import DatabaseError, transaction

from foundation import database_errors
from foundation.clock import database_now
from foundation.ids import new_id
from foundation.models import IdempotencyKey

TRIED_BYTES = 65_536


def lacking() -> str:
    """The sentence about a full disk when this process met one, or sees it coming, and a write just tried fails too."""
    if not database_errors.perhaps_full():
        return ""
    try:
        with transaction.atomic():
            # Nobody's key; should the process end before it is deleted, it goes when keys of its age go.
            tried = IdempotencyKey.objects.create(
                actor="", key=str(new_id()), answer=secrets.token_hex(TRIED_BYTES // 2), created_at=database_now()
            )
        tried.delete()
    except DatabaseError as error:
        return database_errors.cause(error) or database_errors.FULL
    database_errors.found_room()
    return ""
