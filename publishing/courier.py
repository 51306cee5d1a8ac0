"""The worker's side of a delivery: take a lane, carry out what is due, read back, write down what happened."""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack
from dataclasses import replace

import structlog

from foundation import correlation, redaction, tracing
from foundation.actors import Actor
from foundation.clock import database_now, rfc3339
from instances import versions
from prompthub_kernel.errors import PromptHubError
from publishing import adapters, bell, closing, deliveries, lanes
from publishing.deliveries import Result
from publishing.lanes import Lease, LeaseLost
from publishing.models import Delivery, Placement, Target
from publishing.ports import Adapter, AnswerTooLarge, Outcome, Parcel, ProviderError, Receipt, Remote
from publishing.repush import repush
from publishing.wire import LeasedWire

log = structlog.get_logger(__name__)
TURN_SECONDS = 1.0  # no new try after that: a worker that is told to stop ends with the call it is in


class Closed(Exception):
    """The place was closed between the choice and the sending; nothing was sent."""


def deliver(*, lane_id: uuid.UUID, by: Actor) -> int:
    """Carry out what is due on a lane; returns how many tries were made. Nothing happens when another holds it."""
    lease = lanes.claim(lane_id=lane_id)
    if lease is None:
        return 0
    tried, until = 0, time.monotonic() + TURN_SECONDS
    try:
        while time.monotonic() < until:
            delivery = deliveries.next_due(lease=lease, by=by, at=database_now())
            if delivery is None:
                break
            tried += 1
            with correlation.use(delivery.publication.correlation_id or correlation.new()):
                if not _carry(delivery, lease, by):
                    break
    finally:
        lanes.release(lease=lease)
    if time.monotonic() >= until:
        bell.ring(lane_id)
    return tried


def remote_of(*, target: Target, placement: Placement | None = None) -> Remote:
    """What an adapter is told about a place, credentials in the clear."""
    return Remote(
        settings=target.settings,
        credentials=target.credential_values,
        location=placement.location if placement is not None else {},
    )


def _carry(delivery: Delivery, lease: Lease, by: Actor) -> bool:
    """One try. False when the lane was lost meanwhile; then the newest text is sent again by whoever holds it."""
    started, target = time.monotonic(), delivery.placement.target
    version = delivery.publication.version
    bound = {
        "delivery_id": str(delivery.id),
        "instance_id": str(version.instance_id),
        "client_id": str(target.client_id),
        "template_id": str(version.template_version_id),
        "target": target.adapter,
        "action": "delivery.deliver",
    }
    with structlog.contextvars.bound_contextvars(**bound), tracing.span("delivery.send", **bound) as span:
        wire = LeasedWire(now=database_now().timestamp(), renew=lambda: lanes.renew(lease=lease))
        try:
            result = _send(delivery, lease, by, wire)
        except Closed:
            log.info("delivery.put_back")
            return deliveries.put_back(delivery=delivery, lease=lease)
        except LeaseLost:
            log.warning("delivery.lease_lost", wrote=wire.wrote)
            if wire.wrote:
                repush(late=delivery, by=by, at=database_now())
            return False
        result = _timed(result, started)
        span.set_attribute("delivery.outcome", result.outcome)
        kept = deliveries.settle(delivery=delivery, lease=lease, result=result, by=by, at=database_now())
        log.info("delivery.try", outcome=result.outcome, code=result.code, duration_ms=result.duration_ms, kept=kept)
        if not kept:
            repush(late=delivery, by=by, at=database_now())
        return kept


def _send(delivery: Delivery, lease: Lease, by: Actor, wire: LeasedWire) -> Result:
    with ExitStack() as stack:  # what is told of a failure is told without the secrets, too
        try:
            return _delivered(_sent(delivery, lease, by, wire, stack))
        except ProviderError as error:
            return Result(
                outcome=str(error.outcome),
                duration_ms=0,
                code=error.code,
                detail=error.detail,
                provider_status=error.provider_status,
                retry_after=error.retry_after,
            )
        except (Closed, LeaseLost):
            raise
        except PromptHubError as error:
            return Result(outcome="refused", duration_ms=0, code=error.code, detail=error.detail)
        except Exception as error:  # a bug of ours must not stop the lane; it is counted and reported
            log.exception("delivery.crashed")
            return Result(
                outcome="crashed",
                duration_ms=0,
                code="500.internal_error",
                detail=f"PromptHub failed while sending ({type(error).__name__}); it has been reported.",
            )


def _sent(delivery: Delivery, lease: Lease, by: Actor, wire: LeasedWire, stack: ExitStack) -> Receipt:
    target = delivery.placement.target
    stack.enter_context(redaction.known_secrets(*target.credential_values.values(), *_secrets(delivery)))
    adapter = adapters.get(target.adapter)
    remote = remote_of(target=target, placement=delivery.placement)
    parcel = _parcel(delivery, by)
    lanes.renew(lease=lease)
    if closing.bar_now(delivery=delivery) is not None:
        raise Closed
    receipt = adapter.send(remote, parcel, wire=wire)
    unverified = _read_back(adapter, remote, parcel, wire)
    return replace(receipt, detail="; ".join(filter(None, (receipt.detail, unverified))))


def _read_back(adapter: Adapter, remote: Remote, parcel: Parcel, wire: LeasedWire) -> str:
    """A provider where the last write wins is read back after every send; what differs is sent again.

    Returns what to tell of a reading that can tell nothing, empty when all is well.
    """
    if adapter.conditional or not adapter.readable(remote):
        return ""
    try:
        seen = adapter.observe(remote, wire=wire)
    except ProviderError as error:
        if isinstance(error, AnswerTooLarge) or error.outcome is Outcome.REFUSED:
            # It took the text. Sent again it would tell no more; the check for drift goes on asking.
            return f"taken, but not verified, since what runs there could not be read: {error.detail}"
        if error.outcome is Outcome.TRY_AGAIN:  # the reading failed; the text was taken
            error.outcome = Outcome.UNKNOWN
        raise
    if seen.text is not None and seen.text != parcel.text:
        raise ProviderError(
            adapter.name, "What the provider runs is not what was just sent; it is sent again.", outcome=Outcome.UNKNOWN
        )
    return ""


def _parcel(delivery: Delivery, by: Actor) -> Parcel:
    publication = delivery.publication
    version = publication.version
    return Parcel(
        delivery_id=str(delivery.id),
        client=version.instance.client.slug,
        instance_id=str(version.instance_id),
        instance_name=delivery.prompt or version.instance.name,
        version_id=str(version.id),
        ordinal=publication.ordinal,
        published_at=rfc3339(publication.at),
        digest=version.digest,
        format=version.format,
        text=versions.reveal(version=version, publication=publication, by=by, at=publication.at),
        correlation_id=publication.correlation_id,
    )


def _secrets(delivery: Delivery) -> list[str]:
    return list(versions.secrets_ever(instance=delivery.publication.version.instance))


def _delivered(receipt: Receipt) -> Result:
    return Result(outcome="delivered", duration_ms=0, detail=receipt.detail, remote_version=receipt.remote_version)


def _timed(result: Result, started: float) -> Result:
    return replace(result, duration_ms=int((time.monotonic() - started) * 1000))
