"""Whether there is room, and leave, to write. What is full or read-only is still read, so only a write tells."""

from __future__ import annotations

import secrets

from django.db import DatabaseError

from foundation import database_errors, idempotency
from foundation.clock import database_now

TRIED_BYTES = 65_536


def lacking() -> str:
    """Why nothing can be written, when a write of this process met that, or sees it coming, and one tried now fails."""
    if not database_errors.perhaps_unwritable():
        return ""
    try:
        idempotency.keep_and_forget(answer=secrets.token_hex(TRIED_BYTES // 2), at=database_now())
    except DatabaseError as error:
        return database_errors.cause(error) or database_errors.FULL
    database_errors.wrote()
    return ""
