"""The bells of publishing: each carries an id or nothing, and may ring twice."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task
from django.utils import timezone

from foundation.actors import system
from publishing import bell, courier, deliveries, drift


@shared_task(name=bell.RUN_LANE)
def run_lane(lane_id: str, **_: Any) -> int:
    """Carry out what is due on one lane."""
    return courier.deliver(lane_id=uuid.UUID(lane_id), by=system())


@shared_task(name="publishing.sweep")
def sweep(**_: Any) -> int:
    """Ring for lanes that have something due and nobody at work."""
    return deliveries.sweep()


@shared_task(name="publishing.check_drift")
def check_drift(**_: Any) -> int:
    """Compare what providers run with what was delivered."""
    return drift.check_all(by=system(), at=timezone.now())
