"""Sessions of a coach."""

from __future__ import annotations

from assist.models import CoachSession
from registry.models import Release
from tests.factories.acting import AT, SYSTEM
from tests.factories.release import make_release


def make_coach_session(*, release: Release | None = None) -> CoachSession:
    """A session of a release, by default of one without texts."""
    return CoachSession.objects.create(
        release=release or make_release(),
        style="calm",
        started_at=AT,
        started_by=SYSTEM.id,
        started_by_label=SYSTEM.label,
        correlation_id="a-correlation-id",
    )
