"""Accounts of people, and the actors they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model

from foundation.actors import Actor, Door
from tenancy import policy, tokens
from tenancy.policy import Role
from tests.factories.acting import AT, SYSTEM, unique


def make_user(
    *, username: str | None = None, superuser: bool = False, staff: bool = False, password: str = "correct"
) -> Any:
    """An account of the host project's own user model."""
    users = get_user_model().objects
    return users.create_user(
        username or unique("person"), password=password, is_superuser=superuser, is_staff=staff or superuser
    )


def make_actor(
    *, roles: Mapping[Any, Role | str] | None = None, superuser: bool = False, user: Any = None, door: Door = Door.API
) -> Actor:
    """A person with a role at each of the given clients and projects (``{client: Role.EDITOR}``)."""
    account = user or make_user(superuser=superuser)
    for place, role in (roles or {}).items():
        policy.grant(role=Role(role), place=place, to=account, by=SYSTEM, at=AT)
    return tokens.actor_for(account, door=door)
