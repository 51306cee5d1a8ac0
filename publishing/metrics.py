"""Figures of publishing, exposed at ``/metrics`` by web and worker alike (seed 000, Observability)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DatabaseError, connection
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.db.models.expressions import Combinable
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily

from foundation.clock import database_now
from publishing import closing
from publishing.models import Delivery
from publishing.states import OPEN, DeliveryState

log = structlog.get_logger(__name__)

publishes = Counter("publishes_total", "Publications by result and kind of target", ["status", "target"])
publish_duration = Histogram(
    "publish_duration_ms",
    "Time from the publish call to its commit, without the providers, in milliseconds",
    buckets=(5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)
attempts = Counter("delivery_attempts_total", "Tries to deliver, by kind of target and outcome", ["target", "outcome"])
buried = Counter(
    "deliveries_buried_total", "Deliveries given up, by PromptHub or by a person, since this process began"
)


@dataclass(frozen=True, slots=True)
class Queue:
    """What is on its way right now: open deliveries by state, dead letters, and since when the oldest one waits.

    What waits for a target that is switched off is open, but not late: it waits for a person.
    """

    depth: dict[str, int]
    dead_letters: int
    oldest: datetime | None
    now: datetime

    @property
    def oldest_seconds(self) -> float:
        """Age of the oldest delivery that has not arrived though its target is switched on, 0 when all have."""
        return max(0.0, (self.now - self.oldest).total_seconds()) if self.oldest else 0.0


def dead_letters() -> Combinable:
    """Condition on deliveries: given up, and nothing newer went to that place since, so a person must look.

    Not at a place that is closed for good: nothing is sent there any more.
    """
    newer = Delivery.objects.filter(placement=OuterRef("placement")).filter(
        Q(ordinal__gt=OuterRef("ordinal")) | Q(ordinal=OuterRef("ordinal"), id__gt=OuterRef("id"))
    )
    return Q(state=DeliveryState.BURIED) & ~closing.closed() & ~Exists(newer)


def queue() -> Queue:
    """Read the queue: two counts over the partial index of open deliveries and over the dead letters."""
    rows = Delivery.objects.filter(state__in=OPEN).order_by().values_list("state")
    called = Q(placement__target__enabled=True) | Q(state=DeliveryState.SENDING)
    counted = rows.annotate(count=Count("id"), oldest=Min("created_at", filter=called))
    found = {state: (count, oldest) for state, count, oldest in counted}
    return Queue(
        depth={str(state): found.get(state, (0, None))[0] for state in OPEN},
        dead_letters=Delivery.objects.filter(dead_letters()).count(),
        oldest=min((oldest for _, oldest in found.values() if oldest is not None), default=None),
        now=database_now(),
    )


class QueueCollector:
    """Reads the queue when it is scraped. Registered in :data:`queue_registry`, not in the process's own registry.

    :param disconnect: close the database connection after each scrape: for servers that lend each scrape a
        thread of its own and know nothing of Django's requests.
    """

    def __init__(self, *, disconnect: bool = False) -> None:
        self._disconnect = disconnect

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The families without their values, so that registering does not ask the database."""
        yield GaugeMetricFamily("deliveries_open", "Deliveries on their way, by state", labels=["state"])
        yield GaugeMetricFamily("deliveries_dead_letters", "Buried deliveries that nothing newer has replaced")
        yield GaugeMetricFamily("deliveries_oldest_seconds", "Age of the oldest delivery to a target that is on")
        yield GaugeMetricFamily("deliveries_readable", "1 when the queue could be read at this scrape, else 0")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The present figures; with the database away only ``deliveries_readable 0``."""
        depth, dead, oldest, readable = self.describe()
        told: list[GaugeMetricFamily] = []
        try:
            present = queue()
        except DatabaseError as error:
            log.warning("metrics.queue_unreadable", error=type(error).__name__)
            readable.add_metric([], 0)
        else:
            for state, count in present.depth.items():
                depth.add_metric([state], count)
            dead.add_metric([], present.dead_letters)
            oldest.add_metric([], present.oldest_seconds)
            readable.add_metric([], 1)
            told = [depth, dead, oldest]
        finally:
            if self._disconnect:
                connection.close()
        yield from (*told, readable)


queue_registry = CollectorRegistry()
queue_registry.register(QueueCollector())
