"""Words looked for in a column, capitals or not, in every alphabet: ``column__mentions="ärzte"``.

SQLite's ``LIKE`` tells capitals apart outside ASCII, and its JSON is stored in escapes. PostgreSQL's ``UPPER`` goes by
the database's ``LC_CTYPE``, which must be one of UTF-8.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models.lookups import IContains

from foundation.fields import WrittenJSON


def capitals(text: str) -> str:
    """Every letter's capital where that is one letter (ß stays): as long as the text, as PostgreSQL does it."""
    raised = text.upper()
    if len(raised) == len(text):
        return raised
    return "".join(high if len(high := letter.upper()) == 1 else letter for letter in text)


@models.CharField.register_lookup
@models.TextField.register_lookup
@WrittenJSON.register_lookup
class Mentions(IContains):  # type: ignore[misc]
    """Whether the words stand in the text, or in JSON as it is written."""

    lookup_name = "mentions"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Django's own comparison."""
        found: tuple[str, Any] = IContains(self.lhs, self.rhs).as_sql(compiler, connection)
        return found

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """The comparison that :func:`connect` has made known."""
        left, given = self.process_lhs(compiler, connection)
        name = "PROMPTHUB_MENTIONS_JSON" if isinstance(self.lhs.output_field, WrittenJSON) else "PROMPTHUB_MENTIONS"
        return f"{name}({left}, %s)", [*given, str(self.rhs)]


def connect(*, connection: Any, **_: Any) -> None:
    """Receiver of ``connection_created``: teach SQLite the comparison."""
    if connection.vendor != "sqlite":
        return
    for name, compare in (("PROMPTHUB_MENTIONS", _mentions), ("PROMPTHUB_MENTIONS_JSON", _mentions_json)):
        connection.connection.create_function(name, 2, compare, deterministic=True)


def _mentions(text: str | None, words: str) -> bool | None:
    return None if text is None else capitals(words) in capitals(text)


def _mentions_json(text: str | None, words: str) -> bool | None:
    return None if text is None else _mentions(json.dumps(json.loads(text), ensure_ascii=False), words)
