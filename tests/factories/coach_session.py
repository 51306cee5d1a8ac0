"""Sessions of a coach."""

from __future__ import annotations

from assist.models import CoachSession
from tests.factories.acting import AT, SYSTEM
from tests.factories.release import make_release


def make_coach_session() -> CoachSession:
    """A session of a release without texts."""
    return CoachSession.objects.create(
        release=make_release(),
        style="calm",
        started_at=AT,
        started_by=SYSTEM.id,
        started_by_label=SYSTEM.label,
        correlation_id="a-correlation-id",
    )
