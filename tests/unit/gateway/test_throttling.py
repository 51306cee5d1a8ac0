"""`require` counts an actor's calls: together in Redis, else each process for itself."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from foundation.actors import Actor, ActorKind, Door
from gateway import throttling
from prompthub_kernel.errors import Refused
from tests.services import redis

ADA = Actor(kind=ActorKind.TOKEN, id="ada", label="Ada", door=Door.API)
BEN = Actor(kind=ActorKind.TOKEN, id="ben", label="Ben", door=Door.API)


@pytest.fixture(autouse=True)
def _two_a_minute(settings, monkeypatch):
    settings.API_RATE = "2/min"
    settings.REDIS_URL = ""
    monkeypatch.setattr(throttling, "_alone_until", 0.0)
    throttling.forget()
    yield
    settings.REDIS_URL = ""
    throttling.forget()


@pytest.fixture
def shared(settings):
    """A Redis of this test's own."""
    with redis() as server:
        settings.REDIS_URL = server.url
        yield server


def another_process():
    """What this one remembers is not what another one does."""
    throttling._earliest.clear()
    throttling._taken.clear()


def test_the_allowance_is_each_actors_own():
    throttling.require(ADA)
    throttling.require(ADA)
    with pytest.raises(Refused) as refused:
        throttling.require(ADA)
    assert (refused.value.code, refused.value.context) == ("429.rate_limited", {"retry_after": 30})
    throttling.require(BEN)


def test_processes_that_share_a_redis_share_the_allowance(shared):
    for actor in (ADA, ADA, BEN):
        throttling.require(actor)
        another_process()
    with pytest.raises(Refused) as refused:
        throttling.require(ADA)
    assert refused.value.context == {"retry_after": 30}
    throttling.require(BEN)
    throttling.forget()
    throttling.require(ADA)


def test_a_refused_call_does_not_count(shared):
    for _ in range(2):
        throttling.require(ADA)
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            throttling.require(ADA)
        assert refused.value.context == {"retry_after": 30}


def test_what_was_counted_goes_away_by_itself(shared, settings):
    settings.API_RATE = "20/s"
    throttling.require(ADA)
    client = throttling._redis(shared.url)
    [key] = client.scan_iter(f"{throttling.KEYS}*")
    assert 0 < client.pttl(key) <= 1000


def test_without_an_answer_of_redis_each_counts_for_itself_and_says_so_once(shared):
    shared.stop()
    with capture_logs() as said:
        began = time.monotonic()
        throttling.require(ADA)
        throttling.require(ADA)
        with pytest.raises(Refused):
            throttling.require(ADA)
    assert time.monotonic() - began < 2  # seconds; a caller does not wait for a dead Redis
    assert [line["event"] for line in said] == ["throttling.alone"]


def test_a_redis_that_is_back_is_asked_again(shared, monkeypatch):
    monkeypatch.setattr(throttling, "_alone_until", time.monotonic() + 60)
    throttling.require(ADA)
    assert not list(throttling._redis(shared.url).scan_iter(f"{throttling.KEYS}*"))
    monkeypatch.setattr(throttling, "_alone_until", 0.0)
    throttling.require(ADA)
    assert list(throttling._redis(shared.url).scan_iter(f"{throttling.KEYS}*"))


def test_a_large_allowance_is_taken_in_parts_and_none_of_it_is_given_twice(shared, settings, monkeypatch):
    settings.API_RATE = "300/h"
    asked = []
    counted = throttling._asked
    monkeypatch.setattr(throttling, "_asked", lambda *call: asked.append(call[1]) or counted(*call))
    for _ in range(300):
        throttling.require(ADA)
    assert asked == [3] * 100
    with pytest.raises(Refused):
        throttling.require(ADA)


def test_the_last_calls_of_an_allowance_are_counted_one_by_one(shared, settings):
    settings.API_RATE = "250/h"
    for _ in range(124):
        throttling.require(ADA)
        throttling.require(ADA)
    another_process()
    throttling.require(ADA)
    throttling.require(ADA)
    with pytest.raises(Refused):
        throttling.require(ADA)


def test_what_was_taken_is_not_saved_up(shared, settings, monkeypatch):
    settings.API_RATE = "300/h"
    throttling.require(ADA)
    [(left, until)] = throttling._taken.values()
    assert left == 2
    monkeypatch.setattr(time, "monotonic", lambda: until)
    asked = []
    monkeypatch.setattr(throttling, "_asked", lambda *call: asked.append(call[1]) or 0.0)
    throttling.require(ADA)
    assert asked == [3]
