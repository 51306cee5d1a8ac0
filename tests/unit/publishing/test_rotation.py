"""A secret that changes: what was published is sent and compared with, and a former secret stays a secret."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from instances import drafts, versions
from prompthub_kernel.errors import Conflict, Invalid, Refused
from publishing import courier, drift, publish, sides
from publishing.adapters import memory
from publishing.models import Delivery, Drift
from publishing.ports import Outcome, ProviderError
from tenancy.policy import Role
from tests.factories import make_actor, make_instance, make_placement, make_target, make_template_version
from tests.factories.acting import AT, SYSTEM
from tests.faults.world import pass_time

pytestmark = pytest.mark.django_db
OLD, NEW = "kumquat-7319-zebra", "tamarind-8820-okapi"
KEYED = {
    "properties": {
        "key": {"type": "string", "x-secret": True},
        "tone": {"type": "string", "default": "warm"},
    }
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    memory.clear()
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: newest.state == "delivered")


@pytest.fixture
def placement():
    """A prompt with a secret, published to a place that has it."""
    return placed()


def placed(**settings):
    template = make_template_version(content_md="Use {{ key }}, be {{ tone }}.", variables_schema=KEYED)
    instance = make_instance(template_version=template, variables={"key": OLD})
    target = make_target(client=instance.client, settings=settings)
    placement = make_placement(instance=instance, target=target, location={"slot": "here"})
    published(placement)
    return placement


def fresh(placement):
    return drafts.get(key=placement.instance_id, actor=SYSTEM)


def published(placement, **given):
    done = publish.publish(instance=fresh(placement), confirm=True, by=SYSTEM, at=AT, **given)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    return done


def write(placement, by, at, **variables):
    row = fresh(placement)
    return drafts.edit(instance=row, revision=row.revision, variables=variables, by=by, at=at)


def shown(found, actor):
    ours, theirs = sides.drifted(drift=found, actor=actor)
    return f"{drift.compare(drift=found, actor=actor).to_json()} {ours.text} {theirs.text}"


def test_a_secret_that_changed_in_the_draft_alone_is_no_drift(placement, system, at):
    write(placement, system, at, key=NEW)
    assert drift.check(placement=placement, by=system, at=at) is None
    assert not Drift.objects.exists()


def test_a_former_secret_at_the_provider_is_masked_and_told_from_the_present_one(placement, system, at):
    write(placement, system, at, key=NEW)
    published(placement)
    assert memory.slots["here"].text == f"Use {NEW}, be warm."
    memory.slots["here"].text = f"Use {OLD}, be warm."
    found = drift.check(placement=placement, by=system, at=at)
    told = shown(found, system)
    assert (OLD in told, NEW in told) == (False, False)
    assert drift.masked(text=found.observed, publication=found.delivery.publication) == "Use [redacted], be warm."


def test_a_secret_of_the_draft_alone_is_masked_too(placement, system, at):
    write(placement, system, at, key=NEW)
    memory.slots["here"].text = f"Use {NEW} or {OLD}."
    found = drift.check(placement=placement, by=system, at=at)
    assert drift.masked(text=found.observed, publication=found.delivery.publication) == "Use [redacted] or ••••••."


def test_a_former_secret_is_taken_over_as_its_place(placement, system, at):
    write(placement, system, at, key=NEW)
    published(placement)
    memory.slots["here"].text = f"Rather use {OLD}."
    found = drift.check(placement=placement, by=system, at=at)
    draft = drift.adopt(drift=found, revision=fresh(placement).revision, by=system, at=at)
    assert draft.content_md == "Rather use {{ key }}."
    assert OLD not in str(list(draft.history.values()))


def test_a_former_secret_that_has_no_place_any_more_is_not_taken_over(placement, system, at):
    open_template = make_template_version(
        content_md="Be {{ tone }}.", variables_schema={"properties": {"tone": {"type": "string", "default": "warm"}}}
    )
    row = fresh(placement)
    drafts.edit(instance=row, revision=row.revision, template_version=open_template, variables={}, by=system, at=at)
    memory.slots["here"].text = f"Rather use {OLD}."
    found = drift.check(placement=placement, by=system, at=at)
    with pytest.raises(Invalid) as refused:
        drift.adopt(drift=found, revision=fresh(placement).revision, by=system, at=at)
    assert refused.value.code == "422.request_invalid"
    assert OLD not in str(refused.value)


def test_what_waits_is_sent_with_the_secrets_it_was_published_with(system, at):
    placement = placed(fail=["try_again"])
    editor = make_actor(roles={placement.instance.client: Role.EDITOR})
    with pytest.raises(Refused):
        publish.publish(instance=fresh(placement), by=editor, at=at)
    write(placement, editor, at, key=NEW)
    pass_time(60)
    courier.deliver(lane_id=placement.lane_id, by=system)
    assert memory.slots["here"].text == f"Use {OLD}, be warm."


def test_a_secret_that_was_taken_away_neither_blinds_drift_nor_buries_what_waits(system, at):
    placement = placed(fail=["try_again"])
    write(placement, system, at, key=None)
    pass_time(60)
    courier.deliver(lane_id=placement.lane_id, by=system)
    assert (Delivery.objects.get().state, memory.slots["here"].text) == ("delivered", f"Use {OLD}, be warm.")
    assert drift.check(placement=placement, by=system, at=at) is None
    memory.slots["here"].text = f"Use {OLD} no more."
    found = drift.check(placement=placement, by=system, at=at)
    assert drift.masked(text=found.observed, publication=found.delivery.publication) == "Use •••••• no more."


def test_a_secret_published_to_another_target_alone_changes_nothing_here(placement, system, at):
    other = make_placement(instance=placement.instance, location={"slot": "there"})
    write(placement, system, at, key=NEW)
    published(placement, target_ids=[other.target_id])
    courier.deliver(lane_id=other.lane_id, by=system)
    assert (memory.slots["here"].text, memory.slots["there"].text) == (f"Use {OLD}, be warm.", f"Use {NEW}, be warm.")
    assert drift.check(placement=placement, by=system, at=at) is None
    memory.slots["here"].text = f"Use {NEW}, be warm."
    found = drift.check(placement=placement, by=system, at=at)
    drift.redeliver(drift=found, by=system, at=at)
    courier.deliver(lane_id=placement.lane_id, by=system)
    assert memory.slots["here"].text == f"Use {OLD}, be warm."


def test_an_older_version_is_published_with_the_present_secrets(placement, system, at):
    first = fresh(placement).active_version
    write(placement, system, at, key=NEW, tone="calm")
    published(placement)
    done = published(placement, version=first)
    assert memory.slots["here"].text == f"Use {NEW}, be warm."
    assert done.publication.secret_revision == fresh(placement).secret_revision
    write(placement, system, at, key="another-2231-gnu")
    assert versions.reveal(version=first, by=system, at=at) == f"Use {NEW}, be warm."
    assert drift.check(placement=placement, by=system, at=at) is None


def test_an_older_version_is_not_published_without_a_secret_it_needs(placement, system, at):
    first = fresh(placement).active_version
    write(placement, system, at, key=None)
    with pytest.raises(Conflict) as refused:
        published(placement, version=first)
    assert (refused.value.code, "key" in refused.value.detail) == ("409.state_conflict", True)
    assert Delivery.objects.count() == 1


def test_after_a_restore_what_is_put_back_has_the_secrets_it_was_published_with(placement, system, at):
    write(placement, system, at, key=NEW)
    row = fresh(placement)
    row.last_publication_ordinal += 1000
    row.save()
    memory.slots["here"].text = "Somebody wrote this there."
    found = drift.check(placement=placement, by=system, at=at)
    drift.redeliver(drift=found, by=system, at=at)
    courier.deliver(lane_id=placement.lane_id, by=system)
    assert memory.slots["here"].text == f"Use {OLD}, be warm."


def test_a_place_that_cannot_be_read_does_not_repeat_a_former_secret(placement, system, at, monkeypatch):
    write(placement, system, at, key=NEW)
    published(placement)

    def observe(self, remote, *, wire):
        raise ProviderError("memory", f"answered 400: not {OLD}", outcome=Outcome.REFUSED, provider_status=400)

    monkeypatch.setattr(memory.Memory, "observe", observe)
    assert drift.check(placement=placement, by=system, at=at) is None
    placement.refresh_from_db()
    assert placement.unreadable_reason == "answered 400: not [redacted]"


def test_no_record_and_no_history_holds_what_was_published(placement, system, at):
    write(placement, system, at, key=NEW)
    published(placement)
    told = f"{list(AuditEvent.objects.values())} {list(fresh(placement).history.values())}"
    assert (OLD in told, NEW in told) == (False, False)
