"""Tell a worker that a lane has work. Losing a ring loses a second, not a delivery."""

from __future__ import annotations

import uuid

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
RUN_LANE = "publishing.run_lane"  # by name: tasks stand above the verbs that ring for them


def ring(lane_id: uuid.UUID) -> None:
    """Enqueue the lane's task; with the broker down, log it and leave the work to the sweep."""
    try:
        current_app.send_task(RUN_LANE, kwargs={"lane_id": str(lane_id)}, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker.unreachable", lane_id=str(lane_id), error=type(error).__name__)
