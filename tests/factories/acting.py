"""What the factories share: names that do not repeat, who acts, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from foundation import actors

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
SYSTEM = actors.system()

_numbers = count(1)


def unique(word: str) -> str:
    """``word-1``, ``word-2`` …: also a valid slug."""
    return f"{word}-{next(_numbers)}"
