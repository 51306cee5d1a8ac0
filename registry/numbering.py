"""The numbers of channels' moves after a restore: the registry's part of ``publishing.restoring``."""

from __future__ import annotations

from django.db.models import F

from registry.models import Channel


def skip(*, ahead: int) -> int:
    """Leave out ``ahead`` ordinals on every channel that was moved; returns on how many."""
    return Channel.objects.exclude(last_ordinal=0).update(last_ordinal=F("last_ordinal") + ahead)
