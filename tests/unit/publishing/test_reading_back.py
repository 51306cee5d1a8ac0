"""A reading that can tell nothing does not undo a sending that was taken."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from publishing import courier
from publishing.adapters import memory
from publishing.models import Delivery, Lane
from publishing.ports import AnswerTooLarge, Outcome, ProviderError
from tests.factories import make_delivery, make_placement

pytestmark = pytest.mark.django_db
TAKEN = "taken, but not verified, since what runs there could not be read: "


def carried(monkeypatch, system, error):
    memory.clear()

    def observe(self, remote, *, wire):
        raise error

    monkeypatch.setattr(memory.Memory, "observe", observe)
    delivery = make_delivery(placement=make_placement())
    courier.deliver(lane_id=delivery.lane_id, by=system)
    return Delivery.objects.get(pk=delivery.pk), Lane.objects.get(pk=delivery.lane_id)


def test_what_was_taken_and_is_too_large_to_be_read_back_is_delivered_and_told_as_not_verified(monkeypatch, system):
    error = AnswerTooLarge("memory", "the answer is larger than 1 bytes", outcome=Outcome.TRY_AGAIN)
    delivery, lane = carried(monkeypatch, system, error)
    assert (delivery.state, delivery.tries, lane.failures) == ("delivered", 1, 0)
    told = f"{TAKEN}the answer is larger than 1 bytes"
    assert (delivery.error_code, delivery.error_detail) == ("", told)
    assert delivery.attempts.get().detail == told


def test_a_reading_that_may_succeed_later_leaves_the_outcome_unknown(monkeypatch, system):
    delivery, lane = carried(monkeypatch, system, ProviderError("memory", "no answer", outcome=Outcome.TRY_AGAIN))
    assert (delivery.state, lane.failures) == ("unknown", 1)


def test_what_was_taken_where_the_reading_is_refused_is_delivered_and_told_as_not_verified(monkeypatch, system):
    error = ProviderError("memory", "answered 404", outcome=Outcome.REFUSED, provider_status=404)
    delivery, lane = carried(monkeypatch, system, error)
    assert (delivery.state, delivery.tries, lane.failures) == ("delivered", 1, 0)
    assert (delivery.error_code, delivery.error_detail) == ("", f"{TAKEN}answered 404")
    event = AuditEvent.objects.get(subject_id=str(delivery.pk))
    assert (event.action, event.metadata["code"]) == ("delivery.deliver", "")
