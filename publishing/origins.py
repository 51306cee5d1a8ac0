"""Where a target's credentials are sent: the scheme, host and port of each of its addresses.

Who may change settings need not know the credentials: they do not go to an origin that they were not given for.
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

ANEW = "The settings lead to another host: the stored credentials are not sent there. Give them anew."


def require_credentials(*, target: Target, settings: Mapping[str, Any]) -> None:
    """Raise ``422.request_invalid`` when the stored credentials would go where the target has not called so far.

    Its pointers are those credentials that the contract cannot do without.
    """
    if not target.credentials or _origins(target.adapter, settings) <= _origins(target.adapter, target.settings):
        return
    needed = _asked_for(target.adapter, "credentials").get("required", ())
    problems = [Problem(f"/credentials/{name}", "required", ANEW) for name in needed]
    raise Invalid("422.request_invalid", ANEW, problems=problems)


def _origins(adapter: str, settings: Mapping[str, Any]) -> frozenset[str]:
    asked = _asked_for(adapter, "settings").get("properties", {})
    addresses = [settings.get(name, asked.get(name, {}).get("default")) for name in ADDRESSES]
    return frozenset(f"{urlsplit(one).scheme}://{contract.host(one)}" for one in addresses if one)


def _asked_for(adapter: str, part: str) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = contracts.load(f"adapters/{adapter}")["$defs"][part]
    return asked
