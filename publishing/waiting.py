"""Deliveries that wait: on which lane, until when and why, and how a person ends the wait."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.db.models import F, OuterRef, QuerySet, Subquery

from foundation.after_commit import after_commit
from foundation.clock import database_now
from publishing import bell
from publishing.models import Delivery, Placement
from publishing.states import WAITING


class Why(StrEnum):
    """What a delivery waits for."""

    TURN = "turn"  # due, or about to be
    BACKOFF = "backoff"  # its last try failed
    RETRY_AFTER = "retry_after"  # the provider asked for a pause
    BREAKER = "breaker"  # the provider failed too often in a row
    TARGET_DISABLED = "target_disabled"  # until a person switches the target on


@dataclass(frozen=True, slots=True)
class NextTry:
    """Not before ``at``, because of ``why``; ``at`` is None when no time is known."""

    at: datetime | None
    why: Why


def next_try(
    *,
    state: str,
    tries: int,
    due_at: datetime,
    not_before: datetime | None,
    open_until: datetime | None,
    enabled: bool = True,
) -> NextTry | None:
    """When a delivery is sent at the earliest: when it is due and its lane may be called; None unless it waits.

    ``enabled`` is the target's: while it is switched off nothing is sent there, and nobody knows until when.
    """
    if state not in WAITING:
        return None
    if not enabled:
        return NextTry(None, Why.TARGET_DISABLED)
    until, because = due_at, Why.BACKOFF if tries else Why.TURN
    for moment, why in ((open_until, Why.BREAKER), (not_before, Why.RETRY_AFTER)):
        if moment is not None and moment >= until:
            until, because = moment, why
    return NextTry(until, because)


def next_try_of(*, delivery: Delivery) -> NextTry | None:
    """When a delivery is sent at the earliest; its lane and its place's target are loaded with it."""
    return next_try(
        state=delivery.state,
        tries=delivery.tries,
        due_at=delivery.due_at,
        not_before=delivery.lane.not_before,
        open_until=delivery.lane.open_until,
        enabled=delivery.placement.target.enabled,
    )


def backoff(*, tries: int) -> float:
    """Seconds until the next try, after so many that failed: full jitter over base · 2ⁿ, capped.

    Source: AWS, "Exponential Backoff And Jitter".
    """
    rules = settings.PUBLISHING
    ceiling = min(rules["backoff_cap_seconds"], rules["backoff_base_seconds"] * 2 ** max(0, tries - 1))
    return random.uniform(ceiling / 10, ceiling)  # noqa: S311 - spreads load, guards nothing


def follow(*, placements: Iterable[uuid.UUID]) -> int:
    """Move what waits to the lane of its place, and ring there after commit; returns how many moved.

    What is being sent stays where its lease is; it follows when its try has ended.
    """
    rows = Delivery.objects.filter(placement__in=list(placements)).exclude(lane_id=F("placement__lane_id"))
    lane = Placement.objects.filter(pk=OuterRef("placement_id")).values("lane_id")
    return _change(rows, lane_id=Subquery(lane))


def hasten(*, placements: Iterable[uuid.UUID]) -> int:
    """Make what waits due now, on the lane of its place, and ring there after commit; returns how many waited."""
    places = list(placements)
    follow(placements=places)
    return _change(Delivery.objects.filter(placement__in=places), due_at=database_now())


def _change(rows: QuerySet[Delivery], **columns: object) -> int:
    """Locked by age, as everybody does who ends deliveries."""
    waiting = rows.filter(state__in=WAITING).order_by("id").select_for_update(no_key=True, of=("self",))
    ids = list(waiting.values_list("id", flat=True))
    found = Delivery.objects.filter(pk__in=ids)
    changed = found.update(**columns) if ids else 0
    for lane_id in sorted(set(found.values_list("lane_id", flat=True))) if ids else ():
        after_commit(bell.ring, lane_id)
    return changed
