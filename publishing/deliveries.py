"""Deliveries: rows that say what is on its way to whom, and the one loop that carries it out.

``publish`` lays the rows down; a lane's holder sends the newest publication of each placement and ends older
ones as superseded. The rows are the truth: the broker only rings, and ``sweep`` finds what no bell rang for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from foundation.after_commit import after_commit
from foundation.clock import database_now
from instances.models import Publication
from prompthub_kernel.errors import Conflict, NotFound
from publishing import bell, closing, lanes, metrics, ordering, overwriting, waiting
from publishing.lanes import Lease
from publishing.models import Delivery, DeliveryAttempt, Lane, Placement
from publishing.states import MOVES, OPEN, UNCERTAIN, WAITING, DeliveryState
from tenancy import policy
from tenancy.models import Client
from tenancy.policy import Permission

SWEEP_AT_MOST = 500
RESERVED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    """How a try ended, for :func:`settle`."""

    outcome: str  # delivered | try_again | unknown | refused | crashed
    duration_ms: int
    code: str = ""
    detail: str = ""
    provider_status: int | None = None
    remote_version: str = ""
    retry_after: float | None = None


def enqueue(
    *,
    publication: Publication,
    placements: Iterable[Placement],
    by: Actor,
    at: datetime,
    replay_of: Delivery | None = None,
) -> list[Delivery]:
    """Lay down one delivery for each placement and end the older ones that wait there. Rings after commit.

    Runs in the transaction of the decision that asks for it, which is also what the audit records.
    """
    del by
    placed = list(placements)
    now = database_now()
    closing.end(rows=Delivery.objects.filter(placement__in=placed, ordinal__lte=publication.ordinal))
    present = Placement.objects.select_related("lane").in_bulk([one.pk for one in placed])
    rows = [
        Delivery(
            id=ordering.newer_id(placement=placement, ordinal=publication.ordinal),
            publication=publication,
            placement=placement,
            lane=present[placement.pk].lane,
            ordinal=publication.ordinal,
            prompt=publication.instance.name,
            due_at=now,
            created_at=at,
            replay_of=replay_of,
        )
        for placement in placed
    ]
    Delivery.objects.bulk_create(rows)
    for lane_id in sorted({row.lane_id for row in rows}):
        after_commit(bell.ring, lane_id)
    return rows


def next_due(*, lease: Lease, by: Actor, at: datetime) -> Delivery | None:
    """The next delivery of the lane, marked as being sent; None when nothing is due or nothing may be sent there now.

    Of several that wait for one placement only the newest publication is sent. A row still marked as being sent
    by an older epoch belongs to a worker that died: its outcome is unknown, and it is sent again with its key.
    One whose place has another lane by now goes there unsent: this lease is not for what it would write. What waits
    at a place that is closed for good ends; what waits for a target that is switched off goes on waiting.
    """
    with transaction.atomic():
        if not lanes.may_send(lease=lease):
            return None
        now = database_now()
        _recover(lease, now, by, at)
        waits = Delivery.objects.filter(lane_id=lease.lane_id, state__in=WAITING)
        closing.end_closed(rows=waits)
        queue = waits.filter(placement__target__enabled=True)
        while (chosen := _choose(queue, now)) is not None:
            taken = _taken(queue, chosen)
            if taken is not None:
                _move(taken, DeliveryState.SENDING)
                taken.epoch = lease.epoch
                taken.tries += 1
                taken.save(update_fields=["state", "epoch", "tries"])
                return taken
    return None


def settle(*, delivery: Delivery, lease: Lease, result: Result, by: Actor, at: datetime) -> bool:
    """Write how a try ended, if the lane is still ours; False when it is not (then nothing of it is written).

    The try, the delivery's state, the lane's breaker and the audit line commit together. A pause that the provider
    asked for holds in any case: it says when the provider may be called, whoever heard it.
    """
    with transaction.atomic():
        row = _still_ours(delivery, lease)
        if row is not None:
            _note(row, lease, result, at)
            _follow(row, lease, result, by, at)
        if result.retry_after is not None:
            lanes.wait_until(lane_id=lease.lane_id, seconds=result.retry_after)
    if row is None:
        return False
    metrics.attempts.labels(target=delivery.placement.target.adapter, outcome=result.outcome).inc()
    return True


def put_back(*, delivery: Delivery, lease: Lease) -> bool:
    """Write that nothing was sent after all, because the place was closed meanwhile; False when the lane is not ours.

    What is closed for good ends; what is closed for now waits again, and this was no try.
    """
    with transaction.atomic():
        row = _still_ours(delivery, lease)
        if row is None:
            return False
        _move(row, DeliveryState.RETRYING)
        row.tries -= 1
        row.save(update_fields=["state", "tries"])
        closing.end_closed(rows=Delivery.objects.filter(pk=row.pk))
    return True


def replay(*, delivery: Delivery, by: Actor, at: datetime) -> Delivery:
    """Send a buried delivery's publication again, as a new row that names the old one.

    Raises ``409.state_conflict`` unless it is buried, still the newest of its placement, and something is sent there:
    not at a place that the prompt was taken away from or while its target is switched off. ``409.archived``.
    """
    client = delivery.placement.instance.client
    policy.require(by, Permission.PUBLISH, client)
    with transaction.atomic():
        row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
        if row.state != DeliveryState.BURIED:
            raise Conflict("409.state_conflict", f"Only a buried delivery is replayed; this one is {row.state}.")
        if (
            Delivery.objects.filter(placement_id=row.placement_id)
            .filter(Q(ordinal__gt=row.ordinal) | Q(ordinal=row.ordinal, id__gt=row.id))
            .exists()
        ):
            raise Conflict("409.state_conflict", "A newer delivery took its place; there is nothing to replay.")
        closing.require_open(delivery=row)
        rows = enqueue(publication=delivery.publication, placements=[delivery.placement], by=by, at=at, replay_of=row)
        events.record(
            action=Action.DELIVERY_REPLAY,
            subject=subject(rows[0]),
            by=by,
            at=at,
            metadata={"replay_of": str(row.id), "publication": row.ordinal},
        )
        return rows[0]


def bury(*, delivery: Delivery, by: Actor, at: datetime) -> Delivery:
    """Give up, by decision of a person, what is retried or held up, by a pause or because its target is switched off.

    Raises ``409.state_conflict`` for all else.
    """
    policy.require(by, Permission.PUBLISH, delivery.placement.instance.client)
    with transaction.atomic():
        row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
        held_up = row.state != DeliveryState.PENDING or not lanes.is_open(lane_id=row.lane_id)
        if row.state not in WAITING or not (held_up or closing.bar_now(delivery=row)):
            raise Conflict("409.state_conflict", f"This delivery is {row.state}; only what is held up is given up.")
        _end(row, DeliveryState.BURIED, database_now())
        row.error_detail = row.error_detail or "given up by a person"
        row.save()
        metrics.buried.inc()
        events.record(action=Action.DELIVERY_BURY, subject=subject(row), by=by, at=at, metadata={"why": "person"})
    return row


def sweep(*, limit: int = SWEEP_AT_MOST) -> int:
    """Ring for lanes that have something due and nobody at work; returns for how many. Reserves what it rings for.

    Those that wait longest come first, and of one provider only as many as ``recovery_per_second`` allows: what
    gathered while it was down would otherwise all come at once, and take it down again. What came to wait at a place
    while that was being closed for good ends here.
    """
    _end_closed()
    now, rules = database_now(), settings.PUBLISHING
    on = Q(placement__target__enabled=True) | Q(state=DeliveryState.SENDING)
    due = Delivery.objects.filter(on, state__in=OPEN, due_at__lte=now)
    since = due.filter(lane=OuterRef("pk")).order_by("due_at").values("due_at")[:1]
    turn = Window(RowNumber(), partition_by="provider", order_by=("since", "pk"))
    idle = (
        Lane.objects.filter(pk__in=due.values("lane_id"))
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))
        .filter(Q(rung_until__isnull=True) | Q(rung_until__lte=now))
        .filter(lanes.may_call(now))
        .annotate(since=Subquery(since), turn=turn)
        .filter(turn__lte=max(1, round(rules["recovery_per_second"] * rules["sweep_seconds"])))
    )
    ids = list(idle.order_by("since", "pk").values_list("pk", flat=True)[:limit])
    lanes.reserve(lane_ids=ids, seconds=RESERVED_SECONDS)
    for lane_id in ids:
        bell.ring(lane_id)
    return len(ids)


def get(*, key: uuid.UUID | str, actor: Actor) -> Delivery:
    """A delivery by id, as far as the actor may see its client; ``404.not_found`` otherwise."""
    found = listing(actor=actor).filter(pk=key).first()
    if found is None:
        raise NotFound("404.not_found", "No such delivery.")
    return found


def listing(*, actor: Actor) -> QuerySet[Delivery]:
    """Deliveries of the clients the actor may see."""
    return Delivery.objects.filter(placement__instance__client__in=policy.visible(actor, Client)).select_related(
        "publication__version", "placement__target", "placement__instance__client", "lane"
    )


def newest_for(*, placement: Placement) -> Delivery | None:
    """The newest delivery of a placement, whatever became of it."""
    return placement.deliveries.select_related("publication__version").order_by("-ordinal", "-id").first()


def subject(delivery: Delivery) -> events.Subject:
    """A delivery as the ledger knows it."""
    placement = delivery.placement
    return events.Subject(
        kind="delivery",
        id=str(delivery.id),
        label=f"{placement.instance.name} → {placement.target.name}",
        client_id=placement.target.client_id,
    )


def _choose(queue: QuerySet[Delivery], now: datetime) -> Delivery | None:
    """The first due row that is the newest of its placement; older ones met on the way end superseded."""
    while True:
        due = queue.filter(due_at__lte=now).order_by("due_at", "id").first()
        if due is None:
            return None
        newest = Delivery.objects.filter(placement_id=due.placement_id).order_by("-ordinal", "-id").first()
        if newest is None or newest.pk == due.pk:
            return due
        closing.end(rows=queue.filter(placement_id=due.placement_id).exclude(pk=newest.pk))


def _taken(queue: QuerySet[Delivery], chosen: Delivery) -> Delivery | None:
    """The chosen row, locked, and the target as it is now; None when it waits on another lane or ended meanwhile.

    The lock comes first: whoever changes the target moves its waiting rows, and does not come between the two reads.
    """
    if not queue.select_for_update(no_key=True, of=("self",)).filter(pk=chosen.pk).values_list("pk"):
        return None
    row = Delivery.objects.select_related(
        "placement__target", "placement__instance__client", "publication__version__instance__client"
    ).get(pk=chosen.pk)
    if row.lane_id != row.placement.lane_id:
        waiting.follow(placements=[row.placement_id])
        return None
    if closing.bar(placement=row.placement) is not None:
        closing.end_closed(rows=queue.filter(pk=row.pk))
        return None
    return row


def _still_ours(delivery: Delivery, lease: Lease) -> Delivery | None:
    """The row being sent, locked, if lane and epoch are still the lease's."""
    if not lanes.holds(lease=lease):
        return None
    row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    return row if row.state == DeliveryState.SENDING and row.epoch == lease.epoch else None


