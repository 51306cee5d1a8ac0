"""The wire: what uses up its time, and what it does when that is gone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from foundation import egress
from foundation.egress import EgressNotSent, EgressUnanswered
from publishing import wire
from publishing.lanes import LeaseLost
from publishing.wire import LeasedWire


@pytest.fixture
def clock(monkeypatch):
    """A monotonic clock that stands still unless it is told to go on."""
    hands = SimpleNamespace(at=0.0)
    monkeypatch.setattr(wire, "time", SimpleNamespace(monotonic=lambda: hands.at))
    return hands


@pytest.fixture
def calls(monkeypatch, clock):
    """The deadlines that calls were given; each takes four seconds, and breaks when it has less."""
    given = []

    def call(*, deadline, **_):
        given.append(deadline)
        clock.at += min(4.0, deadline)
        if deadline < 4.0:
            raise EgressUnanswered("too late")
        return "an answer"

    monkeypatch.setattr(egress, "request", call)
    return given


def test_a_slow_database_takes_no_time_from_the_call_to_the_provider(clock, calls):
    def renew():
        clock.at += 9.999

    waiting = LeasedWire(now=0.0, renew=renew, seconds=10.0)
    clock.at += 9.999
    assert waiting.request("POST", "http://provider") == "an answer"
    assert waiting.request("GET", "http://provider") == "an answer"
    assert calls == [10.0, 6.0]


def test_calls_share_their_time_and_none_is_made_when_it_is_used_up(calls):
    spent = LeasedWire(now=0.0, seconds=6.0)
    spent.request("GET", "http://provider")
    with pytest.raises(EgressUnanswered):
        spent.request("POST", "http://provider")
    with pytest.raises(EgressNotSent, match="used up"):
        spent.request("POST", "http://provider")
    assert (calls, spent.left(), spent.wrote) == ([6.0, 2.0], 0.0, True)


def test_nothing_is_sent_when_the_lane_was_taken_over(calls):
    def renew():
        raise LeaseLost

    late = LeasedWire(now=0.0, renew=renew, seconds=6.0)
    with pytest.raises(LeaseLost):
        late.request("POST", "http://provider")
    assert (calls, late.wrote) == ([], False)


def test_the_time_it_tells_goes_on_from_the_database_s(clock):
    started = LeasedWire(now=1000.0, seconds=6.0)
    clock.at += 2.5
    assert started.now() == 1002.5
