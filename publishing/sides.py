"""What of a prompt can be compared with what: the room's own sides, and what a provider last confirmed.

``confirmed:<placementId>`` is the text a place runs as far as we know: what was read back there when it differed from
ours (drift), else what was delivered last.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from foundation import ids
from foundation.actors import Actor
from instances import comparing
from instances.comparing import Kind, Level, Side
from instances.models import PromptInstance
from prompthub_kernel.errors import Invalid, NotFound, Problem
from publishing.drift import masked
from publishing.models import Delivery, Drift, Placement
from publishing.states import DeliveryState
from tenancy import policy
from tenancy.policy import Permission

TEXTS = ("content_md", "content_json", "content_materialized", "variables")
"""The columns of a version that are its texts, and may be large."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What one place runs: ``delivery`` is the last one that arrived, ``drift`` tells of another text found there.

    What arrived at an address that the target has left is not meant.

    ``newest`` is the last one laid down, whatever became of it.
    """

    placement: Placement
    delivery: Delivery | None
    drift: Drift | None
    newest: Delivery | None


def side(*, instance: PromptInstance, word: str, level: Level, actor: Actor) -> Side:
    """The side of that word: one of :mod:`instances.comparing`, or ``confirmed:<placementId>``.

    Raises also ``422.request_invalid`` for a drifted text as written: it is known only as the provider has it.
    """
    kind, _, key = word.partition(":")
    if kind != Kind.CONFIRMED:
        return comparing.side(instance=instance, word=word, level=level, actor=actor)
    policy.require(actor, Permission.VIEW, instance.client)
    try:
        wanted = ids.read(text=key)
    except ValueError:
        raise comparing.unknown() from None
    places = Placement.objects.filter(pk=wanted, instance=instance).select_related("target")
    found = confirmed(placements=places, texts=True).get(wanted)
    if found is None or found.delivery is None:
        raise NotFound(comparing.MISSING, "Nothing of this prompt was confirmed there.")
    version, word = found.delivery.publication.version, f"{Kind.CONFIRMED}:{wanted}"
    if found.drift is None:
        return comparing.of_version(
            version=version,
            level=level,
            word=word,
            kind=Kind.CONFIRMED,
            name=found.placement.target.name,
            secret_revision=found.delivery.publication.secret_revision,
        )
    return _drifted(found.drift, found.placement, level, word, version.format)


def confirmed(*, placements: QuerySet[Placement], texts: bool = False) -> dict[uuid.UUID, Confirmed]:
    """What each of the places runs, by their ids; three queries however many there are.

    ``texts``: the sealed texts are wanted too, not only which versions they are.
    """
    sent = Delivery.objects.filter(placement=OuterRef("pk")).order_by("-ordinal", "-id").values("pk")
    placed: dict[uuid.UUID, Any] = {
        placement.pk: placement
        for placement in placements.annotate(
            arrived=Subquery(sent.filter(state=DeliveryState.DELIVERED, lane=OuterRef("lane"))[:1]),
            newest=Subquery(sent[:1]),
        )
    }
    deliveries = Delivery.objects.select_related("publication__version")
    if not texts:
        deliveries = deliveries.defer(*(f"publication__version__{column}" for column in TEXTS))
    rows = deliveries.in_bulk({key for one in placed.values() for key in (one.arrived, one.newest) if key is not None})
    drifts = {row.placement_id: row for row in Drift.objects.filter(placement__in=placed, ended_at__isnull=True)}
    return {
        key: Confirmed(one, delivery=rows.get(one.arrived), drift=drifts.get(key), newest=rows.get(one.newest))
        for key, one in placed.items()
    }


def drifted(*, drift: Drift, actor: Actor) -> tuple[Side, Side]:
    """What was delivered, and what was found in its place; both rendered, secrets masked."""
    placement, version = drift.placement, drift.delivery.publication.version
    policy.require(actor, Permission.VIEW, placement.instance.client)
    word, name = f"{Kind.VERSION}:{version.ordinal}", placement.target.name
    ours = comparing.of_version(version=version, level=Level.RENDERED, word=word, name=name)
    theirs = f"{Kind.CONFIRMED}:{placement.pk}"
    return ours, _drifted(drift, placement, Level.RENDERED, theirs, version.format)


def _drifted(drift: Drift, placement: Placement, level: Level, word: str, format: str) -> Side:
    if level is Level.SOURCE:
        detail = "What a provider runs is known only as it is there: compare it as rendered."
        raise Invalid("422.request_invalid", detail, problems=[Problem("/query/level", "const", "must be rendered")])
    text, document = comparing.shown(
        text=masked(text=drift.observed, publication=drift.delivery.publication), format=format
    )
    return Side(
        word=word,
        kind=Kind.CONFIRMED,
        name=placement.target.name,
        level=level,
        text=text,
        document=document,
        at=drift.found_at,
        digest=drift.observed_digest,
    )
