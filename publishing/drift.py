"""Drift: the provider runs something else than we delivered. Shown, never silently overwritten."""

from __future__ import annotations

import re
import time
import uuid
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Least

from audit import events
from audit.actions import Action
from foundation import redaction
from foundation.actors import Actor
from foundation.clock import database_now
from instances import drafts, versions
from instances.models import PromptInstance, Publication
from prompthub_kernel import diffing
from prompthub_kernel.canonical import sha256_digest
from prompthub_kernel.diffing import PromptDiff
from prompthub_kernel.errors import Conflict, NotFound
from prompthub_kernel.rendering import MASK
from publishing import adapters, adopting, closing, courier, deliveries, overwriting, publish
from publishing.asking import Asking, Unasked
from publishing.models import Delivery, Drift, Placement
from publishing.ports import Observation, ProviderError
from publishing.states import OPEN, DeliveryState
from tenancy import policy
from tenancy.models import Client
from tenancy.policy import Permission

log = structlog.get_logger(__name__)
QUIET = timedelta(seconds=5)
CHECK_SECONDS = 10.0
LONGEST_PAUSE = timedelta(hours=1)  # of a place that cannot be read
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check(
    *, placement: Placement, by: Actor, at: datetime, quiet: timedelta | None = None, questions: Asking | None = None
) -> Drift | None:
    """Read back one place and compare; returns the open drift, or None when all is well or nothing can be told.

    A place with a delivery on its way, or one delivered within ``quiet`` (five seconds), is left alone: what runs there
    is about to change. So is one whose target moved to another address, to which nothing was sent yet. ``questions``
    are those of the pass that the check is part of.
    """
    newest = _standing(placement)
    if newest is None or newest.lane_id != placement.lane_id:
        return None
    if not _settled(newest, QUIET if quiet is None else quiet):
        return None
    seen = _observe(placement, newest, at, questions or Asking())
    if seen is None:
        return None
    text = _delivered(placement, newest, by, at)
    if seen.text is None or text is None:
        return None
    with transaction.atomic():
        if not _mattering(placement, newest):
            return None
        open_drift = Drift.objects.filter(placement=placement, ended_at__isnull=True).first()
        if seen.text == text:
            if open_drift is not None:
                _end(open_drift, "provider", Action.DRIFT_CLEAR, by, at)
            return None
        return _found(placement, newest, open_drift, seen, by, at)


def check_all(*, by: Actor, at: datetime, limit: int = 200) -> int:
    """Check every place that holds something of ours, those whose turn was longest ago first; returns how many drifted.

    Ends after a while: what was not reached comes first the next time. An address that does not answer is asked once
    in a pass, about one of its places; the others have had their turn. What cannot be read is asked again when as much
    time has passed as it had been unreadable by then, after an hour at the latest. A place whose check fails in a way
    that nobody foresaw is reported and left; the others are checked all the same. What was found at places that were
    closed for good ends before.
    """
    end_closed(by=by, at=at)
    questions, found, until = Asking(), 0, time.monotonic() + CHECK_SECONDS
    for placement in _due(at)[:limit]:
        if time.monotonic() > until:
            break
        seen_last = Placement.objects.filter(pk=placement.pk, checked_at=placement.checked_at)
        if not seen_last.update(checked_at=at):
            continue  # another pass has come to it meanwhile
        try:
            found += check(placement=placement, by=by, at=at, questions=questions) is not None
        except Exception:
            log.exception(
                "drift.check_failed", placement_id=str(placement.pk), client_id=str(placement.target.client_id)
            )
    return found


def end_closed(*, by: Actor, at: datetime) -> None:
    """End what was found at places that are closed for good: nothing is sent there that could settle it."""
    for why, condition in closing.CLOSED.items():
        found = Drift.objects.filter(condition, ended_at__isnull=True).values_list("placement_id", flat=True)
        if places := list(found):
            with transaction.atomic():
                overwriting.end(placements=places, how=why, by=by, at=at)


def ask(*, drift: Drift, by: Actor) -> None:
    """Ask the target whether our text may be put back, before anything moves; uses the network, writes nothing.

    Raises ``422.request_invalid`` with what it has against that, at ``/targets/<target id>/…``; who cannot be asked
    just now does not object. Where nothing is sent, raises as :func:`redeliver` without asking.
    """
    policy.require(by, Permission.PUBLISH, drift.placement.instance.client)
    _require_open(drift)
    publication = _last_sent(drift).publication
    rendered, secrets = publication.version.rendered, versions.carried(publication=publication)
    found = publish.objections(
        placement=drift.placement,
        shape=publication.version.format,
        text=rendered.join({name: secrets.get(name, "") for name in rendered.secret_names}),
        questions=Asking.of_request(),
    )
    publish.refuse(problems=[problem for problem in found if problem.code not in publish.UNANSWERED])


