"""A client's provider accounts, and which prompt goes where in them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from instances.models import PromptInstance
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.naming import require_name
from prompthub_kernel.strict_json import require_storable
from publishing import adapters, closing, courier, deliveries, lanes, masking, origins, overwriting, places, waiting
from publishing.adapters import contract
from publishing.asking import Asking
from publishing.models import Delivery, Placement, Target
from publishing.ports import ProviderError, Remote
from publishing.states import OPEN
from tenancy import clients, policy
from tenancy.models import Client
from tenancy.policy import Permission

TAKEN = {  # by: whether it is the same prompt, and whether it is the very place
    (False, True): "Another prompt goes to that place already.",
    (False, False): "Another prompt goes inside or around that place already.",
    (True, True): "This prompt goes to that place already.",
    (True, False): "This prompt goes inside or around that place already.",
}


def create(
    *,
    client: Client,
    name: str,
    adapter: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, str],
    by: Actor,
    at: datetime,
) -> Target:
    """A new provider account. Raises ``422.request_invalid`` with pointers below ``/settings`` and ``/credentials``."""
    policy.require(by, Permission.ADMIN, client)
    clients.require_active(client)
    require_name(name, "/name")
    _check_account(adapter, settings, credentials)
    target = Target(
        client=client,
        name=name,
        adapter=adapter,
        settings=dict(settings),
        credentials=_packed(credentials),
        created_at=at,
    )
    try:
        with transaction.atomic():
            target.save(force_insert=True)
            _record(Action.TARGET_CREATE, target, by, at, {"adapter": adapter})
    except IntegrityError as error:
        raise Conflict(
            "409.version_conflict",
            "This client has a target of that name already.",
            problems=[Problem("/name", "unique", "is taken")],
        ) from error
    return target


def change(
    *,
    target: Target,
    settings: Mapping[str, Any],
    credentials: Mapping[str, str] | None = None,
    by: Actor,
    at: datetime,
) -> Target:
    """Replace a target's settings. Placements keep their places; lanes, and what waits on them, follow the new address.

    What is being sent ends at the old one, and what was delivered is at the old one: the next publish delivers it to
    the new. Raises ``409.in_use`` when another prompt has such a place there already.
    An address that is sent as it is shown (``publishing.masking``) stays what it is. ``credentials`` replace all that
    are stored; without them, addresses stay at the hosts those were given for (``422.request_invalid``).
    """
    policy.require(by, Permission.ADMIN, target.client)
    settings = masking.kept(settings, stored=target.settings)
    _check_account(target.adapter, settings, credentials or target.credential_values)
    with transaction.atomic():
        row = _locked(target)
        if credentials:
            row.credentials = _packed(credentials)
            _record(Action.TARGET_CREDENTIALS_ROTATE, row, by, at, {"names": sorted(credentials)})
        else:
            origins.require_credentials(target=row, settings=settings)
        row.settings = settings
        row.save()
        _rehome(row, by, at)
        _record(Action.TARGET_CHANGE, row, by, at, {})
    return row


def rotate_credentials(*, target: Target, credentials: Mapping[str, str], by: Actor, at: datetime) -> Target:
    """Replace a target's credentials; deliveries from now on use the new ones."""
    policy.require(by, Permission.ADMIN, target.client)
    _check_account(target.adapter, target.settings, credentials)
    with transaction.atomic():
        row = _locked(target)
        row.credentials = _packed(credentials)
        row.save()
        _record(Action.TARGET_CREDENTIALS_ROTATE, row, by, at, {"names": sorted(credentials)})
    return row


def disable(*, target: Target, by: Actor, at: datetime) -> Target:
    """Send nothing to it any more; what it runs stays as it is, and what waits for it goes on waiting.

    What is being sent at that moment ends as it ends.
    """
    return _switch(target, Action.TARGET_DISABLE, by, at, enabled=False)


def enable(*, target: Target, by: Actor, at: datetime) -> Target:
    """Publish to it again. Where another publication than a prompt's newest went last, the newest is sent at once."""
    return _switch(target, Action.TARGET_ENABLE, by, at, enabled=True)


def resume(*, target: Target, by: Actor, at: datetime) -> Target:
    """End the pauses of its places, those that the provider asked for, too; what waits is tried again at once.

    For other places of the same remote objects as well: a pause is the object's.
    """
    policy.require(by, Permission.ADMIN, target.client)
    with transaction.atomic():
        row = _locked(target)
        placed = dict(row.placements.values_list("pk", "lane_id"))
        waited = Delivery.objects.filter(placement__in=placed, state__in=OPEN).values_list("lane_id", flat=True)
        paused = {*placed.values(), *waited}  # what was being sent when the target moved is on another lane still
        lanes.lock(lane_ids=paused)
        lanes.lift(lane_ids=paused)
        _record(Action.TARGET_RESUME, row, by, at, {"deliveries": waiting.hasten(placements=placed)})
    return row


