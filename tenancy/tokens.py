"""Service tokens: ``phub_<prefix>_<secret>``; 256 random bits of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import SYSTEM, Actor, ActorKind, Door, system
from foundation.impatience import impatient
from prompthub_kernel.errors import Invalid, NotFound, Problem, Refused
from prompthub_kernel.naming import require_name
from prompthub_kernel.strict_json import require_storable
from tenancy import access, policy
from tenancy.models import ServiceToken
from tenancy.policy import Permission

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""How the ids of tokens look, so that no other id is looked for among them."""
FORM = re.compile(r"phub_([0-9a-z]{12})_([A-Za-z0-9_-]{43})\Z")
USED_EVERY = timedelta(minutes=1)
SERVICE = "service:"
"""What the names of services' accounts begin with, and those of people do not."""


def issue(
    *,
    name: str,
    account: Any,
    scopes: Sequence[str],
    by: Actor,
    at: datetime,
    clients: Sequence[str] = (),
    projects: Sequence[str] = (),
    labels: dict[str, str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ServiceToken, str]:
    """A new token and its secret form, which is shown once and stored nowhere.

    A token may only do what its account may do, and no token issues one with more scopes than its own.
    """
    policy.require(by, Permission.ADMIN, None)
    told = {"name": name, "clients": list(clients), "projects": list(projects), "labels": labels or {}}
    require_storable(told, "")
    require_name(name, "/name")
    wanted = policy.scopes_from(list(scopes))
    if by.scopes is not None and not wanted <= by.scopes:
        raise Refused("403.permission_denied", "A token cannot issue one with scopes that it does not have itself.")
    if expires_at is not None and expires_at <= at:
        raise Invalid(
            "422.request_invalid",
            "A token cannot expire before it exists.",
            problems=[Problem("/expires_at", "minimum", "must be in the future")],
        )
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ServiceToken(
            prefix=prefix,
            secret_digest=_digest(secret),
            name=name,
            account=account,
            scopes=sorted(wanted),
            clients=sorted(set(clients)),
            projects=sorted(set(projects)),
            labels=labels or {},
            created_at=at,
            created_by=by.id,
            expires_at=expires_at,
        )
        token.save()
        events.record(
            action=Action.TOKEN_ISSUE, subject=subject(token), by=by, at=at, metadata={"scopes": token.scopes}
        )
    return token, f"phub_{prefix}_{secret}"


def revoke(*, token: ServiceToken, by: Actor, at: datetime) -> ServiceToken:
    """Make a token useless from this moment on."""
    policy.require(by, Permission.ADMIN, None)
    with transaction.atomic():
        token = ServiceToken.objects.select_for_update().get(pk=token.pk)
        if token.revoked_at is None:
            token.revoked_at = at
            token.save(update_fields=["revoked_at"])
            events.record(action=Action.TOKEN_REVOKE, subject=subject(token), by=by, at=at)
    return token


def authenticate(*, presented: str, at: datetime, door: Door = Door.API) -> Actor:
    """The actor behind a presented token. Raises ``401.not_authenticated`` without saying which part was wrong."""
    match = FORM.match(presented)
    sight = access.look()
    token = access.recall(sight, ("token", match[1]), lambda: _with_account(match[1])) if match else None
    known = token.secret_digest if token else "0" * 64
    fits = hmac.compare_digest(known, _digest(match[2] if match else ""))
    if not fits or token is None or not token.account.is_active or not _valid(token, at):
        raise Refused("401.not_authenticated", "The token is unknown, expired or revoked.")
    if (token.last_used_at is None or at - token.last_used_at > USED_EVERY) and _note_use(token, at):
        token.last_used_at = at
        sight = access.look()
    return _actor(token, door, sight)


def as_now(*, key: str, at: datetime, door: Door) -> Actor:
    """Whoever acted under this id, with the rights of now: for what they asked to have done later.

    Raises ``401.not_authenticated`` when their account is gone or switched off, and for a token that expired or was
    revoked.
    """
    if key == SYSTEM:
        return system(door)
    if ID.fullmatch(key) and (token := ServiceToken.objects.select_related("account").filter(pk=key).first()):
        if not token.account.is_active or not _valid(token, at):
            raise Refused("401.not_authenticated", "The token expired, was revoked, or its account is switched off.")
        return _actor(token, door, None)
    users = get_user_model()
    try:
        account = users._default_manager.get(pk=key, is_active=True)
    except (users.DoesNotExist, ValueError, ValidationError):
        raise Refused("401.not_authenticated", "The account is gone, or was switched off.") from None
    return actor_for(account, door=door)


def get(*, key: uuid.UUID | str, actor: Actor) -> ServiceToken:
    """A token by id; only for administrators of the installation."""
    policy.require(actor, Permission.ADMIN, None)
    found = ServiceToken.objects.filter(pk=key).first()
    if found is None:
        raise NotFound("404.not_found", "No such token.")
    return found


def listing(*, actor: Actor) -> QuerySet[ServiceToken]:
    """All tokens; only for administrators of the installation."""
    policy.require(actor, Permission.ADMIN, None)
    return ServiceToken.objects.all()


def service_account(*, name: str) -> Any:
    """The account a service acts with: it has grants like a person's, but no password."""
    require_storable(name, "/service")
    users: Any = get_user_model()
    account, created = users._default_manager.get_or_create(**{users.USERNAME_FIELD: f"{SERVICE}{name}"[:150]})
    if created:
        account.set_unusable_password()
        account.save()
    return account


def actor_for(user: AbstractBaseUser, *, door: Door) -> Actor:
    """A signed-in person as an actor."""
    return Actor(kind=ActorKind.USER, id=str(user.pk), label=user.get_username(), door=door, account=user)


def subject(token: ServiceToken) -> events.Subject:
    """A token as the ledger knows it: by its name and prefix, never by its secret."""
    return events.Subject(kind="token", id=str(token.id), label=token.name)


def _actor(token: ServiceToken, door: Door, sight: Any) -> Actor:
    return Actor(
        kind=ActorKind.TOKEN,
        id=str(token.id),
        label=token.name,
        door=door,
        account=copy(token.account),
        scopes=frozenset(token.scopes),
        clients=frozenset(token.clients) or None,
        projects=frozenset(token.projects) or None,
        sight=sight,
        expires_at=token.expires_at,
    )


def _note_use(token: ServiceToken, at: datetime) -> bool:
    """Write down that it is used; False while somebody else writes: a call that only reads does not wait for that."""
    try:
        with impatient():
            ServiceToken.objects.filter(pk=token.pk).update(last_used_at=at)
    except OperationalError:
        return False
    return True


def _with_account(prefix: str) -> ServiceToken | None:
    return ServiceToken.objects.select_related("account").filter(prefix=prefix).first()


def _valid(token: ServiceToken, at: datetime) -> bool:
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > at)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
