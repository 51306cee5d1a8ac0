"""Pages by key: each starts where the last one ended, however many rows came or went meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlencode

from django.db.models import QuerySet

from gateway import query
from prompthub_kernel.errors import Invalid, Problem

First: TypeAlias = Callable[..., list[Any]]
PAGE = 50
LARGEST_PAGE = 100
LONGEST_CURSOR = 800

LIMIT = query.whole("limit", "How many at most.", least=1, most=LARGEST_PAGE, default=PAGE)
CURSOR = query.Parameter(
    "cursor",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_CURSOR},
    str,
    "Where to go on: take the whole link from `next` or `previous`.",
)
PARAMETERS = (LIMIT, CURSOR)


@dataclass(frozen=True, slots=True)
class Key:
    """The unique column a listing is ordered by, and which way; how its values are read and written in a cursor."""

    column: str = "id"
    descending: bool = True
    read: Callable[[Any], Any] = uuid.UUID
    write: Callable[[Any], int | str] = str

    def order(self, *, backwards: bool) -> str:
        """For ``order_by``."""
        return f"-{self.column}" if self.descending is not backwards else self.column

    def beyond(self, value: Any, *, backwards: bool) -> dict[str, Any]:
        """For ``filter``: what comes after ``value``."""
        return {f"{self.column}__{'lt' if self.descending is not backwards else 'gt'}": value}


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError
    return value


def _slug(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value.encode().decode()


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value, validate=True)


def _text(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()


NEWEST_FIRST = Key()
OLDEST_FIRST = Key(descending=False)
BY_TEMPLATE = Key("template_id")
BY_SLUG = Key("slug", descending=False, read=_slug)
BY_NAME = Key("name", descending=False, read=_slug)
BY_NUMBER = Key("id", read=_number, write=int)
BY_ORDINAL = Key("ordinal", read=_number, write=int)
BY_PRECEDENCE = Key("precedence", read=_bytes, write=_text)


def page(
    rows: QuerySet[Any],
    key: Key,
    present: Callable[[Any], dict[str, Any]],
    *,
    path: str,
    given: Mapping[str, Any],
    texts: Mapping[str, str],
    first: First | None = None,
) -> dict[str, Any]:
    """``{results, next, previous}``: one query, at most ``limit`` rows.

    ``given`` are the checked parameters, ``texts`` what the caller wrote, so that links keep the filters; ``first``
    reads the first rows of all, where that is prepared.
    Raises ``422.request_invalid`` for a cursor that is none of ours.
    """
    limit, cursor = given["limit"], given["cursor"]
    backwards, start = (False, None) if cursor is None else _opened(cursor, key)
    if start is not None:
        rows = rows.filter(**key.beyond(start, backwards=backwards))
    if start is None and first is not None:
        found = first(count=limit + 1)
    else:
        found = list(rows.order_by(key.order(backwards=backwards))[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()

    def link(*, back: bool) -> str | None:
        there = (more if backwards else start is not None) if back else (more or backwards)
        if not there or not found:
            return None
        edge = key.write(getattr(found[0 if back else -1], key.column))
        kept = {name: text for name, text in texts.items() if name != "cursor"}
        return f"{path}?{urlencode({**kept, 'cursor': _closed(edge, backwards=back)})}"

    return {"results": [present(row) for row in found], "next": link(back=False), "previous": link(back=True)}


def _closed(value: int | str, *, backwards: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([int(backwards), value]).encode()).decode().rstrip("=")


def _opened(cursor: str, key: Key) -> tuple[bool, Any]:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        backwards, value = json.loads(raw[:LONGEST_CURSOR])
        return bool((0, 1).index(backwards)), key.read(value)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise Invalid(
            "422.request_invalid",
            "This is no cursor of this listing. Start again without it.",
            problems=[Problem("/query/cursor", "format", "is no cursor of this listing")],
        ) from error
