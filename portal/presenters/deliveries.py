"""Deliveries as the pages show them: where they stand, when they are tried again, and what a person should do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation import ids
from foundation.actors import Actor
from portal.access import Control, needed
from portal.presenters import keyset
from portal.presenters.words import DELIVERY, State
from publishing import deliveries, metrics, targets, waiting
from publishing.models import Delivery, DeliveryAttempt, Target
from publishing.states import OPEN, DeliveryState
from publishing.waiting import Why
from tenancy import clients, policy
from tenancy.models import Client
from tenancy.policy import Permission

S = DeliveryState
TARGETS_AT_MOST = 200
OFTEN, SELDOM = 4, 20
"""Seconds between two looks at the list: while something is on its way, and while nothing is."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the lists. ``count`` is None where nobody needs the number."""

    word: str
    label: str | Promise
    current: bool
    count: int | None = None


def _queue() -> Q:
    return Q(state__in=(S.PENDING, S.SENDING))


def _retries() -> Q:
    return Q(state__in=(S.RETRYING, S.UNKNOWN))


TABS: dict[str, tuple[str | Promise, Any]] = {
    "": (gettext_lazy("All"), Q),
    "queue": (gettext_lazy("Queue"), _queue),
    "retries": (gettext_lazy("Retries"), _retries),
    "dead": (gettext_lazy("Dead letters"), metrics.dead_letters),
    "delivered": (gettext_lazy("Delivered"), lambda: Q(state=S.DELIVERED)),
    "superseded": (gettext_lazy("Superseded"), lambda: Q(state=S.SUPERSEDED)),
}
COUNTED = ("queue", "retries", "dead")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what it cannot mean is left aside."""

    state: str = ""
    client: str = ""
    target: str = ""
    instance: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """From the query of an address."""
        state = given.get("state", "")
        return cls(
            state=state if state in TABS else "",
            client=given.get("client", "")[:100],
            target=_identifier(given.get("target", "")),
            instance=_identifier(given.get("instance", "")),
        )

    @property
    def any(self) -> bool:
        """Whether something beside the tab is left out."""
        return bool(self.client or self.target or self.instance)

    def narrow(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """The rows these filters let through, whatever the tab."""
        wanted = {
            "placement__target__client__slug": self.client,
            "placement__target_id": self.target,
            "placement__instance_id": self.instance,
        }
        return rows.filter(**{column: value for column, value in wanted.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery. ``row`` carries the columns of :func:`described`; ``replay`` and ``give_up`` are None where
    there is nothing to replay or to give up. ``paused``: its place waits, which whoever runs the target may end.
    """

    row: Any
    state: State
    advice: str
    next_try: datetime | None
    paused: bool
    replay: Control | None
    give_up: Control | None


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """The list: its tabs with their counts, its filters' choices, and a page of rows."""

    tabs: list[Tab]
    lines: list[Line]
    page: keyset.KeyPage
    clients: list[Client]
    targets: list[Target]
    every: int

    @property
    def replayable(self) -> bool:
        """Whether there is a row that this person may replay."""
        return any(line.replay is not None and line.replay.allowed for line in self.lines)


def page(*, actor: Actor, filters: Filters, given: Mapping[str, str], at: datetime) -> DeliveriesPage:
    """A page of deliveries; six queries however many there are."""
    every = filters.narrow(deliveries.listing(actor=actor).select_related(None))
    conditions = {word: Count("pk", filter=TABS[word][1]()) for word in COUNTED}
    unsent = every.filter(Q(state__in=OPEN) | Q(state=S.BURIED)).order_by()
    counts = unsent.aggregate(**conditions)
    found = keyset.page(described(every.filter(TABS[filters.state][1]())), given=given, read=uuid.UUID)
    choices = targets.listing(actor=actor).defer("credentials", "settings").order_by("client__name", "name", "pk")
    if filters.client:
        choices = choices.filter(client__slug=filters.client)
    return DeliveriesPage(
        tabs=[Tab(word, label, word == filters.state, counts.get(word)) for word, (label, _all) in TABS.items()],
        lines=lines(rows=found.rows, actor=actor, at=at),
        page=found,
        clients=list(clients.listing(actor=actor).order_by("name", "slug")),
        targets=list(choices[:TARGETS_AT_MOST]),
        every=OFTEN if counts["queue"] or counts["retries"] else SELDOM,
    )


