"""Service tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tenancy import policy, tokens
from tenancy.models import ServiceToken
from tenancy.policy import Role
from tests.factories.acting import AT, SYSTEM, unique


def make_token(
    *,
    scopes: Sequence[str] = ("read",),
    roles: Mapping[Any, Role | str] | None = None,
    clients: Sequence[str] = (),
    projects: Sequence[str] = (),
    superuser: bool = False,
    expires_at: datetime | None = None,
) -> tuple[ServiceToken, str]:
    """A token and its secret form; its service account gets a role at each of the given clients and projects."""
    account = tokens.service_account(name=unique("service"))
    if superuser:
        account.is_superuser = True
        account.save()
    for place, role in (roles or {}).items():
        policy.grant(role=Role(role), place=place, to=account, by=SYSTEM, at=AT)
    return tokens.issue(
        name=unique("token"),
        account=account,
        scopes=scopes,
        clients=clients,
        projects=projects,
        expires_at=expires_at,
        by=SYSTEM,
        at=AT,
    )
