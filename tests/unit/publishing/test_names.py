"""Renaming a prompt moves none of its places, and no message that is on its way."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import pytest
from django.apps import apps

from audit.models import AuditEvent
from instances import drafts
from instances.models import PromptInstance
from prompthub_kernel.canonical import canonical_json, sha256_digest
from publishing import courier, deliveries, places, publish, targets
from publishing.adapters.webhook import Webhook, message_body
from publishing.models import Delivery, Placement
from publishing.ports import Outcome, ProviderError, Receipt
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.unit.publishing.test_waiting import put, webhook

pytestmark = pytest.mark.django_db
naming = importlib.import_module("publishing.migrations.0008_names_that_stay")


@pytest.fixture
def target():
    return webhook()


@pytest.fixture
def sent(monkeypatch):
    """What a receiver was sent: id and body. ``fails`` holds how the next sends end, ``delivered`` when it is empty."""
    told = SimpleNamespace(messages=[], fails=[])

    def send(self, remote, parcel, *, wire):
        told.messages.append((parcel.delivery_id, message_body(remote, parcel)))
        if told.fails:
            raise ProviderError(self.name, "not now", outcome=told.fails.pop(0))
        return Receipt()

    monkeypatch.setattr(Webhook, "send", send)
    return told


def nameless(target, name):
    instance = factories.make_instance(client=target.client, name=name)
    return targets.place(instance=instance, target=target, location={}, by=SYSTEM, at=AT)


def rename(placement, name):
    row = PromptInstance.objects.get(pk=placement.instance_id)
    return drafts.edit(instance=row, revision=row.revision, name=name, by=SYSTEM, at=AT)


def carry(placement):
    Delivery.objects.update(due_at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)


def names(sent):
    return [(told["name"], told["prompt"]) for told in (json.loads(body)["data"] for _, body in sent.messages)]


def test_a_place_without_a_name_keeps_that_which_its_prompt_had(target):
    placement = nameless(target, "greeting")
    rename(placement, "farewell")
    row = Placement.objects.select_related("target", "instance").get(pk=placement.pk)
    assert (row.instance.name, row.location, places.steps(row)) == ("farewell", {"name": "greeting"}, ("greeting",))
    assert row.place == sha256_digest(canonical_json({"name": "greeting"}))
    event = AuditEvent.objects.get(action="placement.create")
    assert event.metadata == {"placement": str(row.pk), "instance": str(row.instance_id)}
    nameless(target, "greeting's successor")


def test_a_prompt_that_takes_the_name_of_anothers_place_does_not_go_there(target, sent):
    one, other = nameless(target, "one"), put(target, name="other")
    renamed = rename(one, "other")
    for instance in (renamed, other.instance):
        publish.publish(instance=instance, by=SYSTEM, at=AT)
        carry(one)
    assert names(sent) == [("one", "other"), ("other", other.instance.name)]
    assert AuditEvent.objects.filter(action="delivery.deliver").count() == 2


def test_every_try_of_a_delivery_sends_the_same_bytes_whatever_its_prompt_is_called_by_then(target, sent):
    placement = nameless(target, "first")
    sent.fails += [Outcome.TRY_AGAIN, Outcome.UNKNOWN]
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    for name in ("second", "third", "fourth"):
        carry(placement)
        rename(placement, name)
    row = Delivery.objects.get()
    assert (row.state, row.tries, row.prompt) == ("delivered", 3, "first")
    assert (names(sent)[0], len(sent.messages), len(set(sent.messages))) == (("first", "first"), 3, 1)


def test_a_replay_says_what_the_prompt_is_called_now(target, sent):
    placement = put(target, name="desk")
    sent.fails.append(Outcome.REFUSED)
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    carry(placement)
    rename(placement, "renamed")
    buried = deliveries.get(key=Delivery.objects.get().pk, actor=SYSTEM)
    deliveries.replay(delivery=buried, by=SYSTEM, at=AT)
    carry(placement)
    assert names(sent) == [("desk", placement.instance.name), ("desk", "renamed")]
    assert AuditEvent.objects.filter(action="delivery.replay").count() == 1


def test_a_rename_alone_changes_nothing_that_would_be_delivered(target, sent):
    placement = nameless(target, "first")
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    carry(placement)
    assert not publish.publish(instance=rename(placement, "second"), by=SYSTEM, at=AT).changed
    assert (names(sent), Delivery.objects.count()) == ([("first", "first")], 1)


def older(placement):
    """As an older release kept it."""
    Placement.objects.filter(pk=placement.pk).update(location={}, place=sha256_digest(canonical_json({})))


def test_what_waits_since_an_older_release_says_the_present_name(target, sent):
    placement = nameless(target, "first")
    publish.publish(instance=placement.instance, by=SYSTEM, at=AT)
    older(placement)
    Delivery.objects.update(prompt="")
    carry(placement)
    assert names(sent) == [("first", "first")]


def test_places_of_older_releases_get_the_name_of_their_prompt(target):
    placement, named = nameless(target, "first"), put(target, name="desk")
    memory = factories.make_placement(location={"slot": "free"})
    older(placement)
    naming.name_places(apps, None)
    rows = Placement.objects.in_bulk()
    assert (rows[placement.pk].location, rows[placement.pk].place) == ({"name": "first"}, placement.place)
    assert (rows[named.pk].location, rows[memory.pk].location) == ({"name": "desk"}, {"slot": "free"})


def test_two_of_an_older_release_that_met_under_one_name_stay_for_a_person_to_part(target):
    placement, named = nameless(target, "first"), put(target, name="desk")
    older(placement)
    rename(placement, "desk")
    naming.name_places(apps, None)
    rows = Placement.objects.in_bulk()
    assert (rows[placement.pk].location, rows[named.pk].location) == ({}, {"name": "desk"})
