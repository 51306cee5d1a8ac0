"""The in-memory provider."""

from __future__ import annotations

import pytest

from publishing.adapters import get, memory
from publishing.ports import Outcome, ProviderError, Remote
from tests.fakes.parcels import parcel

ADAPTER = get("memory")


@pytest.fixture(autouse=True)
def _empty():
    memory.clear()
    yield
    memory.clear()


def at(slot="support", **settings):
    return Remote(settings, {}, {"slot": slot})


def test_send_keeps_the_text():
    receipt = ADAPTER.send(at(), parcel("one"), wire=None)
    observation = ADAPTER.observe(at(), wire=None)
    assert (observation.text, observation.remote_version) == ("one", receipt.remote_version) == ("one", "1")


def test_slots_are_apart():
    ADAPTER.send(at("a"), parcel("one"), wire=None)
    assert ADAPTER.observe(at("b"), wire=None).text == ""


def test_history_has_every_parcel_once():
    for text, delivery in (("one", "d1"), ("two", "d2"), ("two", "d2"), ("one", "d3")):
        ADAPTER.send(at(), parcel(text, delivery_id=delivery), wire=None)
    assert [taken.text for taken in memory.slots["support"].history] == ["one", "two", "one"]
    assert ADAPTER.observe(at(), wire=None).text == "one"


@pytest.mark.parametrize(("ending", "kept"), [("try_again", ""), ("refused", ""), ("unknown", "one")])
def test_a_scripted_ending_happens_once(ending, kept):
    remote = at(fail=[ending])
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(remote, parcel("one"), wire=None)
    assert failure.value.outcome is Outcome(ending)
    assert ADAPTER.observe(remote, wire=None).text == kept
    assert ADAPTER.send(remote, parcel("one"), wire=None).remote_version == "1"


def test_a_scripted_wait_is_told():
    with pytest.raises(ProviderError) as failure:
        ADAPTER.send(at(fail=[{"retry_after": 2}]), parcel("one"), wire=None)
    assert (failure.value.outcome, failure.value.retry_after) == (Outcome.TRY_AGAIN, 2.0)


def test_a_script_may_begin_well():
    remote = at(fail=["ok", "refused"])
    ADAPTER.send(remote, parcel("one"), wire=None)
    with pytest.raises(ProviderError):
        ADAPTER.send(remote, parcel("two"), wire=None)
    assert ADAPTER.observe(remote, wire=None).text == "one"


def test_the_place_needs_nothing_else():
    assert ADAPTER.probe(at(), wire=None) == []
    assert ADAPTER.readable(at()) is True
    assert ADAPTER.remote_key(at()) == "memory:support"
