"""Housekeeping of the floor."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from foundation import broadcast, idempotency


@shared_task(name="foundation.forget_idempotency_keys")
def forget_idempotency_keys(**_: Any) -> int:
    """Delete idempotency keys older than 24 hours."""
    return idempotency.forget(at=timezone.now())


@shared_task(name="foundation.forget_changes")
def forget_changes(**_: Any) -> int:
    """Delete changes that no process asks for any more."""
    return broadcast.forget()
