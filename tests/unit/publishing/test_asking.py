"""Asking providers that say nothing: they cost a request little, and other requests nothing."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from foundation.egress import EgressNotSent, EgressTooLarge
from gateway.v1.publishing import WAITERS
from prompthub.asgi import THREADS
from prompthub_kernel.errors import Invalid
from publishing import asking, publish, targets
from publishing.asking import ASKERS, Asking, NoTurn
from tests import factories
from tests.factories.acting import AT, SYSTEM, unique
from tests.fakes.silent import Silent
from tests.fakes.standin import Reply, StandIn

pytestmark = pytest.mark.django_db
KEY = {"api_key": "key-of-the-provider"}


class Nowhere(StandIn):
    """An n8n without a workflow."""

    def reply(self, request):
        return Reply.of(404, {"message": "not found"})


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(asking, "QUESTION_SECONDS", 1.0)
    monkeypatch.setattr(asking, "TURN_SECONDS", 0.05)


@pytest.fixture
def provider(settings):
    """``provider(kind)``: one that runs, and that may be called."""
    running = []

    def start(kind=Silent):
        running.append(kind().__enter__())
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset(one.address for one in running)
        return running[-1]

    yield start
    for one in running:
        one.__exit__(None, None, None)


def n8n(client, provider):
    settings = {"base_url": f"http://{provider.address}"}
    return factories.make_target(client=client, adapter="n8n", settings=settings, credentials=KEY)


def put(instance, target):
    location = {"workflow_id": unique("w"), "node_id": "a", "parameter_path": "p"}
    return factories.make_placement(instance=instance, target=target, location=location)


@pytest.fixture
def instance():
    return factories.make_instance()


@pytest.fixture
def silent(provider, instance):
    """One that says nothing, with four places of one prompt."""
    running = provider()
    target = n8n(instance.client, running)
    for _ in range(4):
        put(instance, target)
    return SimpleNamespace(provider=running, target=target)


def test_an_address_that_does_not_answer_is_asked_once_and_objects_to_nothing(silent, instance):
    checked = publish.check(instance=instance, by=SYSTEM)
    assert silent.provider.called() == 1
    assert (checked.problems, [one.code for one in checked.unanswered]) == ((), ["try_again"] * 4)
    assert [one.detail.partition(":")[0] for one in checked.unanswered] == ["no answer", *["Not asked"] * 3]
    done = publish.publish(instance=instance, by=SYSTEM, at=AT, checked=checked)
    assert (done.changed, len(done.deliveries)) == (True, 4)


def test_testing_a_target_asks_an_address_that_does_not_answer_once(silent):
    told = targets.test(target=silent.target, actor=SYSTEM)
    assert silent.provider.called() == 1
    assert [[one.code for one in problems] for _, problems in told] == [["try_again"]] * 4


def test_another_address_is_asked_all_the_same(silent, provider, instance):
    put(instance, n8n(instance.client, provider(Nowhere)))
    with pytest.raises(Invalid, match="contract") as refused:
        publish.publish(instance=instance, by=SYSTEM, at=AT)
    assert [one.code for one in refused.value.problems] == ["not_found"]


def test_all_questions_of_a_request_share_its_time(silent, provider, instance, monkeypatch):
    monkeypatch.setattr(asking, "REQUEST_SECONDS", 1.0)
    other = provider()
    put(instance, n8n(instance.client, other))
    checked = publish.check(instance=instance, by=SYSTEM)
    assert (silent.provider.called(), other.called()) == (1, 0)
    assert "other addresses did not answer" in checked.unanswered[-1].detail


def test_all_time_of_a_question_counts_whatever_it_went_into(instance, monkeypatch):
    place = factories.make_placement(instance=instance)
    questions, wire = Asking(seconds=1.0), SimpleNamespace(left=lambda: 1.0)
    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=iter([0.0, 1.0]).__next__))
    with questions.question(placement=place):
        pass
    refused = pytest.raises(NoTurn, match="other addresses did not answer")
    with refused, questions.turn(wire=wire, address="http://another"):
        pass


def test_while_too_many_wait_a_publish_goes_on_as_if_nobody_had_answered(silent, instance, monkeypatch):
    monkeypatch.setattr(asking, "ASKERS", threading.BoundedSemaphore(1))
    with asking.ASKERS:
        checked = publish.check(instance=instance, by=SYSTEM)
        assert publish.publish(instance=instance, by=SYSTEM, at=AT).changed
    assert silent.provider.called() == 0
    assert {(one.code, one.detail) for one in checked.unanswered[:1]} == {
        ("try_again", "Not asked: too many wait for answers just now.")
    }


def test_who_has_asked_makes_room_for_others(silent, instance, monkeypatch):
    monkeypatch.setattr(asking, "ASKERS", threading.BoundedSemaphore(1))
    for times in (1, 2):
        publish.check(instance=instance, by=SYSTEM)
        assert silent.provider.called() == times


def test_those_who_wait_leave_threads_to_everybody_else():
    assert WAITERS._initial_value + ASKERS._initial_value <= THREADS - 4


@pytest.mark.parametrize(("failure", "again"), [(EgressTooLarge, True), (EgressNotSent, False)])
def test_an_answer_that_is_too_large_is_an_answer(failure, again):
    questions, wire = Asking(), SimpleNamespace(left=lambda: -1.0)
    with pytest.raises(failure), questions.turn(wire=wire, address="http://provider"):
        raise failure
    with nullcontext() if again else pytest.raises(EgressNotSent), questions.turn(wire=wire, address="http://provider"):
        assert again


def test_a_failure_that_took_no_time_speaks_for_one_place_alone(instance, settings):
    with Silent() as gone:
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset({gone.address})
        target = n8n(instance.client, gone)
    for _ in range(2):
        put(instance, target)
    checked = publish.check(instance=instance, by=SYSTEM)
    assert [one.detail.partition(":")[0] for one in checked.unanswered] == ["no connection"] * 2
