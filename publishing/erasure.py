"""What is kept of a client's providers and deliveries, emptied: the room's part of ``assist.erasure``."""

from __future__ import annotations

from datetime import datetime

from foundation.models import TOMBSTONE
from prompthub_kernel.errors import Conflict
from publishing.models import Delivery, DeliveryAttempt, Drift, Placement, Target
from publishing.states import OPEN
from tenancy.models import Client


def erase(*, client: Client, at: datetime) -> int:
    """Empty targets, their history, tries and what was seen at providers; returns how many values and rows it changed.

    Targets are switched off and placements removed: nothing is sent or looked for there any more. Raises
    ``409.state_conflict`` while something is on its way.
    """
    if Delivery.objects.filter(placement__target__client=client, state__in=OPEN).exists():
        raise Conflict(
            "409.state_conflict",
            "Deliveries of this client are on their way. Wait until they have ended, or give them up.",
        )
    targets = Target.objects.filter(client=client)
    placements = Placement.objects.filter(target__client=client)
    drifts = Drift.objects.filter(placement__in=placements)
    seen = [drift.pk for drift in drifts if drift.observed != TOMBSTONE]
    return (
        DeliveryAttempt.objects.filter(delivery__placement__in=placements).erase()
        + Delivery.objects.filter(placement__in=placements).exclude(error_detail="").update(error_detail="")
        + drifts.filter(pk__in=seen).update(observed=TOMBSTONE)
        + drifts.filter(ended_at__isnull=True).update(ended_at=at, ended_by="erasure")
        + placements.exclude(unreadable_reason="").update(unreadable_reason="")
        + placements.filter(removed_at__isnull=True).update(removed_at=at)
        + targets.exclude(settings={}, credentials="", enabled=False).update(settings={}, credentials="", enabled=False)
        + Target.history.filter(client=client).exclude(settings={}).update(settings={})
    )
