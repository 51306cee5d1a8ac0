"""Columns that are encrypted at rest."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


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
