"""The first page behind ``/admin/``: what needs a person, what is on its way, what was decided last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from audit import events
from publishing import deliveries, drift, metrics
from publishing.states import OPEN
from tenancy.admin import who

RECENT = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with where to look. ``calm`` when nobody has to do anything about it."""

    title: str
    value: int
    link: str
    calm: bool


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the page's own context; what is counted is what this person may see."""
    actor = who(request)
    sent = deliveries.listing(actor=actor).order_by()
    listed = reverse("admin:prompthub_publishing_delivery_changelist")
    drifted = reverse("admin:prompthub_publishing_drift_changelist")
    dead = sent.filter(metrics.dead_letters()).count()
    drifting = drift.listing(actor=actor).filter(ended_at__isnull=True).count()
    waiting = sent.filter(state__in=OPEN).count()
    figures = [
        Figure("Deliveries that were given up", dead, f"{listed}?dead=yes", calm=not dead),
        Figure("Places that run something else", drifting, f"{drifted}?ended_at__isempty=1", calm=not drifting),
        Figure("Deliveries on their way", waiting, listed, calm=True),
    ]
    recent = events.every()[:RECENT] if request.user.is_superuser else []
    return {**context, "figures": figures, "recent": recent}
