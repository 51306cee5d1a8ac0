"""How things stand at the clients a person may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from foundation.actors import Actor
from instances import drafts
from portal.presenters import charts
from portal.presenters.words import DELIVERY, State
from publishing import deliveries, drift, metrics, standing
from publishing.models import Delivery

DAYS = 14
OLDEST = 8
TARGETS = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``loud`` when a person has to look; ``route`` is where, if there is such a page."""

    value: int
    label: str | Promise
    loud: bool = False
    route: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that has not arrived: its state in words, and how long it waits."""

    delivery: Delivery
    state: State
    age: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The page."""

    figures: list[Figure]
    days: charts.Chart
    targets: charts.Chart
    waiting: list[Waiting]
    since: datetime
    days_shown: int = DAYS
    more_targets: int = 0


def standing_of(*, actor: Actor, at: datetime) -> Standing:
    """Eight queries, however much there is."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=DAYS - 1)
    days = [_day(since + timedelta(days=number)) for number in range(DAYS)]
    published = {
        (_day(day), outcome): count for day, outcome, count in standing.publications_by_day(actor=actor, since=since)
    }
    by_target: dict[tuple[str, str], int] = {}
    totals: dict[str, int] = {}
    for client, target, outcome, count in standing.deliveries_by_target(actor=actor, since=since):
        label = f"{client}: {target}"
        by_target[label, outcome] = count
        totals[label] = totals.get(label, 0) + count
    busiest = sorted(totals, key=lambda label: (-totals[label], label))
    shown = {pair: count for pair, count in by_target.items() if pair[0] in busiest[:TARGETS]}
    return Standing(
        figures=_figures(actor, sum(published.values())),
        days=charts.columns(days, published),
        targets=charts.rows(busiest[:TARGETS], shown),
        waiting=[
            Waiting(one, DELIVERY[one.state], age(at - one.created_at))
            for one in standing.undelivered(actor=actor)[:OLDEST]
        ],
        since=since,
        more_targets=len(busiest[TARGETS:]),
    )


def age(waited: timedelta) -> str:
    """How long, in the largest unit that says something."""
    seconds = max(0, int(waited.total_seconds()))
    for size, words in ((86400, _("%d d")), (3600, _("%d h")), (60, _("%d min"))):
        if seconds >= size:
            return words % (seconds // size)
    return _("%d s") % seconds


def _day(day: date) -> str:
    return formats.date_format(day, "MONTH_DAY_FORMAT")


def _figures(actor: Actor, published: int) -> list[Figure]:
    sent = deliveries.listing(actor=actor).order_by()
    dead = sent.filter(metrics.dead_letters()).count()
    drifting = drift.listing(actor=actor).filter(ended_at__isnull=True).count()
    active = drafts.listing(actor=actor).filter(archived_at__isnull=True, active_version__isnull=False).count()
    moved = ngettext("publication in the last %(days)d days", "publications in the last %(days)d days", published)
    lost = ngettext("delivery was given up", "deliveries were given up", dead)
    other = ngettext("place runs something else", "places run something else", drifting)
    return [
        Figure(active, ngettext("prompt is active", "prompts are active", active), route="portal:clients"),
        Figure(published, moved % {"days": DAYS}),
        Figure(dead, lost, loud=bool(dead), route="portal:deliveries"),
        Figure(drifting, other, loud=bool(drifting), route="portal:drifts"),
    ]
