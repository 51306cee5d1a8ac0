"""How far a publication has come at each of its places."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from foundation.actors import Actor
from instances.models import Publication
from portal.presenters.words import DELIVERY, State
from publishing import deliveries, standing
from publishing.models import Delivery
from publishing.states import OPEN, DeliveryState

SOON, LATER = 1, 5
"""Seconds until a page looks again: while something is being sent, and while everything waits for its next try."""


@dataclass(frozen=True, slots=True)
class Step:
    """The newest delivery of a publication at one place. ``repeats`` counts those it replaced there.

    ``replayable``: it was given up, and nothing newer goes to that place.
    """

    delivery: Delivery
    state: State
    repeats: int
    replayable: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """All places of a publication, by target. ``replaced`` are the keys of deliveries that were sent again since."""

    publication: Publication
    steps: Sequence[Step]
    replaced: frozenset[str] = frozenset()

    @property
    def settled(self) -> bool:
        """Whether nothing is under way any more."""
        return not any(step.delivery.state in OPEN for step in self.steps)

    @property
    def wait(self) -> int:
        """Seconds until it is worth looking again."""
        quick = {DeliveryState.PENDING, DeliveryState.SENDING}
        return SOON if any(step.delivery.state in quick for step in self.steps) else LATER

    @property
    def delivered(self) -> int:
        """How many places have it."""
        return self._count(DeliveryState.DELIVERED)

    @property
    def failed(self) -> int:
        """How many places were given up."""
        return self._count(DeliveryState.BURIED)

    @property
    def superseded(self) -> int:
        """At how many places something newer came first."""
        return self._count(DeliveryState.SUPERSEDED)

    @property
    def seen(self) -> str:
        """What a page that shows this has seen: the same until something changes."""
        told = "\0".join(
            f"{step.delivery.pk}:{step.delivery.state}:{step.delivery.tries}:{step.delivery.error_code}"
            for step in self.steps
        )
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def _count(self, state: DeliveryState) -> int:
        return sum(step.delivery.state == state for step in self.steps)


def progress(*, publication: Publication, actor: Actor) -> Progress:
    """The deliveries of a publication; two queries."""
    newest: dict[object, Delivery] = {}
    repeats: dict[object, int] = {}
    replaced: set[str] = set()
    for row in (
        deliveries.listing(actor=actor).filter(publication=publication).order_by("placement__target__name", "id")
    ):
        repeats[row.placement_id] = repeats.get(row.placement_id, -1) + 1
        if (before := newest.get(row.placement_id)) is not None:
            replaced.add(str(before.pk))
        newest[row.placement_id] = row
    places = standing.places(instances=[publication.instance], actor=actor)
    last = {key for place in places if (key := getattr(place, "newest_id", None)) is not None}
    return Progress(
        publication,
        [
            Step(
                row,
                DELIVERY[row.state],
                repeats[key],
                replayable=row.state == DeliveryState.BURIED and row.pk in last,
            )
            for key, row in newest.items()
        ],
        frozenset(replaced),
    )
