"""The numbers of channels' moves and of indexes after a restore: the registry's part of ``publishing.restoring``."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from registry import signing
from registry.models import Channel


def skip(*, ahead: int, at: datetime) -> int:
    """Leave out ``ahead`` ordinals of every channel that was moved, and counters of every index; returns how many."""
    moved = Channel.objects.exclude(last_ordinal=0).update(last_ordinal=F("last_ordinal") + ahead)
    return moved + signing.skip(ahead=ahead, at=at)
