"""Where a target's credentials are sent: each to one of its addresses, of which scheme, host and port count.

Who may change settings need not know the credentials: none goes to an origin that it was not given for, be it one that
another credential of the same target goes to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import contracts
from prompthub_kernel.errors import Invalid, Problem
from publishing.adapters import contract
from publishing.masking import ADDRESSES
from publishing.models import Target

READ_URL = {"read_token": "read_url"}
"""Credentials that go to the address where a receiver is read; all others go to the one that is written to."""
ANEW = "The settings lead to another host: the stored credentials are not sent there. Give them anew."


def require_credentials(*, target: Target, settings: Mapping[str, Any]) -> None:
    """Raise ``422.request_invalid`` when a stored credential would go where the target has not sent that one so far.

    Its pointers are those credentials that the contract cannot do without: giving them anew replaces all that are
    stored.
    """
    if _sent(target, settings) <= _sent(target, target.settings):
        return
    needed = _asked_for(target.adapter, "credentials").get("required", ())
    problems = [Problem(f"/credentials/{name}", "required", ANEW) for name in needed]
    raise Invalid("422.request_invalid", ANEW, problems=problems)


def _sent(target: Target, settings: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Each stored credential with the origin that it goes to; one without an address goes nowhere."""
    asked = _asked_for(target.adapter, "settings").get("properties", {})
    addresses = {name: settings.get(name, asked.get(name, {}).get("default")) for name in ADDRESSES}
    written = next((addresses[name] for name in ADDRESSES if name not in READ_URL.values() and addresses[name]), None)
    sent = {name: addresses[READ_URL[name]] if name in READ_URL else written for name in target.credential_values}
    return frozenset((name, f"{urlsplit(one).scheme}://{contract.host(one)}") for name, one in sent.items() if one)


def _asked_for(adapter: str, part: str) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = contracts.load(f"adapters/{adapter}")["$defs"][part]
    return asked
