"""The bells of suggestions: each carries an id or nothing, and may ring twice."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task
from django.utils import timezone

from assist import refine, runs
from foundation.actors import system


@shared_task(name=refine.RUN)
def run_suggestion(suggestion_id: str, **_: Any) -> bool:
    """Ask the model for one suggestion."""
    return runs.run(suggestion_id=uuid.UUID(suggestion_id), by=system(), at=timezone.now())


@shared_task(name="assist.sweep")
def sweep(**_: Any) -> int:
    """Ring for suggestions nobody is at work on."""
    return runs.sweep()
