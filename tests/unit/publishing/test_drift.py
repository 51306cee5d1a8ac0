"""Reading back: what cannot be read is told, and one place's trouble stays its own."""

from __future__ import annotations

import base64
import html
from datetime import timedelta
from functools import partial
from urllib.parse import quote

import pytest

from audit.models import AuditEvent
from instances import drafts
from prompthub_kernel.errors import Conflict, Invalid
from publishing import closing, courier, drift, targets, tasks
from publishing.adapters import memory
from publishing.models import Delivery, Drift, Placement
from publishing.ports import Outcome, ProviderError
from tenancy import clients
from tests.factories import make_delivery, make_instance, make_placement, make_template_version

pytestmark = pytest.mark.django_db
SECRET = "kumquat <7319> & zebra?"
DECISIONS = (partial(drift.adopt, revision=1), drift.redeliver)
GONE = ProviderError("memory", "answered 404: no such prompt", outcome=Outcome.REFUSED, provider_status=404)


@pytest.fixture
def placement(system, monkeypatch):
    """A place that holds what was delivered, some time ago."""
    memory.clear()
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: newest.state == "delivered")
    return settled(system, "first")


def settled(system, slot):
    placement = make_placement(location={"slot": slot})
    make_delivery(placement=placement)
    courier.deliver(lane_id=placement.lane_id, by=system)
    return placement


def observing(monkeypatch, observe):
    monkeypatch.setattr(memory.Memory, "observe", lambda self, remote, *, wire: observe(remote))


def raising(error):
    def observe(remote):
        raise error

    return observe


def test_a_place_that_cannot_be_read_says_why_and_since_when_until_it_can(placement, system, at, monkeypatch):
    with monkeypatch.context() as broken:
        observing(broken, raising(GONE))
        for moment in (at, at + timedelta(hours=1)):
            assert drift.check(placement=placement, by=system, at=moment) is None
            placement.refresh_from_db()
            assert (placement.unreadable_reason, placement.unreadable_since) == (GONE.detail, at)
    assert drift.check(placement=placement, by=system, at=at + timedelta(hours=2)) is None
    placement.refresh_from_db()
    assert (placement.unreadable_reason, placement.unreadable_since) == ("", None)


def test_a_text_that_no_database_stores_is_a_drift_that_can_be_read(placement, system, at):
    memory.slots["first"].text = "\ud800 and \0 and \N{SLIGHTLY SMILING FACE}"
    assert drift.check(placement=placement, by=system, at=at) is not None
    assert Drift.objects.get().observed == "\ufffd and \ufffd and \N{SLIGHTLY SMILING FACE}"
    drift.check(placement=placement, by=system, at=at)
    assert Drift.objects.count() == 1


def test_a_check_that_breaks_leaves_the_other_places_their_turn(placement, system, at, monkeypatch):
    other = settled(system, "second")
    memory.slots["second"].text = "Somebody wrote this there."
    seen = memory.Memory.observe

    def observe(remote):
        if remote.location["slot"] == "first":
            raise LookupError("nobody foresaw this")
        return seen(memory.Memory(), remote, wire=None)

    observing(monkeypatch, observe)
    assert drift.check_all(by=system, at=at) == 1
    assert Drift.objects.get().placement_id == other.pk


def test_a_secret_that_is_the_same_there_is_no_difference():
    schema = {"properties": {name: {"type": "string", "x-secret": True} for name in ("key", "longer")}}
    template = make_template_version(content_md="Use {{ longer }}, then {{ key }}.", variables_schema=schema)
    variables = {"key": "TOPSECRET-q", "longer": "TOPSECRET-q-and-more"}
    delivery = make_delivery(
        placement=make_placement(instance=make_instance(template_version=template, variables=variables))
    )
    assert (
        drift.masked(text="Use TOPSECRET-q-and-more, then TOPSECRET-q.", publication=delivery.publication)
        == "Use ••••••, then ••••••."
    )


@pytest.mark.parametrize("spell", [html.escape, quote, lambda secret: base64.b64encode(secret.encode()).decode()])
def test_a_secret_in_another_spelling_is_not_taken_over_into_the_draft(system, at, monkeypatch, spell):
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: newest.state == "delivered")
    memory.clear()
    schema = {"properties": {"key": {"type": "string", "x-secret": True}}}
    template = make_template_version(content_md="Use {{ key }}.", variables_schema=schema)
    instance = make_instance(template_version=template, variables={"key": SECRET})
    placement = make_placement(instance=instance, location={"slot": "secret"})
    make_delivery(placement=placement)
    courier.deliver(lane_id=placement.lane_id, by=system)
    memory.slots["secret"].text = f"Use {spell(SECRET)} or {SECRET}."
    found = drift.check(placement=placement, by=system, at=at)
    with pytest.raises(Invalid) as refused:
        drift.adopt(drift=found, revision=instance.revision, by=system, at=at)
    assert SECRET not in str(refused.value)
    memory.slots["secret"].text = f"Rather use {SECRET}."
    found = drift.check(placement=placement, by=system, at=at)
    adopted = drift.adopt(drift=found, revision=instance.revision, by=system, at=at)
    assert adopted.content_md == "Rather use {{ key }}."


