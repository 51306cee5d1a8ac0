"""Leases on remote objects: whoever holds a lane is the only one who writes there.

A claim raises the lane's epoch; results are written only while the epoch is still the claimer's. All times
are the database's, so clocks of workers do not matter. Rows are locked without their keys (``FOR NO KEY UPDATE``):
a publish that lays down a delivery only refers to the lane, and must not wait for whoever writes a result there.
"""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet

from foundation.clock import database_now
from publishing.models import Lane

LONGEST_KEY: int = Lane._meta.get_field("remote_key").max_length or 0
PROCESS = f"{socket.gethostname()[:40]}:{os.getpid()}"


class LeaseLost(Exception):
    """Somebody else holds the lane now; nothing more may be sent or written under the old epoch."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on a lane: valid while the lane's epoch is this one."""

    lane_id: uuid.UUID
    epoch: int
    owner: str


def lane_for(*, remote_key: str) -> Lane:
    """The lane of a remote object, made when it is first needed."""
    lane = Lane(remote_key=remote_key, provider=provider_of(remote_key=remote_key))
    Lane.objects.bulk_create([lane], ignore_conflicts=True)
    return Lane.objects.get(remote_key=remote_key)


def shortened(*, remote_key: str) -> str:
    """A key that fits its column: of a longer one, the beginning and a digest of all of it."""
    if len(remote_key) <= LONGEST_KEY:
        return remote_key
    digest = hashlib.sha256(remote_key.encode()).hexdigest()
    return f"{remote_key[: LONGEST_KEY - len(digest) - 1]}~{digest}"


def provider_of(*, remote_key: str) -> str:
    """Whose remote object it is: ``n8n:host/workflow`` is ``n8n:host``'s, ``retell:agent`` is ``retell``'s."""
    kind, _, place = remote_key.partition(":")
    host, slash, _ = place.partition("/")
    return f"{kind}:{host}" if slash else kind


def claim(*, lane_id: uuid.UUID) -> Lease | None:
    """Take the lane if nobody holds it, no ``Retry-After`` is running and its breaker is closed; else None."""
    now, owner = database_now(), f"{PROCESS}:{uuid.uuid4().hex[:8]}"
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    taken = Lane.objects.filter(free, may_call(now), pk=lane_id).update(
        owner=owner, epoch=F("epoch") + 1, leased_until=now + _length(), rung_until=None
    )
    if not taken:
        return None
    epoch = Lane.objects.filter(pk=lane_id, owner=owner).values_list("epoch", flat=True).first()
    return None if epoch is None else Lease(lane_id=lane_id, epoch=epoch, owner=owner)


def renew(*, lease: Lease) -> None:
    """Prolong the lease; called before each call to the provider. Raises :class:`LeaseLost`."""
    if not _mine(lease).update(leased_until=database_now() + _length()):
        raise LeaseLost


def release(*, lease: Lease) -> None:
    """Give the lane back; nothing happens if it is no longer ours."""
    _mine(lease).update(owner="", leased_until=None)


def holds(*, lease: Lease) -> bool:
    """Whether the epoch is still ours, with the lane's row locked until commit: the fence of every result."""
    return _mine(lease).select_for_update(no_key=True).exists()


def may_send(*, lease: Lease) -> bool:
    """As :func:`holds`, and the provider may be called: a pause may have begun since the lane was claimed."""
    return _mine(lease).filter(may_call(database_now())).select_for_update(no_key=True).exists()


def may_call(now: datetime) -> Q:
    """Condition on lanes: no ``Retry-After`` is running and the breaker is closed, or half open."""
    return (Q(not_before__isnull=True) | Q(not_before__lte=now)) & (Q(open_until__isnull=True) | Q(open_until__lte=now))


def lock(*, lane_ids: Iterable[uuid.UUID]) -> None:
    """Lock lanes until commit: no try begins or ends there meanwhile, and nothing else that locks them goes on."""
    list(Lane.objects.filter(pk__in=list(lane_ids)).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def lift(*, lane_ids: Iterable[uuid.UUID]) -> None:
    """End the pauses: a person says that the provider may be called again."""
    Lane.objects.filter(pk__in=list(lane_ids)).update(not_before=None, open_until=None)


def clear_leases() -> int:
    """Take away every lease: for the embedded edition, whose only worker has just started."""
    return Lane.objects.exclude(owner="").update(owner="", leased_until=None, epoch=F("epoch") + 1)


def skip(*, ahead: int) -> int:
    """End every lease and leave out ``ahead`` epochs: none that a restored backup forgot comes again."""
    return Lane.objects.update(owner="", leased_until=None, epoch=F("epoch") + ahead)


def is_open(*, lane_id: uuid.UUID) -> bool:
    """Whether the provider may be called just now; for a question, which needs no lease."""
    return Lane.objects.filter(may_call(database_now()), pk=lane_id).exists()


def wait_until(*, lane_id: uuid.UUID, seconds: float) -> None:
    """The provider asked for a pause: nobody calls it before that (RFC 9110 10.2.3)."""
    until = database_now() + timedelta(seconds=seconds)
    Lane.objects.filter(Q(not_before__isnull=True) | Q(not_before__lt=until), pk=lane_id).update(not_before=until)


def succeeded(*, lease: Lease) -> None:
    """Close the breaker."""
    _mine(lease).exclude(failures=0, open_until=None).update(failures=0, open_until=None)


def failed(*, lease: Lease) -> None:
    """Count a failure; the lane opens for a while when there were too many in a row."""
    rules = settings.PUBLISHING
    _mine(lease).update(failures=F("failures") + 1)
    _mine(lease).filter(failures__gte=rules["breaker_failures"]).update(
        open_until=database_now() + timedelta(seconds=rules["breaker_seconds"])
    )


def reserve(*, lane_ids: Iterable[uuid.UUID], seconds: float) -> None:
    """Mark lanes as rung for, so that the next sweep leaves them alone for a while."""
    Lane.objects.filter(pk__in=list(lane_ids)).update(rung_until=database_now() + timedelta(seconds=seconds))


def _mine(lease: Lease) -> QuerySet[Lane]:
    return Lane.objects.filter(pk=lease.lane_id, epoch=lease.epoch, owner=lease.owner)


def _length() -> timedelta:
    return timedelta(seconds=settings.PUBLISHING["lease_seconds"])
