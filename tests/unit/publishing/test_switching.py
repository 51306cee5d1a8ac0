"""A target that is switched on again gets what it missed, once and no more than that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from instances import drafts
from publishing import publish, targets
from publishing.adapters import memory
from publishing.models import Delivery
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.unit.publishing.desk import Desk, carry, runs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty():
    memory.clear()


def test_a_rollback_that_a_target_missed_reaches_it_when_it_is_switched_on_again_though_nothing_waited():
    desk = Desk()
    desk.put()
    first = desk.publish("v1")[0].publication.version
    carry()
    desk.publish("v2")
    carry()
    desk.switch(on=False)
    prompt = drafts.get(key=desk.instance.pk, actor=SYSTEM)
    done = publish.publish(instance=prompt, version=first, by=SYSTEM, at=AT)
    assert (done.deliveries, carry(), runs()) == ([], 0, "v2")
    desk.switch(on=True)
    [sent] = Delivery.objects.filter(publication=done.publication)
    record = AuditEvent.objects.get(action="target.enable")
    assert (carry(), runs(), Delivery.objects.get(pk=sent.pk).state) == (1, "v1", "delivered")
    assert (record.subject_id, record.metadata) == (str(desk.target.pk), {"deliveries": [str(sent.pk)]})


@pytest.mark.parametrize("chosen", [None, []])
def test_a_target_that_is_switched_on_between_the_check_and_the_publication_gets_it(chosen):
    desk = Desk()
    place = desk.put()
    desk.switch(on=False)
    checked = publish.check(instance=desk.instance, target_ids=chosen, by=SYSTEM)
    desk.switch(on=True)
    done = publish.publish(instance=desk.instance, target_ids=chosen, checked=checked, by=SYSTEM, at=AT)
    assert [sent.placement_id for sent in done.deliveries] == [place.pk]
    assert AuditEvent.objects.get(action="instance.publish").metadata["targets"] == [str(desk.target.pk)]
    assert (carry(), runs()) == (1, "v1")


def test_a_target_that_has_the_newest_is_left_alone_when_it_is_switched_on_again():
    desk = Desk()
    desk.put()
    desk.publish("v1")
    carry()
    desk.switch(on=False)
    desk.switch(on=True)
    assert (carry(), Delivery.objects.count()) == (0, 1)
    assert AuditEvent.objects.get(action="target.enable").metadata == {"deliveries": []}


@pytest.mark.parametrize(("after", "missed"), [(timedelta(0), True), (timedelta(seconds=-1), False)])
def test_a_place_of_a_target_that_is_off_misses_what_is_published_after_it_was_made(after, missed):
    desk = Desk()
    desk.switch(on=False)
    desk.put()
    publish.publish(instance=desk.instance, by=SYSTEM, at=AT + after)
    desk.switch(on=True)
    assert (carry(), runs()) == ((1, "v1") if missed else (0, ""))


def test_what_is_closed_for_good_misses_nothing_when_its_target_is_switched_on_again():
    removed, archived = Desk(), Desk()
    place = removed.put()
    removed.switch(on=False)
    removed.publish("v1")
    targets.remove_placement(placement=place, by=SYSTEM, at=AT)
    archived.put()
    archived.switch(on=False)
    archived.publish("v1")
    archived.archive()
    for desk in (removed, archived):
        desk.switch(on=True)
    assert not Delivery.objects.exists()


def test_switching_on_asks_no_more_questions_for_more_places_that_have_the_newest():
    def questions(places):
        target = factories.make_target()
        for _ in range(places):
            publish.publish(instance=factories.make_placement(target=target).instance, by=SYSTEM, at=AT)
        targets.disable(target=target, by=SYSTEM, at=AT)
        Delivery.objects.update(state="delivered", ended_at=AT)
        with CaptureQueriesContext(connection) as asked:
            targets.enable(target=target, by=SYSTEM, at=AT)
        return len(asked)

    assert questions(1) == questions(6)
