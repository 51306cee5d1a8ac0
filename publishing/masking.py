"""A target's settings as they may be read: the query of an address may hold a secret, so it is only ever written.

Whoever sends the masked address back keeps the stored one, so that settings can be read, changed and sent back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from foundation.redaction import MASK

ADDRESSES = ("base_url", "url", "read_url")
"""The settings that are addresses, of all adapters."""
MASKED = f"?{MASK}"


def masked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with each address's query masked."""
    return {name: _masked(value) if name in ADDRESSES else value for name, value in settings.items()}


def kept(settings: Mapping[str, Any], *, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, with the stored address where it is that one, masked."""
    shown = masked(stored)
    return {name: stored[name] if name in shown and value == shown[name] else value for name, value in settings.items()}


def is_masked(address: Any) -> bool:
    """Whether it ends in a mask instead of its query."""
    return isinstance(address, str) and address.endswith(MASKED)


def queries(settings: Mapping[str, Any]) -> list[str]:
    """The queries of the addresses, and the values in them: what a provider must not repeat to anybody."""
    found = [urlsplit(settings[name]).query for name in ADDRESSES if name in settings]
    return [part for query in found for part in (query, *(value for _, value in parse_qsl(query)))]


def _masked(address: Any) -> Any:
    if not isinstance(address, str) or "?" not in address:
        return address
    return address.partition("?")[0] + MASKED
