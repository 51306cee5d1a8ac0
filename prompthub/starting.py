"""What must hold before a server or a worker starts. Django's own checks do not ask the database; these do."""

from __future__ import annotations

from collections.abc import Callable

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from foundation import database_errors, triggers
from foundation.fields import EncryptedText, cipher
from registry import packs

MIGRATE = "python manage.py migrate"


def schema_is_current() -> list[str]:
    """No migration is pending."""
    executor = MigrationExecutor(connection)
    pending = [
        f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
    ]
    if not pending:
        return []
    named = ", ".join(pending[:3]) + (f" and {len(pending) - 3} more" if len(pending) > 3 else "")
    return [f"The database is behind the code: {named}. Run: {MIGRATE}"]


def sealed_rows_are_guarded() -> list[str]:
    """The triggers that refuse changes to sealed and append-only rows are in place."""
    missing = triggers.missing()
    if not triggers.heeded():
        return ["REPLACE goes past the triggers that guard sealed rows. Run SQLite with PRAGMA recursive_triggers=ON."]
    if not missing:
        return []
    return [f"{len(missing)} triggers that guard sealed rows are missing ({missing[0]}, …). Run: {MIGRATE}"]


def keys_fit() -> list[str]:
    """The encryption keys are well formed and open the newest value of every encrypted column."""
    try:
        cipher()
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, EncryptedText):
                    filled = model._base_manager.exclude(**{field.name: ""}).exclude(**{field.name: None})
                    filled.order_by("-pk").values_list(field.name, flat=True).first()
    except ImproperlyConfigured as error:
        return [f"{error}. Set PROMPTHUB_ENCRYPTION_KEYS to the keys of this database, the newest first."]
    return []


def pack_defaults_are_there() -> list[str]:
    """The releases that the settings name for packs exist (seed 001: "environment default points to unknown")."""
    return packs.unknown_defaults()


CHECKS: list[Callable[[], list[str]]] = [schema_is_current, sealed_rows_are_guarded, keys_fit]
AT_START: list[Callable[[], list[str]]] = [pack_defaults_are_there]


def problems() -> list[str]:
    """One sentence for everything that forbids to serve, empty when all is well.

    The checks rest on each other, so the first one that fails speaks alone.
    """
    return _first_of(CHECKS)


def refusals() -> list[str]:
    """:func:`problems`, and what forbids only a start: should it come true later, a server that runs goes on."""
    return _first_of([*CHECKS, *AT_START])


def _first_of(checks: list[Callable[[], list[str]]]) -> list[str]:
    try:
        for check in checks:
            if found := check():
                return found
    except DatabaseError as error:
        away = f"The database cannot be used ({type(error).__name__}). Is it up, and is DATABASE_URL right?"
        return [database_errors.cause(error) or away]
    return []
