"""Publish: seal a prompt's draft, make it the active version, deliver it."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from foundation import ending
from foundation.actors import Actor
from foundation.clock import from_database_now
from gateway import query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import uuid_of
from gateway.v1.instances import MISSING
from instances import drafts, versions
from prompthub_kernel.errors import Problem, Unavailable
from publishing import adapters, deliveries, waiting
from publishing.models import Delivery
from publishing.publish import BASED_ON, Expect, check, publish
from publishing.states import ENDED, OPEN, UNCERTAIN, DeliveryState
from tenancy.policy import Permission

WAIT = (
    "Wait until it is delivered, or the first try failed: 502, with the version and its deliveries in `context`. "
    "Up to 30 seconds, and not for what is held up for longer: its delivery says `waits_for`, and until when. "
    "`retryable` is true while PromptHub goes on trying by itself, false when a delivery was given up: replay it, or "
    "publish again, when the cause is gone."
)
POLL_SECONDS = 0.1
WAIT_SECONDS = 30.0
# Who waits holds a thread of the server: half of them at most. Beyond that the answer comes at once.
WAITERS = threading.BoundedSemaphore(8)
GOOD = (DeliveryState.DELIVERED, DeliveryState.SUPERSEDED)
FAILURES = tuple(f"502.adapter_publish_error_{name}" for name in sorted(adapters.REGISTRY))
# By whether each of them may have taken it after all, and whether the one that is told first was given up.
TOLD = {
    (False, False): "a target did not take it. It is tried again by itself.",
    (False, True): "a target did not take it. Replay the delivery when the cause is gone.",
    (True, False): "it is not known whether a target took it. It is sent again by itself, with the same key.",
    (True, True): "it is not known whether a target took it. Replay the delivery to send it again.",
}


class GivenUp(Unavailable):
    """A target was given up: nothing is sent there until a person replays the delivery or publishes again."""

    @property
    def retryable(self) -> bool:
        """Trying again is not what helps: the cause has to go first."""
        return False


class PublishInstance(Endpoint):
    """``/instances/{instance_id}/publish``."""

    permissions = {"POST": Permission.PUBLISH}

    def before(self, instance_id: UUID) -> dict[str, Any]:
        """Contract checks that need the network, before any transaction."""
        instance = drafts.get(key=instance_id, actor=self.actor)
        chosen = self.body.get("targets")
        version = None
        if "version" in self.body:
            version = versions.get(key=uuid_of(self.body["version"]), instance=instance)
        wanted: dict[str, Any] = {
            "instance": instance,
            "version": version,
            "target_ids": None if chosen is None else [uuid_of(target) for target in chosen],
        }
        return {**wanted, "checked": check(by=self.actor, **wanted)}

    @operation(
        "publish_instance",
        "Publish a prompt",
        {200: "Published"},
        body="publish-request",
        may_be_empty=True,
        query=(query.flag("wait", WAIT),),
        problems=(
            MISSING,
            "409.version_conflict",
            "409.draft_stale",
            "409.state_conflict",
            "409.archived",
            "422.variables_invalid",
            "400.template_schema_invalid",
            *FAILURES,
        ),
    )
    def post(self, instance_id: UUID) -> Answer:
        """The same publish again changes nothing and answers the same ``versionId``."""
        done = publish(
            **self.prepared,
            by=self.actor,
            at=self.at,
            expected_active=self._expected(),
            confirm=self.body.get("confirm", False),
            reason=self.body.get("reason", ""),
        )
        return Answer(
            {
                "versionId": str(done.version.id),
                "publication": shown.publication(done.publication),
                "changed": done.changed,
                "deliveries": [shown.delivery(row) for row in done.deliveries],
            }
        )

    def after(self, answer: Answer, instance_id: UUID) -> Answer:
        """With ``wait``: the rows are safe; look at them until they are delivered or one has failed."""
        if not self.query["wait"] or not WAITERS.acquire(blocking=False):
            return answer
        try:
            rows = awaited(_sent(answer.body, instance_id, self.actor), self.actor)
        finally:
            WAITERS.release()
        failed = [row for row in rows if _has_failed(row)]
        if failed:
            raise _failure(failed, answer.body)
        return Answer({**answer.body, "deliveries": [shown.delivery(row) for row in rows]}, 200, answer.headers)

    def _expected(self) -> UUID | Expect | None:
        if "expected_active" not in self.body:
            return BASED_ON
        given = self.body["expected_active"]
        return None if given is None else uuid_of(given)


def awaited(sent: list[UUID], actor: Actor) -> list[Delivery]:
    """The deliveries once each has ended or had a failed try, or as they are after a while or when the server stops.

    Nobody waits for what a pause, or a target that is switched off, holds up for longer. Holds no transaction.
    """
    until, latest = time.monotonic() + WAIT_SECONDS, from_database_now(WAIT_SECONDS)
    while True:
        rows = list(deliveries.listing(actor=actor).filter(pk__in=sent).order_by("id"))
        done = all(row.state in ENDED or row.error_code or _held_up(row, latest) for row in rows)
        if done or ending.begun.is_set() or time.monotonic() >= until:
            return rows
        time.sleep(POLL_SECONDS)


def _held_up(row: Delivery, latest: datetime) -> bool:
    then = waiting.next_try_of(delivery=row)
    return then is not None and (then.at is None or then.at > latest)


def _sent(published: dict[str, Any], instance_id: UUID, actor: Actor) -> list[UUID]:
    """The deliveries of this publish; when it changed nothing, those that are still on their way."""
    if published["deliveries"]:
        return [uuid_of(delivery["id"]) for delivery in published["deliveries"]]
    same = deliveries.listing(actor=actor).filter(
        publication__instance_id=instance_id, ordinal=published["publication"]["ordinal"], state__in=OPEN
    )
    return list(same.values_list("pk", flat=True))


def _has_failed(row: Delivery) -> bool:
    return row.state == DeliveryState.BURIED or (bool(row.error_code) and row.state not in GOOD)


def _failure(failed: list[Delivery], published: dict[str, Any]) -> Unavailable:
    """What is told of several is what a person has to see to: those that were given up come first."""
    failed = sorted(failed, key=lambda row: row.state != DeliveryState.BURIED)
    first = failed[0]
    buried = first.state == DeliveryState.BURIED
    problems = [
        Problem(f"/targets/{row.placement.target_id}", str(row.state), row.error_detail or "not delivered")
        for row in failed
    ]
    return (GivenUp if buried else Unavailable)(
        f"502.adapter_publish_error_{first.placement.target.adapter}",
        "It is published, but " + TOLD[all(map(_may_be_taken, failed)), buried],
        problems=problems,
        context={
            "versionId": published["versionId"],
            "publication": published["publication"]["ordinal"],
            "deliveries": [{"id": str(row.id), "state": str(row.state)} for row in failed],
        },
    )


def _may_be_taken(row: Delivery) -> bool:
    """Whether a try ended without a word on what became of it: then nobody may say that the target did not take it."""
    return bool(row.crashes) or row.attempts.filter(outcome__in=UNCERTAIN).exists()