def publish_another(placement, system, at):
    instance = drafts.get(key=placement.instance_id, actor=system)
    placement.instance = drafts.edit(
        instance=instance, revision=instance.revision, variables={"company": "Borealis"}, by=system, at=at
    )
    make_delivery(placement=placement)
    courier.deliver(lane_id=placement.lane_id, by=system)


def changed_there_and_published_again(placement, system, at):
    memory.slots["first"].text = "Somebody wrote this there."
    found = drift.check(placement=placement, by=system, at=at)
    publish_another(placement, system, at)
    found.refresh_from_db()
    return found


def test_a_newer_delivery_overwrites_what_was_found(placement, system, at):
    found = changed_there_and_published_again(placement, system, at)
    assert (found.ended_by, found.ended_at is None) == ("overwritten", False)
    event = AuditEvent.objects.get(action="drift.clear", subject_id=str(found.pk))
    assert event.metadata == {"ended_by": "overwritten"}


@pytest.mark.parametrize("decide", DECISIONS)
def test_what_was_overwritten_is_neither_adopted_nor_put_back(placement, system, at, decide):
    found = changed_there_and_published_again(placement, system, at)
    with pytest.raises(Conflict, match="overwrote") as refused:
        decide(drift=found, by=system, at=at)
    assert refused.value.code == "409.state_conflict"


def test_nothing_is_put_back_at_a_place_the_prompt_does_not_go_to_any_more(placement, system, at):
    memory.slots["first"].text = "Somebody wrote this there."
    found = drift.check(placement=placement, by=system, at=at)
    targets.remove_placement(placement=placement, by=system, at=at)
    with pytest.raises(Conflict, match="Place it there again") as refused:
        drift.redeliver(drift=found, by=system, at=at)
    assert refused.value.code == "409.state_conflict"
    assert [row.state for row in Delivery.objects.all()] == ["delivered"]
    assert not AuditEvent.objects.filter(action="drift.redeliver").exists()


def archive(placement, **given):
    closing.archive(instance=placement.instance, **given)


def archive_client(placement, *, by, at):
    clients.archive(client=placement.target.client, by=by, at=at)
    tasks.check_drift()


def take_away(placement, **given):
    targets.remove_placement(placement=placement, **given)


@pytest.mark.parametrize(
    ("close", "how", "code"),
    [
        (take_away, "removed", "409.state_conflict"),
        (archive, "archived", "409.archived"),
        (archive_client, "client_archived", "409.archived"),
    ],
)
def test_what_was_found_at_a_place_that_is_closed_for_good_has_ended(placement, system, at, close, how, code):
    memory.slots["first"].text = "Somebody wrote this there."
    found = drift.check(placement=placement, by=system, at=at)
    close(placement, by=system, at=at)
    found.refresh_from_db()
    assert (found.ended_by, found.ended_at is None) == (how, False)
    assert AuditEvent.objects.get(action="drift.clear", subject_id=str(found.pk)).metadata == {"ended_by": how}
    for decide in DECISIONS:
        with pytest.raises(Conflict) as refused:
            decide(drift=found, by=system, at=at)
        assert refused.value.code == code
    assert drift.check(placement=placement, by=system, at=at) is None
    assert not Drift.objects.filter(ended_at__isnull=True).exists()


def test_what_older_releases_left_open_at_a_closed_place_ends(placement, system, at):
    memory.slots["first"].text = "Somebody wrote this there."
    found = drift.check(placement=placement, by=system, at=at)
    Placement.objects.update(removed_at=at)
    drift.end_closed(by=system, at=at)
    found.refresh_from_db()
    assert found.ended_by == "removed"


def test_a_delivery_that_is_given_up_overwrites_nothing(placement, system, at):
    memory.slots["first"].text = "Somebody wrote this there."
    found = drift.check(placement=placement, by=system, at=at)
    target = placement.target
    target.settings = {"fail": ["ok", "refused"]}
    target.save()
    publish_another(placement, system, at)
    found.refresh_from_db()
    assert found.ended_at is None
