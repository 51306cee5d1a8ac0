"""Publish: seal a client's prompt, make it active, and lay down its deliveries, in one transaction.

Contract checks that need the network come first, outside the transaction (``check``); nothing is sent while one
is open. Publishing an older version again is a rollback: the same verb, a new and higher ordinal.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import structlog
from django.db import transaction

from audit import events
from audit.actions import Action
from foundation import tracing
from foundation.actors import Actor
from foundation.clock import rfc3339
from instances import drafts, versions
from instances.models import InstanceVersion, PromptInstance, Publication
from prompthub_kernel.errors import Conflict, Invalid, Problem
from publishing import adapters, courier, deliveries, metrics, targets
from publishing.asking import Asking
from publishing.models import Delivery, Placement
from publishing.ports import NOT_ASKED, Outcome
from publishing.states import OPEN, DeliveryState
from tenancy import clients, policy
from tenancy.policy import Permission

log = structlog.get_logger(__name__)


class Expect(StrEnum):
    """``expected_active`` left out: the version the draft was based on is expected."""

    BASED_ON = "based_on"


BASED_ON: Final = Expect.BASED_ON
UNANSWERED = frozenset({Outcome.TRY_AGAIN, Outcome.UNKNOWN, NOT_ASKED})


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: the draft's revision it looked at, and the problems per placement (empty: all clear).

    ``unanswered`` tells which providers were not asked, or gave no answer: that is no objection. ``off`` are the places
    whose target is switched off; they are sent what they miss when it is switched on.
    """

    revision: int
    placements: tuple[Placement, ...]
    problems: tuple[Problem, ...] = ()
    unanswered: tuple[Problem, ...] = ()
    off: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did. ``changed`` is False when this very version was active and sent already."""

    version: InstanceVersion
    publication: Publication
    deliveries: list[Delivery] = field(default_factory=list)
    changed: bool = True


def check(
    *,
    instance: PromptInstance,
    by: Actor,
    target_ids: Sequence[uuid.UUID] | None = None,
    version: InstanceVersion | None = None,
    questions: Asking | None = None,
) -> Checked:
    """Show the text to the contract of every target before anything moves; uses the network, writes nothing.

    ``questions`` are those of the request, where it checks more than one prompt.
    Problems point at ``/targets/<target id>/…``. Raises ``422.variables_invalid`` when the draft cannot be rendered.
    """
    policy.require(by, Permission.PUBLISH, instance.client)
    with tracing.span("publish.check", instance_id=str(instance.id), client_id=str(instance.client_id)):
        placements, off = _chosen(instance, target_ids)
        rendered = version.rendered if version is not None else versions.material(instance=instance).rendered
        shape = version.format if version is not None else str(instance.body.format)
        text = rendered.join({name: instance.secret_values.get(name, "") for name in rendered.secret_names})
        questions = questions or Asking.of_request()
        told = [
            problem
            for placement in placements
            for problem in objections(placement=placement, shape=shape, text=text, questions=questions)
        ]
    problems = tuple(problem for problem in told if problem.code not in UNANSWERED)
    unanswered = tuple(problem for problem in told if problem.code in UNANSWERED)
    return Checked(instance.revision, tuple(placements), problems, unanswered, tuple(off))


def publish(
    *,
    instance: PromptInstance,
    by: Actor,
    at: datetime,
    version: InstanceVersion | None = None,
    target_ids: Sequence[uuid.UUID] | None = None,
    expected_active: uuid.UUID | Expect | None = BASED_ON,
    confirm: bool = False,
    reason: str = "",
    checked: Checked | None = None,
    questions: Asking | None = None,
) -> Published:
    """Seal the draft (or take an older ``version``), make it active and send it to its targets.

    Idempotent: what is active and delivered already is returned with ``changed=False``; places whose target moved to
    another address get it there. Raises
    ``409.version_conflict`` when another version became active than the caller expects (``confirm`` goes on),
    ``422.request_invalid`` with the targets' objections, ``409.draft_stale`` when the draft was edited since
    ``checked`` was made, ``409.archived``.
    """
    policy.require(by, Permission.PUBLISH, instance.client)
    clients.require_active(instance.client)
    started = time.monotonic()
    checked = checked or check(instance=instance, by=by, target_ids=target_ids, version=version, questions=questions)
    refuse(problems=checked.problems)
    attributes = {"instance_id": str(instance.id), "client_id": str(instance.client_id)}
    with tracing.span("publish", action="instance.publish", **attributes) as span, transaction.atomic():
        row = drafts.locked(instance=instance)
        drafts.require_revision(draft=row, revision=checked.revision)
        wanted = version or _active_if_same(row)
        done = _unchanged(row, wanted, checked, by, at)
        if done is None:
            if not confirm:
                _require_expected(row, version, expected_active)
            done = _moved(row, wanted, checked, by, at, confirm=confirm, reason=reason)
        span.set_attribute("publish.changed", done.changed)
    _count(done, started)
    _tell(done, row)
    return done


def objections(*, placement: Placement, shape: str, text: str, questions: Asking) -> list[Problem]:
    """What a target says to a text of the format ``shape``; pointers as in :func:`check`.

    Codes that are :data:`UNANSWERED` are no objection: who cannot be asked just now gets its delivery all the same.
    """
    target = placement.target
    adapter = adapters.get(target.adapter)
    with tracing.span("publish.contract", target=target.adapter, target_id=str(target.id)) as span:
        remote = courier.remote_of(target=target, placement=placement)
        found = adapter.check(remote, format=shape, text=text)
        if not found:
            found = targets.probe(target=target, placement=placement, questions=questions)
        span.set_attribute("publish.problems", len(found))
    return [replace(problem, pointer=f"/targets/{target.id}{problem.pointer}") for problem in found]


def refuse(*, problems: Sequence[Problem]) -> None:
    """Raise ``422.request_invalid`` when targets object."""
    if problems:
        raise Invalid(
            "422.request_invalid",
            "A target's contract does not allow this text there. Nothing was published.",
            problems=problems,
        )


def _moved(
    row: PromptInstance,
    wanted: InstanceVersion | None,
    checked: Checked,
    by: Actor,
    at: datetime,
    *,
    confirm: bool,
    reason: str,
) -> Published:
    sealed = wanted or versions.seal(instance=row, by=by, at=at)
    publication = versions.activate(instance=row, version=sealed, by=by, at=at, reason=reason)
    placements = [*checked.placements, *_switched_on_meanwhile(checked)]
    sent = deliveries.enqueue(publication=publication, placements=placements, by=by, at=at)
    events.record(
        action=Action.INSTANCE_PUBLISH,
        subject=drafts.subject(row),
        by=by,
        at=at,
        metadata={
            "publication": publication.ordinal,
            "version": str(sealed.id),
            "digest": sealed.digest,
            "targets": sorted({str(placement.target_id) for placement in placements}),
            "deliveries": [str(delivery.id) for delivery in sent],
            "confirmed": confirm,
        },
    )
    return Published(sealed, publication, sent)


def _unchanged(
    row: PromptInstance, wanted: InstanceVersion | None, checked: Checked, by: Actor, at: datetime
) -> Published | None:
    """The active version again: nothing moves; only places that do not have it (and are not about to) get it."""
    if wanted is None or wanted.id != row.active_version_id:
        return None
    active, publication = wanted, versions.newest_publication(instance=row)
    if publication is None or publication.secret_revision != row.secret_revision:
        return None
    lacking = [placement for placement in checked.placements if _lacks(placement, publication)]
    if not lacking:
        return Published(active, publication, [], changed=False)
    sent = deliveries.enqueue(publication=publication, placements=lacking, by=by, at=at)
    events.record(
        action=Action.INSTANCE_PUBLISH,
        subject=drafts.subject(row),
        by=by,
        at=at,
        metadata={
            "publication": publication.ordinal,
            "version": str(active.id),
            "again": True,
            "deliveries": [str(delivery.id) for delivery in sent],
        },
    )
    return Published(active, publication, sent)


def _active_if_same(row: PromptInstance) -> InstanceVersion | None:
    """The active version, if the draft would be sealed as exactly that."""
    active = row.active_version
    if active is None or active.template_version_id != row.template_version_id:
        return None
    same = active.variables == row.variables and active.digest == versions.material(instance=row).digest
    return active if same and active.body.digest() == row.body.digest() else None


def _lacks(placement: Placement, publication: Publication) -> bool:
    newest = deliveries.newest_for(placement=placement)
    if newest is None or newest.publication_id != publication.id:
        return True
    if newest.lane_id != placement.lane_id:  # the target moved: it went to the old address, or is on its way there
        return True
    return newest.state not in {*OPEN, DeliveryState.DELIVERED}


def _require_expected(
    row: PromptInstance, version: InstanceVersion | None, expected: uuid.UUID | Expect | None
) -> None:
    if isinstance(expected, Expect):
        if version is not None:
            return
        expected = row.based_on_id
    if row.active_version_id == expected:
        return
    newest = versions.newest_publication(instance=row)
    context: dict[str, Any] = {
        "expected_active": str(expected) if expected else None,
        "active": str(row.active_version_id) if row.active_version_id else None,
        "active_by": newest.by_label if newest else None,
        "active_at": rfc3339(newest.at) if newest else None,
    }
    raise Conflict(
        "409.version_conflict",
        "Another version became active meanwhile. Look at what it changed, then publish with confirm to go on.",
        problems=[Problem("/expected_active", "conflict", "is not the active version")],
        context=context,
    )


def _switched_on_meanwhile(checked: Checked) -> list[Placement]:
    """Places whose target was off at the check and is on by now: who switched it on did not see this publication."""
    if not checked.off:
        return []
    now = Placement.objects.filter(removed_at__isnull=True, target__enabled=True).select_related("target")
    return list(now.filter(pk__in=[placement.pk for placement in checked.off]))


def _chosen(
    instance: PromptInstance, target_ids: Sequence[uuid.UUID] | None
) -> tuple[list[Placement], list[Placement]]:
    """The placements on the chosen targets, or all, and those that are off. A choice of other targets is a problem."""
    placed = list(targets.placements_of(instance=instance))
    off = [placement for placement in placed if not placement.target.enabled]
    chosen = [placement for placement in placed if placement.target.enabled]
    if target_ids is None:
        return chosen, off
    chosen = [placement for placement in chosen if placement.target_id in set(target_ids)]
    found = {placement.target_id for placement in chosen}
    missing = [
        Problem(f"/targets/{index}", "unknown", "no enabled target of this client has a place for this prompt")
        for index, target_id in enumerate(target_ids)
        if target_id not in found
    ]
    if missing:
        raise Invalid("422.request_invalid", "A chosen target cannot receive this prompt.", problems=missing)
    return chosen, off


def _tell(done: Published, row: PromptInstance) -> None:
    log.info(
        "instance.published",
        action=str(Action.INSTANCE_PUBLISH),
        template_id=str(done.version.template_version_id),
        instance_id=str(row.id),
        client_id=str(row.client_id),
        version_id=str(done.version.id),
        publication=done.publication.ordinal,
        changed=done.changed,
        deliveries=len(done.deliveries),
    )


def _count(done: Published, started: float) -> None:
    metrics.publish_duration.observe((time.monotonic() - started) * 1000)
    status = "changed" if done.changed else "unchanged"
    kinds = {delivery.placement.target.adapter for delivery in done.deliveries} or {"none"}
    for kind in sorted(kinds):
        metrics.publishes.labels(status=status, target=kind).inc()
