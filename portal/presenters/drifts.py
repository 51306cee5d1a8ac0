"""Drifts as the pages show them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.actors import Actor
from portal.presenters import keyset
from portal.presenters.deliveries import Tab
from portal.presenters.words import State
from publishing import drift
from publishing.models import Drift
from tenancy import clients
from tenancy.models import Client

OPEN = State(_("open"), "bad", _("The provider runs something else than we delivered."))
ENDED: dict[str, State] = {
    "redeliver": State(_("put back"), "calm", _("Our text was sent again.")),
    "adopt": State(_("adopted"), "calm", _("The provider's text was taken into the draft.")),
    "provider": State(_("gone"), "calm", _("The provider runs our text again.")),
    "changed": State(_("changed again"), "calm", _("Another text was found there later.")),
    "overwritten": State(_("overwritten"), "calm", _("A newer delivery has overwritten it: it runs there no more.")),
    "moved": State(_("left behind"), "calm", _("The target has another address now.")),
    "removed": State(_("taken away"), "calm", _("The prompt does not go to this place any more.")),
    "archived": State(_("archived"), "calm", _("The prompt was archived: nothing of it is sent any more.")),
    "client_archived": State(_("archived"), "calm", _("The client was archived: nothing of it is sent any more.")),
}
SETTLED = State(_("settled"), "calm")
TABS: dict[str, tuple[str | Promise, Q]] = {
    "": (_("Open"), Q(ended_at__isnull=True)),
    "ended": (_("Settled"), Q(ended_at__isnull=False)),
    "all": (_("All"), Q()),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One drift with its columns (:func:`described`) and its state in words."""

    row: Any
    state: State


@dataclass(frozen=True, slots=True)
class DriftsPage:
    """The list: its tabs, the clients to choose from, and a page of rows."""

    tabs: list[Tab]
    lines: list[Line]
    page: keyset.KeyPage
    clients: list[Client]
    client: str


def page(*, actor: Actor, given: Mapping[str, str]) -> DriftsPage:
    """A page of drifts, newest first; three queries and those of the clients."""
    state, client = given.get("state", ""), given.get("client", "")[:100]
    state = state if state in TABS else ""
    every = drift.listing(actor=actor).select_related(None).defer("observed")
    if client:
        every = every.filter(placement__target__client__slug=client)
    number = every.order_by().aggregate(count=Count("pk", filter=TABS[""][1]))["count"]
    found = keyset.page(described(every.filter(TABS[state][1])), given=given, read=uuid.UUID)
    return DriftsPage(
        tabs=[Tab(word, label, word == state, None if word else number) for word, (label, _rows) in TABS.items()],
        lines=[Line(row, state_of(row)) for row in found.rows],
        page=found,
        clients=list(clients.listing(actor=actor).order_by("name", "slug")),
        client=client,
    )


def described(rows: QuerySet[Drift]) -> QuerySet[Drift]:
    """With what a line tells, and without the texts."""
    return rows.annotate(
        prompt_name=F("placement__instance__name"),
        target_name=F("placement__target__name"),
        client_name=F("placement__target__client__name"),
        version_number=F("delivery__publication__version__ordinal"),
    )


def state_of(row: Drift) -> State:
    """Open, or how it ended."""
    return OPEN if row.ended_at is None else ENDED.get(row.ended_by, SETTLED)
