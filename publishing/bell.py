"""Tell a worker that there is work. Losing a ring loses a second, not a delivery."""

from __future__ import annotations

import time
import uuid

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
RUN_LANE = "publishing.run_lane"  # by name: tasks stand above the verbs that ring for them
QUIET_SECONDS = 2.0

_quiet_until = 0.0


def ring(lane_id: uuid.UUID) -> None:
    """Enqueue the lane's task."""
    send(RUN_LANE, lane_id=lane_id)


def send(task: str, /, **ids: uuid.UUID) -> None:
    """Enqueue a task; with the broker down, log it and leave the work to the sweep.

    A broker that hangs costs its time-out. So that not every publish pays it, nobody in this process rings for a
    moment after a failure.
    """
    global _quiet_until  # noqa: PLW0603 - one broker, one memory of it in each process
    if time.monotonic() < _quiet_until:
        return
    named = {name: str(value) for name, value in ids.items()}
    try:
        current_app.send_task(task, kwargs=named, retry=False)
    except (OperationalError, OSError) as error:
        _quiet_until = time.monotonic() + QUIET_SECONDS
        log.warning("broker.unreachable", **named, error=type(error).__name__)