def _recover(lease: Lease, now: datetime, by: Actor, at: datetime) -> None:
    orphans = Delivery.objects.filter(lane_id=lease.lane_id, state=DeliveryState.SENDING).exclude(epoch=lease.epoch)
    for orphan in orphans:
        orphan.crashes += 1
        if orphan.crashes >= settings.PUBLISHING["crash_limit"]:
            _end(orphan, DeliveryState.BURIED, now)
            orphan.error_detail = "its worker died each time it was sent"
            metrics.buried.inc()
            events.record(
                action=Action.DELIVERY_BURY, subject=subject(orphan), by=by, at=at, metadata={"why": "crashes"}
            )
        else:
            _move(orphan, DeliveryState.UNKNOWN)
            orphan.due_at = now
            orphan.error_detail = "its worker stopped before the answer was written"
        orphan.save()


def _note(row: Delivery, lease: Lease, result: Result, at: datetime) -> None:
    DeliveryAttempt(
        delivery=row,
        number=row.tries,
        epoch=lease.epoch,
        at=at,
        duration_ms=result.duration_ms,
        outcome=result.outcome,
        code=result.code,
        detail=result.detail[:500],
        provider_status=result.provider_status,
    ).save()


def _follow(row: Delivery, lease: Lease, result: Result, by: Actor, at: datetime) -> None:
    now = database_now()
    row.error_code, row.error_detail = result.code, result.detail[:500]
    if result.outcome == "delivered":
        _end(row, DeliveryState.DELIVERED, now)
        row.error_code = ""
        row.remote_version = result.remote_version[:200]
        lanes.succeeded(lease=lease)
        overwriting.overwrite(placement_id=row.placement_id, by=by, at=at)
        action: Action | None = Action.DELIVERY_DELIVER
    else:
        action = _failed(row, lease, result, now)
    row.save()
    if action is not None:
        digest = row.publication.version.digest
        metadata = {"publication": row.ordinal, "tries": row.tries, "code": result.code, "digest": digest}
        events.record(action=action, subject=subject(row), by=by, at=at, metadata=metadata)


