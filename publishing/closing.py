"""Where nothing is sent: not any more, so that what waits there has ended, or not now, so that it goes on waiting.

A place is closed for good when its prompt was taken away from it, or the prompt or its client was archived. It is
closed for now while its target is switched off. What is being sent at that moment ends as it ends.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet

from foundation.actors import Actor
from foundation.clock import database_now
from instances import drafts
from instances.models import PromptInstance
from prompthub_kernel.errors import Conflict
from publishing import overwriting
from publishing.models import Delivery, Placement
from publishing.states import WAITING, DeliveryState


class Bar(StrEnum):
    """Why nothing is sent to a place."""

    REMOVED = "removed"
    ARCHIVED = "archived"
    CLIENT_ARCHIVED = "client_archived"
    DISABLED = "disabled"


CLOSED: dict[Bar, Q] = {
    Bar.REMOVED: Q(placement__removed_at__isnull=False),
    Bar.ARCHIVED: Q(placement__instance__archived_at__isnull=False),
    Bar.CLIENT_ARCHIVED: Q(placement__instance__client__archived_at__isnull=False),
}
"""Conditions on what has a place, deliveries and drifts: it is closed for good."""

ENDED: dict[Bar, str] = {
    Bar.REMOVED: "The prompt was taken away from this place before this was sent.",
    Bar.ARCHIVED: "The prompt was archived before this was sent.",
    Bar.CLIENT_ARCHIVED: "The client was archived before this was sent.",
}

REFUSED: dict[Bar, tuple[str, str]] = {
    Bar.REMOVED: (
        "409.state_conflict",
        "The prompt does not go to this place any more. Place it there again, then publish it.",
    ),
    Bar.ARCHIVED: (
        "409.archived",
        (
            "This prompt is archived; nothing of it is sent any more. "
            "Take it away from this place, then place and publish another prompt instead."
        ),
    ),
    Bar.CLIENT_ARCHIVED: ("409.archived", "This client is archived; nothing of it is sent any more."),
    Bar.DISABLED: ("409.state_conflict", "This target is switched off. Switch it on, then replay."),
}


def bar(*, placement: Placement) -> Bar | None:
    """Why nothing is sent to the place, as it is loaded; None when it may be."""
    if placement.removed_at is not None:
        return Bar.REMOVED
    if placement.instance.archived_at is not None:
        return Bar.ARCHIVED
    if placement.instance.client.archived_at is not None:
        return Bar.CLIENT_ARCHIVED
    return None if placement.target.enabled else Bar.DISABLED


def bar_now(*, delivery: Delivery) -> Bar | None:
    """As :func:`bar`, as it is stored at this moment."""
    return bar(placement=Placement.objects.select_related("instance__client", "target").get(pk=delivery.placement_id))


def require_open(*, delivery: Delivery) -> None:
    """Raises ``409.archived`` or ``409.state_conflict``, and what to do, where nothing is sent."""
    found = bar_now(delivery=delivery)
    if found is not None:
        code, told = REFUSED[found]
        raise Conflict(code, told)


def closed() -> Q:
    """Condition on deliveries: their place is closed for good."""
    return reduce(or_, CLOSED.values())


def end(*, rows: QuerySet[Delivery], why: str = "") -> int:
    """End what waits of the rows as superseded, with the reason if it is not a newer publication; returns how many.

    Locked by age, as everybody does, so that two who meet here wait instead of deadlocking.
    """
    waits = rows.filter(state__in=WAITING).order_by("id").select_for_update(no_key=True, of=("self",))
    old = list(waits.values_list("id", flat=True))
    told = {"error_code": "", "error_detail": why} if why else {}
    if old:
        Delivery.objects.filter(pk__in=old).update(state=DeliveryState.SUPERSEDED, ended_at=database_now(), **told)
    return len(old)


def end_closed(*, rows: QuerySet[Delivery]) -> int:
    """End what waits of the rows at places that are closed for good; returns how many."""
    return sum(end(rows=rows.filter(condition), why=ENDED[why]) for why, condition in CLOSED.items())


def archive(*, instance: PromptInstance, by: Actor, at: datetime) -> PromptInstance:
    """Put a prompt out of use (``instances.drafts.archive``), end what waits of it and what was found in its places.

    What providers run stays.

    Raises ``409.archived`` when it is already.
    """
    with transaction.atomic():
        row = drafts.archive(instance=instance, by=by, at=at)
        end(rows=Delivery.objects.filter(placement__instance=row), why=ENDED[Bar.ARCHIVED])
        placed = Placement.objects.filter(instance=row).values_list("pk", flat=True)
        overwriting.end(placements=placed, how=Bar.ARCHIVED, by=by, at=at)
    return row