def place(
    *, instance: PromptInstance, target: Target, location: Mapping[str, Any], by: Actor, at: datetime
) -> Placement:
    """Say that a prompt goes to a place of a target.

    Raises ``404.not_found`` for another client's target, ``422.request_invalid`` with pointers below ``/location``,
    ``409.archived`` and ``409.in_use`` when a prompt has that place of the remote object, whoever's it is.
    """
    policy.require(by, Permission.ADMIN, target.client)
    clients.require_active(target.client)
    if instance.client_id != target.client_id:
        raise NotFound("404.not_found", "No such target for this prompt's client.")
    require_storable(location, "/location")
    problems = _contract_problems(target.adapter, {}, {}, location, below=("/location",))
    if problems:
        raise Invalid("422.request_invalid", "This is no place the adapter knows.", problems=problems)
    with transaction.atomic():
        row = _locked(target)
        located = places.located(target=row, instance=instance, location=location)
        placement = Placement(
            instance=instance,
            target=row,
            lane=lanes.lane_for(remote_key=_remote_key(row, located)),
            location=located,
            place=sha256_digest(canonical_json(located)),
            created_at=at,
        )
        lanes.lock(lane_ids=[placement.lane_id])
        _require_free(placement, pointer="/location")
        placement.save(force_insert=True)
        metadata = {"placement": str(placement.id), "instance": str(instance.id)}
        _record(Action.PLACEMENT_CREATE, row, by, at, metadata)
    return placement


def remove_placement(*, placement: Placement, by: Actor, at: datetime) -> Placement:
    """Stop sending a prompt to a place; what runs there stays, what waits for it and what was found there has ended.

    What is being sent at that moment ends as it ends, and is not tried again.
    """
    policy.require(by, Permission.ADMIN, placement.target.client)
    with transaction.atomic():
        # Before its place, as a worker locks them that settles a delivery there.
        closing.end(rows=Delivery.objects.filter(placement=placement), why=closing.ENDED[closing.Bar.REMOVED])
        rows = Placement.objects.select_for_update(of=("self",), no_key=True).select_related("target")
        row = rows.get(pk=placement.pk)
        if row.removed_at is None:
            row.removed_at = at
            row.save(update_fields=["removed_at"])
            overwriting.end(placements=[row.pk], how=closing.Bar.REMOVED, by=by, at=at)
            _record(Action.PLACEMENT_REMOVE, row.target, by, at, {"placement": str(row.id)})
    return row


def test(*, target: Target, actor: Actor) -> list[tuple[Placement | None, list[Problem]]]:
    """Ask the provider whether each placement can be written, changing nothing there. Uses the network."""
    policy.require(actor, Permission.ADMIN, target.client)
    if forbidden := contract.unreachable(target.settings):
        return [(None, forbidden)]
    questions = Asking.of_request()
    found = list(placements(target=target))
    return [(placement, probe(target=target, placement=placement, questions=questions)) for placement in found]


def probe(*, target: Target, placement: Placement, questions: Asking) -> list[Problem]:
    """What the provider itself says against writing there; a provider that does not answer is one problem."""
    if forbidden := contract.unreachable(target.settings):
        return forbidden
    adapter = adapters.get(target.adapter)
    try:
        with questions.question(placement=placement) as wire:
            return adapter.probe(courier.remote_of(target=target, placement=placement), wire=wire)
    except ProviderError as error:
        return [Problem("", str(error.outcome), error.detail)]


def placements(*, target: Target) -> QuerySet[Placement]:
    """Where a target receives prompts."""
    return target.placements.filter(removed_at__isnull=True).select_related("instance", "lane")


def placements_for(*, client: Client, actor: Actor) -> QuerySet[Placement]:
    """Where the prompts of a client go."""
    policy.require(actor, Permission.VIEW, client)
    return Placement.objects.filter(target__client=client, removed_at__isnull=True)


def placements_of(*, instance: PromptInstance) -> QuerySet[Placement]:
    """Where a prompt goes, over all targets, also those that are switched off and are sent nothing for now."""
    return Placement.objects.filter(instance=instance, removed_at__isnull=True).select_related("target__client", "lane")


def get(*, key: uuid.UUID | str, actor: Actor) -> Target:
    """A target by id, as far as the actor may see its client; ``404.not_found`` otherwise."""
    found = listing(actor=actor).filter(pk=key).first()
    if found is None:
        raise NotFound("404.not_found", "No such target.")
    return found


def get_placement(*, key: uuid.UUID | str, actor: Actor) -> Placement:
    """A placement by id, as far as the actor may see its client; ``404.not_found`` otherwise."""
    found = (
        Placement.objects.filter(pk=key, target__client__in=policy.visible(actor, Client))
        .select_related("target__client", "instance__client", "lane")
        .first()
    )
    if found is None:
        raise NotFound("404.not_found", "No such placement.")
    return found


def listing(*, actor: Actor) -> QuerySet[Target]:
    """The targets of the clients the actor may see."""
    return Target.objects.filter(client__in=policy.visible(actor, Client)).select_related("client")


