"""Pages by key: each begins where the last one ended, however many rows came meanwhile. Newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

PAGE = 50
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some rows of a list. ``older`` and ``newer`` are the parameters of the neighbouring pages, None at an end."""

    rows: list[Any]
    older: Any = None
    newer: Any = None


def page(rows: QuerySet[Any], *, given: Mapping[str, str], read: Callable[[str], Any], size: int = PAGE) -> KeyPage:
    """The page that ``before=`` or ``after=`` asks for, the first without; one query.

    ``read`` makes a key of a text and raises ValueError for what is none: that is left aside.
    """
    before, after = _key(given.get("before", ""), read), _key(given.get("after", ""), read)
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        more, found = len(found) > size, found[:size][::-1]
        return KeyPage(found, older=found[-1].pk if found else None, newer=found[0].pk if more else None)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    more, found = len(found) > size, found[:size]
    newer = found[0].pk if found and before is not None else None
    return KeyPage(found, older=found[-1].pk if more else None, newer=newer)


def number(text: str) -> int:
    """The key of rows that are counted."""
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST:
        raise ValueError(text)
    return int(text)


def _key(text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text) if text else None
    except ValueError:
        return None
