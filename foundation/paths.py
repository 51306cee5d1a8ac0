"""Pieces of addresses that every door knows. Django's own ``uuid`` takes small letters alone; ``id`` takes either."""

from __future__ import annotations

import uuid
from functools import cache

from django.urls import register_converter

from foundation import ids


class Identifier:
    """The id of a row, in capitals or small letters."""

    regex = ids.FORM

    def to_python(self, value: str) -> uuid.UUID:
        """The id."""
        return ids.read(text=value)

    def to_url(self, value: uuid.UUID | str) -> str:
        """As PromptHub writes it: in small letters."""
        return str(value)


@cache
def register() -> None:
    """Make it known to the URL configuration, once for all doors."""
    register_converter(Identifier, "id")