def subject(target: Target) -> events.Subject:
    """A target as the ledger knows it."""
    return events.Subject(kind="target", id=str(target.id), label=target.name, client_id=target.client_id)


def _switch(target: Target, action: Action, by: Actor, at: datetime, *, enabled: bool) -> Target:
    policy.require(by, Permission.ADMIN, target.client)
    with transaction.atomic():
        row = _locked(target)
        if row.enabled != enabled:
            row.enabled = enabled
            row.save()
            sent = _caught_up(row, by, at) if enabled else []
            _record(action, row, by, at, {"deliveries": [str(delivery.id) for delivery in sent]} if enabled else {})
    return row


def _caught_up(row: Target, by: Actor, at: datetime) -> list[Delivery]:
    """Send what waited; where something newer was published while the target was off, that instead.

    The prompts are locked: what is being published meanwhile is either seen here, or finds the target switched on.
    """
    placed = placements(target=row).filter(instance__archived_at__isnull=True)
    held = PromptInstance.objects.filter(pk__in=placed.values("instance_id")).order_by("pk")
    list(held.select_for_update().values_list("pk"))
    sent = [
        delivery
        for publication, missing in places.behind(placements=placed).items()
        for delivery in deliveries.enqueue(publication=publication, placements=missing, by=by, at=at)
    ]
    waiting.hasten(placements=list(placed.filter(deliveries__state__in=OPEN).values_list("pk", flat=True).distinct()))
    return sent


def _locked(target: Target) -> Target:
    return Target.objects.select_for_update(of=("self",)).select_related("client").get(pk=target.pk)


def _rehome(row: Target, by: Actor, at: datetime) -> None:
    """Move placements whose remote object is another one by now, and what waits for them; the lanes are locked.

    What was found at the old one is nothing to settle any more.
    """
    found = list(row.placements.select_related("lane", "instance").order_by("pk"))
    keys = {placement.pk: _remote_key(row, placement.location) for placement in found}
    moving = [placement for placement in found if placement.lane.remote_key != keys[placement.pk]]
    new = {key: lanes.lane_for(remote_key=key) for key in sorted({keys[placement.pk] for placement in moving})}
    lanes.lock(lane_ids=[*(placement.lane_id for placement in moving), *(lane.pk for lane in new.values())])
    for placement in moving:
        placement.lane = new[keys[placement.pk]]
        if placement.removed_at is None:
            _require_free(placement, pointer="/settings")
        placement.save(update_fields=["lane"])
    overwriting.end(placements=[placement.pk for placement in moving], how=overwriting.MOVED, by=by, at=at)
    waiting.hasten(placements=[placement.pk for placement in moving])


def _require_free(placement: Placement, *, pointer: str) -> None:
    """Raise ``409.in_use`` when somebody has that place of the remote object, one inside it or one around it.

    The lane is locked. Its placements may be another client's, about whom nothing is told.
    """
    for other in places.holders(placement=placement, lane_id=placement.lane_id):
        told = TAKEN[other.instance_id == placement.instance_id, places.same(placement, other)]
        problem = Problem(pointer, "taken", "is a place that a prompt goes to already")
        raise Conflict("409.in_use", told, problems=[problem])


def _check_account(adapter: str, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    if adapter not in adapters.REGISTRY:
        known = ", ".join(sorted(adapters.REGISTRY))
        raise Invalid(
            "422.request_invalid",
            f"There is no such adapter; there are {known}.",
            problems=[Problem("/adapter", "enum", f"must be one of {known}")],
        )
    require_storable(settings, "/settings")
    require_storable(credentials, "/credentials")
    problems = _contract_problems(adapter, settings, credentials, {}, below=("/settings", "/credentials"))
    problems = problems or contract.unreachable(settings)
    if problems:
        raise Invalid("422.request_invalid", "The adapter's contract does not allow this.", problems=problems)


def _contract_problems(
    adapter: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, str],
    location: Mapping[str, Any],
    *,
    below: tuple[str, ...],
) -> list[Problem]:
    """What the contract says about one part of a place; the other parts are not known yet."""
    remote = Remote(settings=settings, credentials=credentials, location=location)
    found = adapters.get(adapter).check(remote, format="text", text="text")
    return [problem for problem in found if problem.pointer.startswith(below)]


def _remote_key(target: Target, location: Mapping[str, Any]) -> str:
    remote = Remote(settings=target.settings, credentials={}, location=location, client=str(target.client_id))
    return lanes.shortened(remote_key=adapters.get(target.adapter).remote_key(remote))


def _packed(credentials: Mapping[str, str]) -> str:
    return json.dumps(dict(credentials), sort_keys=True) if credentials else ""


def _record(action: Action, target: Target, by: Actor, at: datetime, metadata: dict[str, Any]) -> None:
    events.record(action=action, subject=subject(target), by=by, at=at, metadata=metadata)