def _failed(row: Delivery, lease: Lease, result: Result, now: datetime) -> Action | None:
    rules = settings.PUBLISHING
    asked_to_wait = result.retry_after is not None
    row.failed_tries += 0 if asked_to_wait else 1
    if result.outcome == "refused" or row.failed_tries >= rules["attempts"]:
        _end(row, DeliveryState.BURIED, now)
        metrics.buried.inc()
        return Action.DELIVERY_BURY
    if result.retry_after is not None:
        row.due_at = now + timedelta(seconds=result.retry_after)
    else:
        lanes.failed(lease=lease)
        row.due_at = now + timedelta(seconds=waiting.backoff(tries=row.failed_tries))
    _move(row, DeliveryState.UNKNOWN if result.outcome in UNCERTAIN else DeliveryState.RETRYING)
    _go_home(row, now)
    return None


def _go_home(row: Delivery, now: datetime) -> None:
    """The next try is on the lane of its place; when that moved during this one, nobody there asked it to wait."""
    lane_id = Placement.objects.values_list("lane_id", flat=True).get(pk=row.placement_id)
    if lane_id != row.lane_id:
        row.lane_id, row.due_at = lane_id, now


def _move(row: Delivery, state: DeliveryState) -> None:
    if state not in MOVES[DeliveryState(row.state)]:
        raise Conflict("409.state_conflict", f"A delivery does not go from {row.state} to {state}.")
    row.state = state


def _end(row: Delivery, state: DeliveryState, now: datetime) -> None:
    _move(row, state)
    row.ended_at = now


def _end_closed() -> None:
    waits = Delivery.objects.filter(state__in=WAITING)
    if waits.filter(closing.closed()).exists():
        with transaction.atomic():
            closing.end_closed(rows=waits)
