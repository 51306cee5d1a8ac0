"""The registry's bells: each carries nothing, and may ring twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from foundation.actors import system
from registry import schedules


@shared_task(name="registry.wake")
def wake(**_: Any) -> int:
    """Make the moves of channels that are due."""
    return schedules.wake(by=system(), at=timezone.now())
