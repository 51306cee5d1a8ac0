"""How deliveries stand, for lists and the dashboard: what is derived, as columns and counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import TruncDate

from foundation.actors import Actor
from instances.models import PromptInstance, Publication
from publishing import deliveries
from publishing.metrics import dead_letters
from publishing.models import Delivery, Drift, Placement
from publishing.states import OPEN, DeliveryState
from tenancy import policy
from tenancy.models import Client

# How a publication, or a delivery, came out; in the order in which they are told.
OUTCOMES = ("delivered", "under_way", "given_up", "superseded", "nowhere")


def places(*, instances: Iterable[PromptInstance], actor: Actor) -> QuerySet[Placement]:
    """Where the prompts go, by target, each with its newest delivery and whether it drifted; one query.

    ``newest_state``, ``newest_at``, ``newest_code``, ``newest_id`` are None where nothing was sent there yet: what
    arrived at an address that the target has left says nothing about the new one.
    """
    latest = Delivery.objects.filter(placement=OuterRef("pk")).order_by("-ordinal", "-id")
    newest = Delivery.objects.filter(pk=OuterRef("latest")).filter(
        ~Q(state=DeliveryState.DELIVERED) | Q(lane=OuterRef("lane"))
    )
    drifted = Drift.objects.filter(placement=OuterRef("pk"), ended_at__isnull=True)
    return (
        Placement.objects.filter(
            instance__in=[one.pk for one in instances],
            instance__client__in=policy.visible(actor, Client),
            removed_at__isnull=True,
        )
        .select_related("target")
        .annotate(
            latest=Subquery(latest.values("pk")[:1]),
            newest_state=Subquery(newest.values("state")[:1]),
            newest_at=Subquery(newest.values("created_at")[:1]),
            newest_code=Subquery(newest.values("error_code")[:1]),
            newest_id=Subquery(newest.values("pk")[:1]),
            drifting=Exists(drifted),
        )
        .order_by("target__name", "created_at", "id")
    )


def publications_by_day(*, actor: Actor, since: datetime) -> list[tuple[date, str, int]]:
    """Publications per UTC day and outcome: given up when one of its places was, under way while one is."""
    sent = Delivery.objects.filter(publication=OuterRef("pk"))
    outcome = Case(
        When(Exists(sent.filter(dead_letters())), then=Value("given_up")),
        When(Exists(sent.filter(state__in=OPEN)), then=Value("under_way")),
        When(Exists(sent.filter(state=DeliveryState.DELIVERED)), then=Value("delivered")),
        When(Exists(sent), then=Value("superseded")),
        default=Value("nowhere"),
        output_field=CharField(),
    )
    rows = Publication.objects.filter(at__gte=since, instance__client__in=policy.visible(actor, Client)).order_by()
    counted = rows.annotate(day=TruncDate("at"), outcome=outcome).values_list("day", "outcome").annotate(Count("id"))
    return sorted(counted)


def deliveries_by_target(*, actor: Actor, since: datetime) -> list[tuple[str, str, str, int]]:
    """Deliveries made since then: client, target, outcome, how many."""
    outcome = Case(
        When(state=DeliveryState.DELIVERED, then=Value("delivered")),
        When(state__in=OPEN, then=Value("under_way")),
        When(state=DeliveryState.BURIED, then=Value("given_up")),
        default=Value("superseded"),
        output_field=CharField(),
    )
    rows = deliveries.listing(actor=actor).select_related(None).filter(created_at__gte=since).order_by()
    target = "placement__target"
    return sorted(
        rows.annotate(outcome=outcome)
        .values_list(f"{target}__client__name", f"{target}__name", "outcome")
        .annotate(Count("id"))
    )


def undelivered(*, actor: Actor) -> QuerySet[Delivery]:
    """What has not arrived, oldest first."""
    return deliveries.listing(actor=actor).filter(state__in=OPEN).order_by("created_at", "id")