def described(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """With what a line tells, and without the texts that the deliveries carry."""
    place = "placement__"
    return rows.annotate(
        prompt_id=F(f"{place}instance_id"),
        prompt_name=F(f"{place}instance__name"),
        target_key=F(f"{place}target_id"),
        target_name=F(f"{place}target__name"),
        adapter=F(f"{place}target__adapter"),
        client_key=F(f"{place}target__client_id"),
        client_slug=F(f"{place}target__client__slug"),
        client_name=F(f"{place}target__client__name"),
        archived_at=F(f"{place}target__client__archived_at"),
        prompt_archived_at=F(f"{place}instance__archived_at"),
        removed_at=F(f"{place}removed_at"),
        target_enabled=F(f"{place}target__enabled"),
        version_number=F("publication__version__ordinal"),
        correlation_id=F("publication__correlation_id"),
        not_before=F("lane__not_before"),
        open_until=F("lane__open_until"),
        dead=_dead(),
        times_tried=F("tries"),
    )


def lines(*, rows: Iterable[Any], actor: Actor, at: datetime) -> list[Line]:
    """Each row with what may be done to it; one query for the rights."""
    listed = list(rows)
    may = may_publish(actor=actor) if listed else frozenset()
    return [_line(row, row.client_key in may, at) for row in listed]


def may_publish(*, actor: Actor) -> frozenset[uuid.UUID]:
    """The clients at which the actor may send something."""
    return frozenset(policy.visible(actor, Client, Permission.PUBLISH).values_list("pk", flat=True))


def one(*, key: uuid.UUID, actor: Actor, at: datetime) -> Line:
    """One delivery by its id. Raises ``404.not_found``."""
    known = deliveries.get(key=key, actor=actor)
    rows = described(deliveries.listing(actor=actor).select_related(None).filter(pk=known.pk))
    return lines(rows=rows, actor=actor, at=at)[0]


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a delivery in words."""

    row: DeliveryAttempt
    state: State


OUTCOMES: dict[str, State] = {
    "delivered": State(gettext_lazy("delivered"), "good", gettext_lazy("The provider took it.")),
    "try_again": State(gettext_lazy("not taken"), "warn", gettext_lazy("The same call may succeed later.")),
    "unknown": State(gettext_lazy("no answer"), "warn", gettext_lazy("Perhaps taken; repeated with the same key.")),
    "refused": State(gettext_lazy("refused"), "bad", gettext_lazy("Not taken, and never will be as it is.")),
    "crashed": State(gettext_lazy("broken off"), "bad", gettext_lazy("The worker failed while sending.")),
}


def tries(*, delivery: Delivery) -> list[Try]:
    """Every try in its order."""
    return [Try(row, OUTCOMES.get(row.outcome, State(row.outcome, "calm"))) for row in delivery.attempts.order_by("id")]


def _dead() -> Combinable:
    return Case(When(metrics.dead_letters(), then=Value(1)), default=Value(0))


def _line(row: Any, allowed: bool, at: datetime) -> Line:  # noqa: FBT001  of one row
    refused = Control(allowed=False, reason=needed(Permission.PUBLISH))
    control = Control(allowed=True) if allowed else refused
    if row.archived_at is not None:
        control = Control(allowed=False, reason=_("This client is archived."))
    then = waiting.next_try(
        state=row.state,
        tries=row.tries,
        due_at=row.due_at,
        not_before=row.not_before,
        open_until=row.open_until,
        enabled=row.target_enabled,
    )
    next_try = then.at if then is not None else None
    later = next_try is not None and next_try > at
    off = then is not None and then.why == Why.TARGET_DISABLED
    held_up = row.state == S.PENDING and (later or off)
    waits = held_up or row.state in (S.RETRYING, S.UNKNOWN)
    return Line(
        row=row,
        state=DELIVERY[row.state],
        advice=_advice(row, at),
        next_try=next_try,
        paused=later and next_try in (row.not_before, row.open_until),
        replay=_replay(row, control) if row.dead else None,
        give_up=control if waits else None,
    )


def _replay(row: Any, control: Control) -> Control:
    if control.allowed and not row.target_enabled:
        return Control(allowed=False, reason=_("This target is switched off. Switch it on, then replay."))
    return control


def _advice(row: Any, at: datetime) -> str:
    closed = row.removed_at or row.prompt_archived_at or row.archived_at
    if row.state == S.BURIED and closed is not None:
        return _("Nothing to do: nothing goes to this place any more.")
    if row.state == S.BURIED and not row.dead:
        return _("Nothing to do: a newer delivery took its place.")
    if row.state == S.BURIED:
        return _buried(str(row.error_code))
    if row.state not in OPEN:
        return ""
    if row.state != S.SENDING and not row.target_enabled:
        return _("It waits: its target is switched off. Switched on, it goes on with the newest text.")
    if row.open_until is not None and row.open_until > at:
        return _("Nothing to do: the provider failed too often in a row and is left in peace for a while.")
    if row.not_before is not None and row.not_before > at:
        return _("Nothing to do: the provider asked for patience.")
    words = {
        S.RETRYING: _("Nothing to do yet: it is tried again by itself."),
        S.UNKNOWN: _("Nothing to do: it is repeated with the same key, so nothing arrives twice."),
    }
    return words.get(row.state, "")


def _buried(code: str) -> str:
    if code.startswith("502."):
        return _("Mend what the provider objects to, there or in the target, then replay.")
    if code.startswith("409."):
        return _("Set what is missing in the prompt, then publish it again.")
    if code.startswith("422."):
        return _("Change the text or the place, then publish it again.")
    return _("Look at its tries, then replay it.")


def _identifier(text: str) -> str:
    try:
        return str(ids.read(text=text)) if text else ""
    except ValueError:
        return ""
