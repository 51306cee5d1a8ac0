"""Checks what an operator entered against ``contracts/adapters/<name>.schema.json``."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import contracts
from foundation import addresses, egress
from prompthub_kernel.errors import Problem
from publishing.masking import ADDRESSES, is_masked
from publishing.ports import Remote

_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")  # RFC 3986, 2.3


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
    """``host`` or ``host:port`` of an http(s) address, spelled one way: as it is called, no default port, no final dot.

    International names are in ASCII, addresses of IPv6 in their shortest form. Raises ``ValueError`` for what only
    looks like an address.
    """
    parts = urlsplit(url)
    name = (parts.hostname or "").rstrip(".")
    name = addresses.spelled(f"[{name}]" if ":" in name else name)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return name if parts.port in {None, default} else f"{name}:{parts.port}"


def path(url: str) -> str:
    """The path of an http(s) address in its one spelling (RFC 3986, 6.2.2): escapes only where needed, no dots."""
    kept: list[str] = []
    steps = unescaped(urlsplit(url).path).split("/")[1:] or [""]
    for step in steps:
        if step == "..":
            del kept[-1:]
        elif step != ".":
            kept.append(step)
    if steps[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def unescaped(part: str) -> str:
    """A part of an address whose escapes stand for nothing that needs none (RFC 3986, 6.2.2.2), in capitals."""
    return _ESCAPE.sub(_plainly, part)


def _plainly(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
