"""Checks what an operator entered against ``contracts/adapters/<name>.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import contracts
from foundation import egress
from prompthub_kernel.errors import Problem
from publishing.masking import ADDRESSES, is_masked
from publishing.ports import Remote


def problems(adapter: str, remote: Remote, *, format: str, text: str) -> list[Problem]:
    """Everything in the remote and its text that the adapter's contract forbids; empty when nothing is."""
    unseen = [
        Problem(f"/settings/{name}", "masked", "The query of this address is not shown: write it in full.")
        for name in ADDRESSES
        if is_masked(remote.settings.get(name))
    ]
    document = {
        "settings": dict(remote.settings),
        "credentials": dict(remote.credentials),
        "location": dict(remote.location),
        "format": format,
        "text": text,
    }
    found = unseen or contracts.problems(f"adapters/{adapter}", document)
    return found or [
        Problem(f"/settings/{name}", "format", "This is not a valid address.")
        for name in ADDRESSES
        if name in remote.settings and not _has_host(remote.settings[name])
    ]


def unreachable(settings: Mapping[str, Any]) -> list[Problem]:
    """Addresses among the settings that nothing is ever sent to, as far as that is known without the network."""
    found = []
    for name in ADDRESSES:
        if name in settings:
            try:
                egress.check(url=settings[name].replace("{name}", "name"))  # read_url may hold the placement's name
            except egress.EgressRefused as refusal:
                found.append(Problem(f"/settings/{name}", "address", str(refusal)))
    return found


def _has_host(url: str) -> bool:
    try:
        return bool(host(url))
    except ValueError:
        return False


def host(url: str) -> str:
    """``host`` or ``host:port`` of an http(s) address, spelled one way: lower case, no default port, no final dot.

    Raises ``ValueError`` for what only looks like an address.
    """
    parts = urlsplit(url)
    name = (parts.hostname or "").rstrip(".")
    name = f"[{name}]" if ":" in name else name
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return name if parts.port in {None, default} else f"{name}:{parts.port}"
