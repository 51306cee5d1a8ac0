"""Pieces of the registry's addresses, as they stand in paths: what does not fit is no address (404).

Versions and channels hold ``+`` and ``@``, which a path may hold as they are and which clients may write ``%2B`` and
``%40``; prompts and packs hold ``/``, as it is or ``%2F``.
"""

from __future__ import annotations

from typing import Any

from django.urls import register_converter
from django.urls.converters import StringConverter

_SLUG = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PART = "[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"


class Version(StringConverter):
    """A version of a release: ``2.1.0-gpt4+tokens.1500``."""

    regex = "[0-9][0-9A-Za-z.+-]{4,199}"


class Channel(StringConverter):
    """A name that moves: ``stable``, ``active@staging``."""

    regex = f"[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?(?:@{_SLUG})?"


class Prompt(StringConverter):
    """A prompt of a bundle: ``welcome_message``, ``styles/calm``."""

    regex = f"{_PART}(?:/{_PART}){{0,3}}"


class Pack(StringConverter):
    """A pack by its address, ``@acme/coach``, or by its slug alone, which is one of the project ``local``."""

    regex = f"(?:@{_SLUG}/)?{_SLUG}"


CONVERTERS = {"version": Version, "channel": Channel, "prompt": Prompt, "pack": Pack}


def register() -> None:
    """Make them known to the URL configuration."""
    for name, converter in CONVERTERS.items():
        register_converter(converter, name)


def schema(name: str) -> dict[str, Any] | None:
    """The JSON Schema of a piece of a path; None for one that is not of the registry."""
    found = CONVERTERS.get(name)
    return {"type": "string", "minLength": 1, "maxLength": 200, "pattern": f"^{found.regex}$"} if found else None
