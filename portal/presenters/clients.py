"""Clients as the list of clients shows them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from foundation.actors import Actor
from instances import drafts
from publishing import deliveries, drift, metrics
from tenancy import clients
from tenancy.models import Client


@dataclass(frozen=True, slots=True)
class ClientLine:
    """One client: its prompts by status, deliveries that were given up, places that run something else."""

    client: Client
    prompts: int
    active: int
    dead: int
    drifting: int


def lines(*, actor: Actor) -> list[ClientLine]:
    """Every client the actor may see, by name; four queries however many there are."""
    prompts = {
        client: (every, active)
        for client, every, active in drafts.listing(actor=actor)
        .order_by()
        .filter(archived_at__isnull=True)
        .values_list("client")
        .annotate(every=Count("id"), active=Count("id", filter=Q(active_version__isnull=False)))
    }
    place = "placement__instance__client"
    dead = dict(
        deliveries.listing(actor=actor)
        .order_by()
        .filter(metrics.dead_letters())
        .values_list(place)
        .annotate(count=Count("id"))
    )
    drifting = dict(
        drift.listing(actor=actor)
        .order_by()
        .filter(ended_at__isnull=True)
        .values_list(place)
        .annotate(count=Count("id"))
    )
    return [
        ClientLine(
            client,
            *prompts.get(client.pk, (0, 0)),
            dead.get(client.pk, 0),
            drifting.get(client.pk, 0),
        )
        for client in clients.listing(actor=actor).order_by("name", "slug")
    ]
