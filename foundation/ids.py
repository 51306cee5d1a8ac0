"""Identifiers of rows: UUIDv7 (RFC 9562), so that ids sort by the time they were made.

They are written in small letters and read in either (RFC 9562, section 4). Other spellings that :class:`uuid.UUID`
would take (braces, ``urn:uuid:``, without hyphens) are none.
"""

from __future__ import annotations

import re
import uuid

import uuid6

FORM = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_FORM = re.compile(FORM)


def new_id() -> uuid.UUID:
    """A new UUIDv7."""
    return uuid.UUID(int=uuid6.uuid7().int)


def read(*, text: str) -> uuid.UUID:
    """The id of that text. Raises ValueError for what is none."""
    if not _FORM.fullmatch(text):
        raise ValueError("This is not a UUID.")
    return uuid.UUID(text)


def canonical(*, text: str) -> str:
    """An id as it is kept where ids are text; anything else as it is."""
    return text.lower() if _FORM.fullmatch(text) else text
