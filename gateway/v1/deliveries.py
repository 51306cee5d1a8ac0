"""Deliveries: sealed texts on their way, and what became of them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import uuid_of
from prompthub_kernel.errors import NotFound, Problem
from publishing import deliveries, replays
from publishing.models import Delivery
from publishing.states import DeliveryState
from tenancy.policy import Permission

STATES = [str(state) for state in DeliveryState]


def without_text(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """A listing needs whose they are and where they go, not what they carry."""
    return rows.select_related(None).select_related("publication", "placement__target__client", "lane")


class Deliveries(Endpoint):
    """``/deliveries``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_deliveries",
        "Deliveries of the clients you may see",
        {200: "[Delivery]"},
        query=(
            query.slug("client", "Only of this client."),
            query.choice("state", "Only in this state.", STATES),
            query.identifier("target", "Only to this target."),
            query.identifier("instance", "Only of this prompt."),
            *pagination.PARAMETERS,
        ),
    )
    def get(self) -> Answer:
        """Newest first."""
        wanted = {
            "placement__target__client__slug": self.query["client"],
            "state": self.query["state"],
            "placement__target_id": self.query["target"],
            "placement__instance_id": self.query["instance"],
        }
        rows = without_text(deliveries.listing(actor=self.actor))
        rows = rows.filter(**{column: value for column, value in wanted.items() if value is not None})
        return self.page(rows, pagination.NEWEST_FIRST, shown.delivery)


class OneDelivery(Endpoint):
    """``/deliveries/{delivery_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_delivery", "A delivery with every try", {200: "DeliveryWithAttempts"})
    def get(self, delivery_id: UUID) -> Answer:
        """Tries in their order."""
        row = deliveries.get(key=delivery_id, actor=self.actor)
        return Answer(shown.delivery_with_attempts(row, row.attempts.order_by("id")))


class ReplayDelivery(Endpoint):
    """``/deliveries/{delivery_id}/replay``."""

    permissions = {"POST": Permission.PUBLISH}

    @operation(
        "replay_delivery",
        "Send a buried delivery again",
        {201: "Delivery"},
        problems=("409.state_conflict", "409.archived"),
    )
    def post(self, delivery_id: UUID) -> Answer:
        """As a new delivery that names the old one."""
        row = deliveries.get(key=delivery_id, actor=self.actor)
        return Answer(shown.delivery(deliveries.replay(delivery=row, by=self.actor, at=self.at)), 201)


class ReplayDeliveries(Endpoint):
    """``/deliveries/replay``."""

    permissions = {"POST": Permission.PUBLISH}

    @operation(
        "replay_deliveries",
        "Send many buried deliveries again",
        {200: "Replays"},
        body="replay-request",
        problems=("404.not_found",),
    )
    def post(self) -> Answer:
        """Each on its own: what cannot be replayed says why, and so does what you may not replay.

        Who may replay none of them gets 403.
        """
        answers = replays.replay_many(deliveries=self._chosen(), by=self.actor, at=self.at)
        results = [
            {
                "delivery_id": str(old.id),
                "replayed_by": str(new.id) if new is not None else None,
                "reason": reason or None,
            }
            for old, new, reason in answers
        ]
        return Answer({"results": results})

    def _chosen(self) -> list[Delivery]:
        wanted = [uuid_of(key) for key in self.body["deliveries"]]
        found = deliveries.listing(actor=self.actor).in_bulk(wanted)
        missing = [
            Problem(f"/deliveries/{index}", "unknown", "no such delivery")
            for index, key in enumerate(wanted)
            if key not in found
        ]
        if missing:
            raise NotFound("404.not_found", "There is no such delivery. Nothing was replayed.", problems=missing)
        return [found[key] for key in dict.fromkeys(wanted)]


class BuryDelivery(Endpoint):
    """``/deliveries/{delivery_id}/bury``."""

    permissions = {"POST": Permission.PUBLISH}

    @operation(
        "bury_delivery", "Give up a delivery that is retried", {200: "Delivery"}, problems=("409.state_conflict",)
    )
    def post(self, delivery_id: UUID) -> Answer:
        """It can be replayed later."""
        row = deliveries.get(key=delivery_id, actor=self.actor)
        deliveries.bury(delivery=row, by=self.actor, at=self.at)
        return Answer(shown.delivery(deliveries.get(key=delivery_id, actor=self.actor)))
