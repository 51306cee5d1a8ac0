"""Housekeeping of the floor."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from foundation import idempotency


@shared_task(name="foundation.forget_idempotency_keys")
def forget_idempotency_keys(**_: Any) -> int:
    """Delete idempotency keys older than 24 hours."""
    return idempotency.forget(at=timezone.now())
