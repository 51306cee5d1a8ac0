"""Columns that are encrypted at rest, and columns of JSON that is text."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.fields.json import JSONExact
from psycopg.types.json import Json


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """The installation's cipher: encrypts with the first key, reads with all of them (key rotation)."""
    try:
        return _fernet(tuple(settings.PROMPTHUB_ENCRYPTION_KEYS))
    except ValueError as error:
        raise ImproperlyConfigured(
            "PROMPTHUB_ENCRYPTION_KEYS must be Fernet keys: 32 bytes, base64, comma-separated"
        ) from error


class EncryptedText(models.TextField):  # type: ignore[type-arg]
    """Text stored as a Fernet token. Cannot be searched or filtered by; never part of history, audit or logs."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        if value is None or value == "":
            return value
        return cipher().encrypt(str(value).encode()).decode("ascii")

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """Decrypt on the way out; refuse to go on with keys that do not fit."""
        del expression, connection
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode("ascii")).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured("No key in PROMPTHUB_ENCRYPTION_KEYS fits what is stored") from error


_written = partial(json.dumps, ensure_ascii=False)
"""Letters as themselves, so that a search in the column finds them."""


class WrittenJSON(models.JSONField):
    """JSON that is read as text in the end: keys keep the order, and numbers the spelling, they were given with.

    PostgreSQL's ``jsonb`` sorts keys; its ``json`` keeps what was written, as SQLite does, but knows no equality. Two
    values are equal here when they are written alike. The column is read as text, so a raw ``RETURNING`` of it is not
    for :meth:`from_db_value`.
    """

    def db_type(self, connection: Any) -> str | None:
        """``json`` on PostgreSQL."""
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        """Hand the value over as it is to be written."""
        if connection.vendor != "postgresql":
            return super().get_db_prep_value(value, connection, prepared)
        return Json(value, dumps=_written)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Read the column as text: psycopg would decode ``json`` before Django does."""
        return (f"{sql}::text" if compiler.connection.vendor == "postgresql" else sql), params


@WrittenJSON.register_lookup
class WrittenAlike(JSONExact):  # type: ignore[misc]
    """``exact`` for a type without equality."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compare the texts."""
        left, given = self.process_lhs(compiler, connection)
        right, asked = self.process_rhs(compiler, connection)
        return f"({left})::text = ({right})::text", (*given, *asked)
