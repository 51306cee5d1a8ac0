"""The pages tell what is not sent: why it waits, why it ended, and why it is not sent again."""

from __future__ import annotations

import pytest
from django.urls import reverse

from publishing import closing, courier, targets
from publishing.models import Delivery
from tests import factories
from tests.factories.acting import AT, SYSTEM

OFF = "This target is switched off. Switch it on, then replay."


@pytest.fixture
def place(world):
    target = factories.make_target(client=world.client, settings={"fail": ["refused"]})
    return factories.make_placement(target=target)


@pytest.fixture
def waits(place):
    return factories.make_delivery(placement=place)


@pytest.fixture
def dead(waits):
    courier.deliver(lane_id=waits.lane_id, by=SYSTEM)
    return waits


def page(browser, delivery):
    return browser.get(reverse("portal:delivery", args=[delivery.pk])).content.decode()


def disable(delivery):
    targets.disable(target=delivery.placement.target, by=SYSTEM, at=AT)


def test_what_waits_for_a_target_that_is_off_says_so_and_can_be_given_up(operator, waits):
    disable(waits)
    html = page(operator, waits)
    assert "It waits: its target is switched off." in html
    assert ">Next try<" not in html
    assert reverse("portal:bury", args=[waits.pk]) in html


def test_a_replay_at_a_target_that_is_off_says_what_to_do(operator, dead):
    disable(dead)
    html = page(operator, dead)
    assert OFF in html
    assert reverse("portal:replay", args=[dead.pk]) not in html
    refused = operator.post(reverse("portal:replay", args=[dead.pk]))
    assert (refused.status_code, OFF in refused.content.decode()) == (409, True)
    assert not Delivery.objects.filter(replay_of=dead).exists()


@pytest.mark.parametrize("archive", [True, False])
def test_what_was_given_up_at_a_closed_place_needs_nobody(operator, dead, archive):
    if archive:
        closing.archive(instance=dead.placement.instance, by=SYSTEM, at=AT)
    else:
        targets.remove_placement(placement=dead.placement, by=SYSTEM, at=AT)
    html = page(operator, dead)
    assert "Nothing to do: nothing goes to this place any more." in html
    assert reverse("portal:replay", args=[dead.pk]) not in html


def test_archiving_on_the_page_ends_what_waits_with_the_reason_in_the_readers_language(signed_in, world, waits):
    prompt = waits.placement.instance
    done = signed_in("administrator").post(reverse("portal:archive", args=[world.client.slug, prompt.pk]))
    assert done.status_code == 302
    reader = signed_in()
    assert "The prompt was archived before this was sent." in page(reader, waits)
    german = reader.get(reverse("portal:delivery", args=[waits.pk]), headers={"accept-language": "de"})
    assert "Der Prompt wurde archiviert, ehe dies gesendet wurde." in german.content.decode()
