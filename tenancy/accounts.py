"""People's accounts where PromptHub runs by itself; an embedding project has its own ways.

A new account may do nothing until it is given roles. PromptHub defines no user model: these verbs work on
whatever ``AUTH_USER_MODEL`` is, as long as it has Django's columns for staff and superusers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from prompthub_kernel.errors import Conflict, Invalid, Problem, Refused
from prompthub_kernel.naming import require_name
from prompthub_kernel.strict_json import require_storable
from tenancy import policy
from tenancy.policy import Permission


def create(*, name: str, password: str, by: Actor, at: datetime, staff: bool = False, superuser: bool = False) -> Any:
    """A new account. Raises ``409.version_conflict`` for a taken name, ``422.request_invalid`` for a weak password."""
    policy.require(by, Permission.ADMIN, None)
    require_name(name, "/name")
    users = get_user_model()
    account: Any = users(**{users.USERNAME_FIELD: name})
    _check_password(account, password)
    account.set_password(password)
    account.is_staff, account.is_superuser = staff or superuser, superuser
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            events.record(
                action=Action.ACCOUNT_CREATE, subject=subject(account), by=by, at=at, metadata=_standing(account)
            )
    except IntegrityError as error:
        raise Conflict(
            "409.version_conflict", f"'{name}' is taken.", problems=[Problem("/name", "unique", "is taken")]
        ) from error
    return account


def set_password(*, account: Any, password: str, by: Actor, at: datetime) -> Any:
    """A new password, given by an administrator or by the person; every session of the account ends."""
    if not (by.account is not None and by.account.pk == account.pk and by.scopes is None):
        policy.require(by, Permission.ADMIN, None)
    _check_password(account, password)
    with transaction.atomic():
        row = _locked(account)
        row.set_password(password)
        row.save(update_fields=["password"])
        events.record(action=Action.ACCOUNT_PASSWORD_SET, subject=subject(row), by=by, at=at)
    return row


def set_standing(*, account: Any, active: bool, staff: bool, superuser: bool, by: Actor, at: datetime) -> Any:
    """Whether it may sign in, enter the staff's door, and do everything.

    Raises ``403.permission_denied`` when an administrator would lock themselves out.
    """
    policy.require(by, Permission.ADMIN, None)
    if by.account is not None and by.account.pk == account.pk and not (active and superuser):
        raise Refused("403.permission_denied", "Somebody else must take this from you: one administrator must be left.")
    with transaction.atomic():
        row = _locked(account)
        row.is_active, row.is_staff, row.is_superuser = active, staff or superuser, superuser
        row.save(update_fields=["is_active", "is_staff", "is_superuser"])
        events.record(action=Action.ACCOUNT_STANDING_SET, subject=subject(row), by=by, at=at, metadata=_standing(row))
    return row


def subject(account: Any) -> events.Subject:
    """An account as the ledger knows it."""
    return events.Subject(kind="account", id=str(account.pk), label=account.get_username())


def _locked(account: Any) -> Any:
    return get_user_model()._default_manager.select_for_update().get(pk=account.pk)


def _standing(account: Any) -> dict[str, bool]:
    return {"active": account.is_active, "staff": account.is_staff, "superuser": account.is_superuser}


def _check_password(account: Any, password: str) -> None:
    require_storable(password, "/password")
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Invalid(
            "422.request_invalid",
            "This password is too easy to guess.",
            problems=[Problem("/password", "weak", sentence) for sentence in error.messages],
        ) from error
