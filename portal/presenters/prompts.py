"""A client's prompts as the list shows them: what stands in three rooms, in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet

from foundation.actors import Actor
from instances import drafts
from instances import standing as drafts_standing
from instances.models import PromptInstance
from portal.presenters.words import DELIVERY, NOT_SENT, PROMPT, State
from publishing import standing
from publishing.models import Placement
from tenancy.models import Client

PAGE = 50
STATUSES = tuple(PROMPT)
SORTS = {
    "name": (F("name").asc(), F("id").asc()),
    "-name": (F("name").desc(), F("id").desc()),
    "published": (F("published_at").asc(nulls_first=True), F("id").asc()),
    "-published": (F("published_at").desc(nulls_last=True), F("id").desc()),
    "updated": (F("updated_at").asc(), F("id").asc()),
    "-updated": (F("updated_at").desc(), F("id").desc()),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what it cannot mean is left aside."""

    words: str = ""
    status: str = ""
    behind: bool = False
    sort: str = "name"

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """From the query of an address."""
        status, sort = given.get("status", ""), given.get("sort", "name")
        return cls(
            words=clean(given.get("q", "")),
            status=status if status in STATUSES else "",
            behind=given.get("behind") == "yes",
            sort=sort if sort in SORTS else "name",
        )

    @property
    def any(self) -> bool:
        """Whether something is left out."""
        return bool(self.words or self.status or self.behind)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prompt goes, and what became of what was sent there last."""

    placement: Placement
    state: State

    @property
    def at(self) -> Any:
        """When the newest delivery was made; None for never."""
        return self.placement.newest_at  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class PromptLine:
    """One prompt: its row (described by ``instances.standing``), status, places, and whether one of them drifted."""

    instance: PromptInstance
    status: State
    places: list[Place] = field(default_factory=list)

    @property
    def drifting(self) -> bool:
        """Whether a provider runs something else than was delivered."""
        return any(place.placement.drifting for place in self.places)  # type: ignore[attr-defined]


def clean(words: str) -> str:
    """What a person looks for, without what no text holds."""
    return "".join(sign for sign in words if sign.isprintable()).strip()[:200]


def page(*, client: Client, actor: Actor, filters: Filters, number: str) -> Page[Any]:
    """A page of lines; the count, the rows and the places are one query each."""
    found: Page[Any] = Paginator(_rows(client, actor, filters), PAGE).get_page(number)
    found.object_list = lines(rows=list(found.object_list), actor=actor)
    return found


def chosen(*, client: Client, actor: Actor, keys: Sequence[str]) -> list[PromptLine]:
    """Lines of some prompts of the client, by name; keys of others are left aside."""
    rows = drafts_standing.described(drafts.listing(actor=actor).filter(client=client, pk__in=keys))
    return lines(rows=list(rows.order_by("name", "id")), actor=actor)


def lines(*, rows: list[PromptInstance], actor: Actor) -> list[PromptLine]:
    """Each row with its places."""
    places: dict[Any, list[Place]] = {}
    for placement in standing.places(instances=rows, actor=actor):
        state = DELIVERY.get(placement.newest_state, NOT_SENT)  # type: ignore[attr-defined]
        places.setdefault(placement.instance_id, []).append(Place(placement, state))
    return [PromptLine(row, PROMPT[_status(row)], places.get(row.pk, [])) for row in rows]


def _status(row: PromptInstance) -> str:
    return "unpublished" if row.status == "active" and row.unpublished else row.status  # type: ignore[attr-defined]


def _rows(client: Client, actor: Actor, filters: Filters) -> QuerySet[PromptInstance]:
    rows = drafts_standing.described(drafts.listing(actor=actor).filter(client=client))
    if filters.words:
        rows = drafts_standing.mentioning(rows, filters.words)
    if filters.behind:
        rows = drafts_standing.behind(rows)
    if filters.status:
        rows = drafts_standing.with_status(rows, filters.status)
    else:
        rows = rows.filter(archived_at__isnull=True)
    return rows.order_by(*SORTS[filters.sort])
