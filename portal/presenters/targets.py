"""A client's targets as the pages show them; of credentials only the names of those that are set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.actors import Actor
from instances import drafts
from portal import sentences
from portal.presenters.words import DELIVERY, NOT_SENT, State
from prompthub_kernel.errors import Problem
from publishing import deliveries, drift, metrics, standing, targets
from publishing.models import Placement, Target
from publishing.ports import NOT_ASKED, Outcome
from publishing.states import WAITING
from tenancy.models import Client

ON = State(_("on"), "good", _("What is published goes there."))
OFF = State(
    _("off"), "calm", _("Nothing is sent there; what it runs stays, and what waits goes on when it is switched on.")
)
PROMPTS_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One target of the list: how many prompts go there, and what needs a person."""

    target: Target
    state: State
    places: int
    dead: int
    drifting: int


@dataclass(frozen=True, slots=True)
class Place:
    """One prompt at one place of a target: ``row`` has its newest delivery (``publishing.standing.places``)."""

    row: Any
    location: str
    state: State


@dataclass(frozen=True, slots=True)
class Pause:
    """A place that is not written before ``until``: ``asked`` by the provider, or because it failed too often."""

    prompt: str
    location: str
    until: datetime
    asked: bool


@dataclass(frozen=True, slots=True)
class Pauses:
    """What holds a target up: places that are paused, and how many of its deliveries wait for their next try."""

    of_places: list[Pause]
    waiting: int

    @property
    def any(self) -> bool:
        """Whether there is anything to end."""
        return bool(self.of_places or self.waiting)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said about one place, or what stands against the target itself: nothing is well.

    ``asked``: whether there is a way to ask it at all.
    """

    place: Placement | None
    told: list[tuple[str, str | Promise]]
    asked: bool = True

    @property
    def well(self) -> bool:
        """Whether it can be written."""
        return not self.told


UNANSWERED: dict[str, str | Promise] = {
    Outcome.TRY_AGAIN: _("It could not be asked just now; try again later."),
    Outcome.UNKNOWN: _("It gave no answer; try again later."),
    Outcome.REFUSED: _("It refuses to talk to us: look at address and credentials."),
}


def lines(*, client: Client, actor: Actor) -> list[TargetLine]:
    """A client's targets by name; three queries however many there are."""
    live = Q(placements__removed_at__isnull=True)
    rows = targets.listing(actor=actor).filter(client=client).defer("credentials").order_by("name", "pk")
    listed = list(rows.annotate(places=Count("placements", filter=live)))
    by = "placement__target_id"
    sent = deliveries.listing(actor=actor).order_by().filter(placement__target__client=client)
    dead = dict(sent.filter(metrics.dead_letters()).values_list(by).annotate(count=Count("pk")))
    open_drifts = drift.listing(actor=actor).order_by().filter(ended_at__isnull=True, placement__target__client=client)
    drifting = dict(open_drifts.values_list(by).annotate(count=Count("pk")))
    return [
        TargetLine(row, state_of(row), row.places, dead.get(row.pk, 0), drifting.get(row.pk, 0))  # type: ignore[attr-defined]
        for row in listed
    ]


def state_of(target: Target) -> State:
    """On or off."""
    return ON if target.enabled else OFF


def places(*, target: Target, actor: Actor) -> list[Place]:
    """Where the target receives prompts."""
    placed = list(targets.placements(target=target))
    rows = standing.places(instances=[one.instance for one in placed], actor=actor).filter(target=target)
    names = {one.pk: one.instance for one in placed}
    found = []
    for row in rows.order_by("instance__name", "created_at"):
        row.instance = names[row.pk]
        found.append(Place(row, spelled(row.location), DELIVERY.get(row.newest_state, NOT_SENT)))  # type: ignore[attr-defined]
    return found


def pauses(*, target: Target, actor: Actor, at: datetime) -> Pauses:
    """What ``publishing.targets.resume`` would end; two queries."""
    found = []
    for one in targets.placements(target=target):
        asked, failed = one.lane.not_before, one.lane.open_until
        until = max((moment for moment in (asked, failed) if moment is not None), default=None)
        if until is not None and until > at:
            found.append(Pause(one.instance.name, spelled(one.location), until, asked=until == asked))
    waiting = deliveries.listing(actor=actor).filter(placement__target=target, state__in=WAITING)
    return Pauses(found, waiting.order_by().count())


def answers(results: Iterable[tuple[Placement | None, list[Problem]]]) -> list[Answer]:
    """What the provider said, in words."""
    return [
        Answer(
            place,
            [(problem.pointer, _said(problem)) for problem in found],
            asked=all(problem.code != NOT_ASKED for problem in found),
        )
        for place, found in results
    ]


def spelled(location: Any) -> str:
    """A place in one line."""
    return ", ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in location.items()
    )


def prompts(*, client: Client, actor: Actor) -> list[tuple[str, str]]:
    """The client's prompts in use, to choose from."""
    rows = drafts.listing(actor=actor).filter(client=client, archived_at__isnull=True).order_by("name", "pk")
    return [(str(key), name) for key, name in rows.values_list("pk", "name")[:PROMPTS_AT_MOST]]


def _said(problem: Problem) -> str | Promise:
    return sentences.shown(problem.detail) or UNANSWERED.get(problem.code, problem.code)