def redeliver(*, drift: Drift, by: Actor, at: datetime, asked: bool = False) -> Delivery:
    """Put our text back: a new delivery of the publication that should run there. Its target is asked first (``ask``).

    If that is given up, the next check finds the drift again. ``asked`` is for who asked outside of a transaction.
    Raises ``409.archived`` or ``409.state_conflict`` where nothing is sent, and while a delivery is on its way;
    ``422.request_invalid`` when the target objects.
    """
    policy.require(by, Permission.PUBLISH, drift.placement.instance.client)
    if not asked:
        ask(drift=drift, by=by)
    with transaction.atomic():
        row = _locked(drift)
        newest = _last_sent(row)
        publication = _current(newest, by, at)
        sent = deliveries.enqueue(publication=publication, placements=[row.placement], by=by, at=at, replay_of=newest)
        _end(row, "redeliver", Action.DRIFT_REDELIVER, by, at)
    return sent[0]


def adopt(*, drift: Drift, revision: int, by: Actor, at: datetime) -> PromptInstance:
    """Take the provider's text or document into the draft, word for word, for a person to look at and publish.

    ``revision`` is the draft's that the person was shown; raises ``409.draft_stale`` when it is another by now, and
    what :func:`adopting.as_body` raises for what cannot be taken over.
    """
    instance = drift.placement.instance
    policy.require(by, Permission.EDIT, instance.client)
    with transaction.atomic():
        row = _locked(drift)
        draft = drafts.locked(instance=instance)
        body = adopting.as_body(drift=row, draft=draft)
        draft = drafts.edit(instance=draft, revision=revision, body=body, by=by, at=at)
        _end(row, "adopt", Action.DRIFT_ADOPT, by, at)
    return draft


def compare(*, drift: Drift, actor: Actor) -> PromptDiff:
    """What the provider's text changes against ours; secrets are masked on both sides."""
    policy.require(actor, Permission.VIEW, drift.placement.instance.client)
    ours, theirs = (
        drift.delivery.publication.version.rendered.text(),
        masked(text=drift.observed, publication=drift.delivery.publication),
    )
    return diffing.diff_text(old=ours, new=theirs)


def masked(*, text: str, publication: Publication) -> str:
    """A provider's text without the secrets that the prompt has or ever published.

    Those of the delivered publication are masked as in ours, so that one that is the same there shows no difference;
    all others are ``[redacted]``. Where those of the publication are not known, the whole text is.
    """
    sent = versions.carried(publication=publication)
    if publication.version.rendered.secret_names - sent.keys():
        return redaction.MASK
    masks = dict.fromkeys(versions.secrets_ever(instance=publication.instance), redaction.MASK)
    masks.update(dict.fromkeys(sent.values(), MASK))
    for secret in sorted(filter(None, masks), key=len, reverse=True):
        text = text.replace(secret, masks[secret])
    return str(redaction.redact(text, secrets=masks))


def get(*, key: uuid.UUID | str, actor: Actor) -> Drift:
    """A drift by id, as far as the actor may see its client; ``404.not_found`` otherwise."""
    found = listing(actor=actor).filter(pk=key).first()
    if found is None:
        raise NotFound("404.not_found", "No such drift.")
    return found


def listing(*, actor: Actor) -> QuerySet[Drift]:
    """Drifts of the clients the actor may see, open and ended."""
    return Drift.objects.filter(placement__target__client__in=policy.visible(actor, Client)).select_related(
        "placement__target__client", "placement__instance__client", "delivery__publication__version"
    )


def _last_sent(drift: Drift) -> Delivery:
    """The newest delivery to the place; ``409.archived`` or ``409.state_conflict`` where none may follow it."""
    newest = deliveries.newest_for(placement=drift.placement)
    if newest is None or newest.state in OPEN:
        raise Conflict("409.state_conflict", "A delivery to this place is on its way already.")
    closing.require_open(delivery=newest)
    return newest


def _current(newest: Delivery, by: Actor, at: datetime) -> Publication:
    """The publication to send again: the newest of the same text with the same secrets.

    After a restore the active text is published anew, under a number that no receiver has seen.
    """
    sent = newest.publication
    instance = drafts.locked(instance=sent.instance)
    latest = versions.newest_publication(instance=instance)
    if latest is None or (latest.version_id, latest.secret_revision) != (sent.version_id, sent.secret_revision):
        return sent
    if latest.ordinal < instance.last_publication_ordinal:
        return versions.activate(
            instance=instance, version=sent.version, like=latest, by=by, at=at, reason="put back after a restore"
        )
    return latest


def _due(at: datetime) -> QuerySet[Placement]:
    """Places to be checked, in their order; of those that are due at once the readable ones first."""
    delivered = Delivery.objects.filter(placement=OuterRef("pk"), lane=OuterRef("lane"), state=DeliveryState.DELIVERED)
    checked = F("checked_at")
    due = Case(
        When(unreadable_since__isnull=True, then=checked),
        default=Least(checked + (checked - F("unreadable_since")), checked + LONGEST_PAUSE),
    )
    return (
        Placement.objects.filter(Exists(delivered), removed_at__isnull=True, target__enabled=True)
        .alias(due=due)
        .filter(Q(due__isnull=True) | Q(due__lte=at))
        .order_by(F("due").asc(nulls_first=True), F("unreadable_since").asc(nulls_first=True), "id")
        .select_related("target__client", "instance__client")
    )


