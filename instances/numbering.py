"""The numbers of a prompt's versions and publications after a restore: the room's part of ``publishing.restoring``."""

from __future__ import annotations

from django.db.models import F

from instances.models import PromptInstance


def skip(*, ahead: int) -> int:
    """Leave out ``ahead`` numbers on every prompt that was sealed or published; returns on how many."""
    return PromptInstance.objects.exclude(last_version_ordinal=0, last_publication_ordinal=0).update(
        last_version_ordinal=F("last_version_ordinal") + ahead,
        last_publication_ordinal=F("last_publication_ordinal") + ahead,
    )
