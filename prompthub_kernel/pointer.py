"""JSON Pointer (RFC 6901): how every problem and every structured change names its place."""

from __future__ import annotations

from collections.abc import Iterable


def pointer(parts: Iterable[str | int]) -> str:
    """The pointer of a path of keys and indices; ``""`` names the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def split(text: str) -> list[str]:
    """The keys and indices of a pointer, all as strings. ``ValueError`` unless it is empty or begins with ``/``."""
    if not text:
        return []
    if not text.startswith("/"):
        raise ValueError("a JSON Pointer is empty or begins with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]