def _standing(placement: Placement) -> Delivery | None:
    """The delivery that tells what should run there: the newest, unless it was to put back what it repeats, in vain."""
    newest = deliveries.newest_for(placement=placement)
    if newest is None or newest.state != DeliveryState.BURIED:
        return newest
    delivered = placement.deliveries.filter(state=DeliveryState.DELIVERED).select_related("publication__version")
    last = delivered.order_by("-ordinal", "-id").first()
    text = (newest.publication.version_id, newest.publication.secret_revision)
    same = last is not None and (last.publication.version_id, last.publication.secret_revision) == text
    return last if same else newest


def _mattering(placement: Placement, newest: Delivery) -> bool:
    """Whether the newest delivery still tells what should run there; the place is locked until commit."""
    rows = Placement.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("target", "instance__client").get(pk=placement.pk)
    if row.lane_id != newest.lane_id or closing.bar(placement=row) in closing.CLOSED:
        return False
    still = _standing(row)
    return still is not None and still.pk == newest.pk


def _settled(newest: Delivery, quiet: timedelta) -> bool:
    if newest.state != DeliveryState.DELIVERED or newest.ended_at is None:
        return False
    return newest.ended_at <= database_now() - quiet


def _observe(placement: Placement, newest: Delivery, at: datetime, questions: Asking) -> Observation | None:
    """What runs there; None when it cannot be read, which the placement tells from then on until it can."""
    target = placement.target
    adapter, remote = adapters.get(target.adapter), courier.remote_of(target=target, placement=placement)
    if not adapter.readable(remote):
        return None
    try:
        with questions.question(placement=placement) as wire:
            seen = adapter.observe(remote, wire=wire)
    except Unasked:
        return None
    except ProviderError as error:
        ids = {"placement_id": str(placement.pk), "client_id": str(target.client_id), "target_id": str(target.pk)}
        log.warning("drift.unreadable", delivery_id=str(newest.id), code=error.code, **ids)
        _remember(placement, error.detail, at)
        return None
    return seen


def _delivered(placement: Placement, newest: Delivery, by: Actor, at: datetime) -> str | None:
    """What was delivered there; None when it is not known any more, which the placement tells."""
    try:
        text = versions.reveal(version=newest.publication.version, publication=newest.publication, by=by, at=at)
    except Conflict as error:
        _remember(placement, f"{error.detail} What runs there cannot be compared until it is published again.", at)
        return None
    _remember(placement, "", None)
    return text


def _remember(placement: Placement, reason: str, at: datetime | None) -> None:
    """Why the place cannot be read, and since when; nothing to remember when it can."""
    known = versions.secrets_ever(instance=placement.instance) if reason else ()
    reason = str(redaction.redact(reason, secrets=known))[:500]
    if placement.unreadable_reason == reason:
        return
    since = placement.unreadable_since if placement.unreadable_since is not None and reason else at
    placement.unreadable_reason, placement.unreadable_since = reason, since
    placement.save(update_fields=["unreadable_reason", "unreadable_since"])


def _found(
    placement: Placement, newest: Delivery, open_drift: Drift | None, seen: Observation, by: Actor, at: datetime
) -> Drift:
    text = _storable(seen.text or "")
    digest = sha256_digest(text.encode())
    if open_drift is not None:
        if open_drift.observed_digest == digest and open_drift.delivery_id == newest.id:
            return open_drift
        _end(open_drift, "changed", Action.DRIFT_CLEAR, by, at)
    drift = Drift.objects.create(
        placement=placement,
        delivery=newest,
        observed=text,
        observed_digest=digest,
        remote_version=seen.remote_version[:200],
        found_at=at,
    )
    events.record(
        action=Action.DRIFT_FIND, subject=overwriting.subject(drift), by=by, at=at, metadata={"observed": digest}
    )
    return drift


def _storable(text: str) -> str:
    """A provider's text as a database takes it: NUL and halves of surrogate pairs become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def _end(drift: Drift, how: str, action: Action, by: Actor, at: datetime) -> None:
    drift.ended_at, drift.ended_by = at, how
    drift.save(update_fields=["ended_at", "ended_by"])
    events.record(action=action, subject=overwriting.subject(drift), by=by, at=at)


def _locked(drift: Drift) -> Drift:
    row = (
        Drift.objects.select_for_update(of=("self",))
        .select_related("placement__target", "placement__instance__client", "delivery__publication__version")
        .get(pk=drift.pk)
    )
    _require_open(row)
    return row


def _require_open(row: Drift) -> None:
    """Raise ``409.archived`` or ``409.state_conflict``, and why, for a drift that has ended."""
    if row.ended_by == overwriting.OVERWRITTEN:
        raise Conflict(
            "409.state_conflict", "A newer delivery overwrote what was found there; nothing is left to settle."
        )
    if row.ended_by in closing.REFUSED:
        raise Conflict(*closing.REFUSED[closing.Bar(row.ended_by)])
    if row.ended_at is not None:
        raise Conflict("409.state_conflict", "This drift was settled already.")
