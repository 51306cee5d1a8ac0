"""Whose turn it is in a pass of the check for drift: providers that say nothing do not starve the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publishing import asking, courier, drift
from publishing.adapters import memory
from publishing.models import Drift, Placement
from publishing.ports import Outcome, ProviderError
from tests import factories
from tests.factories.acting import AT, SYSTEM, unique
from tests.fakes.silent import Silent
from tests.unit.publishing.test_waiting import SIGNING

pytestmark = pytest.mark.django_db
GONE = ProviderError("memory", "answered 404: no such prompt", outcome=Outcome.REFUSED, provider_status=404)
DRIFT_SECONDS = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _world(monkeypatch):
    memory.clear()
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: newest.state == "delivered")
    monkeypatch.setattr(asking, "QUESTION_SECONDS", 1.0)


def kept(*slots):
    """Places of the provider that answers, each with what was delivered there."""
    placements = [factories.make_placement(location={"slot": slot}) for slot in slots]
    for placement in placements:
        factories.make_delivery(placement=placement)
        courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    return placements


def silent(provider, settings, places):
    """Places at an address that takes messages and says nothing when it is read."""
    settings.PROMPTHUB_EGRESS_ALLOW |= {provider.address}
    address = f"http://{provider.address}"
    target = factories.make_target(
        adapter="webhook", settings={"url": address, "read_url": f"{address}/{{name}}"}, credentials=SIGNING
    )
    for _ in range(places):
        placement = factories.make_placement(target=target, location={"name": unique("name")})
        factories.make_attempt(delivery=factories.make_delivery(placement=placement))
    return target.placements


@pytest.fixture
def asked(monkeypatch):
    """The slots that were read, in order; ``broken`` ones cannot be."""
    slots, observe = [], memory.Memory.observe

    def read(self, remote, *, wire):
        slots.append(remote.location["slot"])
        if remote.location["slot"] in broken:
            raise GONE
        return observe(self, remote, wire=wire)

    broken = set()
    monkeypatch.setattr(memory.Memory, "observe", read)
    return slots, broken


def check(at=AT, **given):
    return drift.check_all(by=SYSTEM, at=at, **given)


def unreadable(placements):
    return placements.filter(unreadable_since__isnull=False).count()


def test_an_edit_elsewhere_is_found_in_the_pass_in_which_twelve_places_say_nothing(settings):
    with Silent() as provider:
        places = silent(provider, settings, 12)
        kept("healthy")
        memory.slots["healthy"].text = "Somebody wrote this there."
        assert check() == 1
        assert provider.called() == 1
    assert Drift.objects.get().placement.location == {"slot": "healthy"}
    assert unreadable(places) == 1, "of those that were not asked nothing is known"


def test_every_pass_asks_about_another_place_of_an_address_that_says_nothing(settings):
    with Silent() as provider:
        places = silent(provider, settings, 3)
        for number in (1, 2, 3):
            check(AT)
            assert (provider.called(), unreadable(places)) == (number, number)


def test_of_several_addresses_that_say_nothing_the_first_has_all_the_time_and_the_others_less(settings):
    with Silent() as one, Silent() as two:
        places = [silent(provider, settings, 1) for provider in (one, two)]
        check()
        assert (one.called(), two.called()) == (1, 1)
        assert [unreadable(rows) for rows in places] == [1, 0], "a short wait tells nothing"
        check()
        assert (one.called(), two.called()) == (2, 2)
        assert [unreadable(rows) for rows in places] == [1, 1]


def test_what_cannot_be_read_is_asked_after_twice_the_time_each_and_in_the_end_every_hour(asked):
    slots, broken = asked
    kept("lost", "well")
    broken.add("lost")
    reads = []
    for number in range(41):
        slots.clear()
        check(AT + number * DRIFT_SECONDS)
        reads += [number] * slots.count("lost")
        assert slots.count("well") == 1
    assert reads == [0, 1, 2, 4, 8, 16, 28, 40]
    broken.clear()
    check(AT + 52 * DRIFT_SECONDS)
    check(AT + 53 * DRIFT_SECONDS)
    assert slots[-4:].count("lost") == 2


def test_what_cannot_be_read_comes_after_what_can(asked):
    slots, broken = asked
    kept("lost", "well")
    broken.add("lost")
    slots.clear()
    check()
    check()
    assert slots == ["lost", "well", "well", "lost"]


def test_a_pass_goes_on_where_the_last_one_ended(asked):
    slots, _ = asked
    kept("a", "b")
    slots.clear()
    for _ in range(2):
        check(limit=1)
    assert slots == ["a", "b"]
    kept("new")
    slots.clear()
    for minute in (1, 2, 3):
        check(AT + timedelta(minutes=minute), limit=1)
    assert slots == ["new", "a", "b"]


def test_two_passes_at_once_ask_nobody_twice(asked, monkeypatch):
    slots, _ = asked
    kept("a", "b")
    slots.clear()
    observe = memory.Memory.observe

    def read(self, remote, *, wire):
        Placement.objects.filter(location={"slot": "b"}).update(checked_at=AT)
        return observe(self, remote, wire=wire)

    monkeypatch.setattr(memory.Memory, "observe", read)
    check()
    assert slots == ["a"]
