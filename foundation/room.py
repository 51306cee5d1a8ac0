"""Whether there is room to write. A full disk is still read, so only a write tells."""

from __future__ import annotations

import secrets

from django.db import DatabaseError

from foundation import database_errors, idempotency
from foundation.clock import database_now

TRIED_BYTES = 65_536


def lacking() -> str:
    """The sentence about a full disk when this process met one, or sees it coming, and a write just tried fails too."""
    if not database_errors.perhaps_full():
        return ""
    try:
        idempotency.keep_and_forget(answer=secrets.token_hex(TRIED_BYTES // 2), at=database_now())
    except DatabaseError as error:
        return database_errors.cause(error) or database_errors.FULL
    database_errors.found_room()
    return ""
