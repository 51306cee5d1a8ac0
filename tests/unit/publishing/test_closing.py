"""Nothing is sent to a place that was closed, whoever closes it and whenever; what runs there stays the newest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.clock import database_now
from prompthub_kernel.errors import PromptHubError
from publishing import courier, deliveries, lanes, targets
from publishing.adapters import memory
from publishing.models import Delivery, DeliveryAttempt, Placement
from tests.factories.acting import AT, SYSTEM
from tests.unit.publishing.desk import Desk, carry, runs

pytestmark = pytest.mark.django_db
TAKEN_AWAY = "The prompt was taken away from this place before this was sent."
ARCHIVED = "The prompt was archived before this was sent."
CLIENT_ARCHIVED = "The client was archived before this was sent."


@pytest.fixture(autouse=True)
def _empty():
    memory.clear()
    yield
    memory.clear()


def told(delivery):
    delivery.refresh_from_db()
    return delivery.state, delivery.error_code, delivery.error_detail


def remove(placement):
    targets.remove_placement(placement=placement, by=SYSTEM, at=AT)


def begin(delivery):
    lease = lanes.claim(lane_id=delivery.lane_id)
    return lease, deliveries.next_due(lease=lease, by=SYSTEM, at=AT)


def refusal(delivery):
    with pytest.raises(PromptHubError) as caught:
        deliveries.replay(delivery=delivery, by=SYSTEM, at=AT)
    return caught.value.code, caught.value.detail


def test_what_waits_for_a_removed_place_ends_and_never_overwrites_the_prompt_placed_there_again():
    desk = Desk("try_again")
    first = desk.put()
    [old] = desk.publish("v1")
    carry()
    remove(first)
    assert told(old) == ("superseded", "", TAKEN_AWAY)
    desk.put()
    [new] = desk.publish("v2")
    carry()
    assert (runs(), told(new)[0], old.tries) == ("v2", "delivered", 1)


def test_what_waited_for_one_client_is_not_written_over_the_text_of_the_next():
    acme, borealis = Desk("try_again"), Desk()
    place = acme.put()
    acme.publish("acme")
    carry()
    Delivery.objects.update(due_at=database_now() + timedelta(hours=1))
    remove(place)
    borealis.put()
    [new] = borealis.publish("borealis")
    courier.deliver(lane_id=new.lane_id, by=SYSTEM)
    assert runs() == "borealis"
    carry()
    assert runs() == "borealis"


@pytest.mark.parametrize("archive", [False, True])
def test_what_was_left_waiting_at_a_closed_place_ends_unsent(archive):
    desk = Desk()
    place = desk.put()
    [row] = desk.publish("v1")
    if archive:
        desk.archive()
    else:
        Placement.objects.filter(pk=place.pk).update(removed_at=AT)
    assert begin(row)[1] is None
    assert told(row) == ("superseded", "", ARCHIVED if archive else TAKEN_AWAY)


def test_what_is_paused_ends_too_when_its_prompt_is_archived():
    desk = Desk({"retry_after": 86_400})
    desk.put()
    [row] = desk.publish("v1")
    courier.deliver(lane_id=row.lane_id, by=SYSTEM)
    desk.archive()
    deliveries.sweep()
    assert told(row) == ("superseded", "", ARCHIVED)


def test_what_waits_of_a_client_ends_unsent_when_the_client_is_archived():
    desk = Desk()
    desk.put()
    [row] = desk.publish("v1")
    desk.archive_client()
    assert (carry(), runs(), told(row)) == (0, "", ("superseded", "", CLIENT_ARCHIVED))


def test_a_target_that_is_switched_off_is_sent_nothing_and_no_worker_is_rung_for_it():
    desk = Desk()
    desk.put()
    [row] = desk.publish("v1")
    desk.switch(on=False)
    assert (carry(), deliveries.sweep(), runs(), told(row)[0]) == (0, 0, "", "pending")
    desk.switch(on=True)
    assert (carry(), runs(), told(row)[0]) == (1, "v1", "delivered")


def test_a_target_that_is_switched_on_again_gets_the_newest_of_what_it_missed():
    desk = Desk("try_again")
    desk.put()
    [old] = desk.publish("v1")
    carry()
    desk.switch(on=False)
    assert desk.publish("v2") == []
    desk.switch(on=True)
    carry()
    assert (runs(), told(old)[0], Delivery.objects.filter(state="delivered").count()) == ("v2", "superseded", 1)


def test_what_waits_for_a_target_that_is_off_can_be_given_up():
    desk = Desk()
    desk.put()
    [row] = desk.publish("v1")
    desk.switch(on=False)
    assert deliveries.bury(delivery=row, by=SYSTEM, at=AT).state == "buried"


@pytest.mark.parametrize(
    ("close", "code", "advice"),
    [
        (lambda desk, place: remove(place), "409.state_conflict", "Place it there again"),
        (lambda desk, place: desk.archive(), "409.archived", "another prompt instead"),
        (lambda desk, place: desk.archive_client(), "409.archived", "nothing of it is sent"),
        (lambda desk, place: desk.switch(on=False), "409.state_conflict", "Switch it on, then replay"),
    ],
)
def test_nothing_is_replayed_where_nothing_is_sent(close, code, advice):
    desk = Desk("refused")
    place = desk.put()
    [row] = desk.publish("v1")
    carry()
    assert told(row)[0] == "buried"
    close(desk, place)
    found = refusal(row)
    assert (found[0], advice in found[1]) == (code, True)
    assert (carry(), runs(), Delivery.objects.count()) == (0, "", 1)


@pytest.mark.parametrize(
    ("close", "then"),
    [
        (lambda desk, place: remove(place), "superseded"),
        (lambda desk, place: desk.archive(), "superseded"),
        (lambda desk, place: desk.switch(on=False), "retrying"),
    ],
)
def test_what_is_closed_between_the_choice_and_the_sending_is_not_sent(monkeypatch, close, then):
    desk = Desk()
    place = desk.put()
    [row] = desk.publish("v1")
    renew = lanes.renew

    def renew_and_close(*, lease):
        renew(lease=lease)
        close(desk, place)

    monkeypatch.setattr(lanes, "renew", renew_and_close)
    courier.deliver(lane_id=row.lane_id, by=SYSTEM)
    assert (runs(), told(row)[0], row.tries, DeliveryAttempt.objects.count()) == ("", then, 0, 0)


def test_what_is_closed_between_the_look_and_the_lock_is_not_taken(monkeypatch):
    desk = Desk()
    place = desk.put()
    [row] = desk.publish("v1")
    chosen = deliveries._choose

    def choose_and_close(*given):
        found = chosen(*given)
        Placement.objects.filter(pk=place.pk).update(removed_at=AT)
        return found

    monkeypatch.setattr(deliveries, "_choose", choose_and_close)
    assert begin(row)[1] is None
    assert told(row) == ("superseded", "", TAKEN_AWAY)


def test_nothing_is_put_back_under_a_lost_lease():
    desk = Desk()
    desk.put()
    [row] = desk.publish("v1")
    lease, begun = begin(row)
    lanes.clear_leases()
    assert not deliveries.put_back(delivery=begun, lease=lease)
    assert told(row)[0] == "sending"


@pytest.mark.parametrize(("outcome", "then"), [("delivered", "delivered"), ("try_again", "superseded")])
def test_what_is_being_sent_when_its_place_is_removed_ends_as_it_ends_and_is_not_tried_again(outcome, then):
    desk = Desk()
    place = desk.put()
    [row] = desk.publish("v1")
    lease, begun = begin(row)
    remove(place)
    assert told(row)[0] == "sending"
    result = deliveries.Result(outcome=outcome, duration_ms=1)
    assert deliveries.settle(delivery=begun, lease=lease, result=result, by=SYSTEM, at=AT)
    lanes.release(lease=lease)
    carry()
    assert (told(row)[0], runs()) == (then, "")


def test_what_a_worker_sends_too_late_to_a_place_that_changed_hands_is_overwritten_by_who_has_it_now(monkeypatch):
    acme, borealis = Desk(), Desk()
    place = acme.put()
    [late] = acme.publish("acme")
    send = memory.Memory.send

    def change_hands_and_send(self, remote, parcel, *, wire):
        if parcel.text == "acme":
            lanes.clear_leases()
            Delivery.objects.filter(pk=late.pk).update(state="superseded", ended_at=AT)
            remove(place)
            borealis.put()
            borealis.publish("borealis")
            carry()
        return send(self, remote, parcel, wire=wire)

    monkeypatch.setattr(memory.Memory, "send", change_hands_and_send)
    courier.deliver(lane_id=late.lane_id, by=SYSTEM)
    assert runs() == "acme"
    assert (carry(), runs()) == (1, "borealis")


def test_a_dead_letter_at_a_closed_place_needs_nobody():
    desk = Desk("refused")
    place = desk.put()
    desk.publish("v1")
    carry()
    assert deliveries.metrics.queue().dead_letters == 1
    remove(place)
    assert deliveries.metrics.queue().dead_letters == 0


def test_a_dead_letter_of_an_archived_client_needs_nobody():
    desk = Desk("refused")
    desk.put()
    desk.publish("v1")
    carry()
    desk.archive_client()
    assert deliveries.metrics.queue().dead_letters == 0


def test_who_follows_the_advice_for_an_archived_prompt_gets_another_one_there():
    desk, another = Desk("refused"), Desk()
    place = desk.put()
    [row] = desk.publish("v1")
    carry()
    desk.archive()
    assert "Take it away from this place, then place and publish another prompt" in refusal(row)[1]
    remove(place)
    another.put()
    another.publish("v2")
    assert (carry(), runs()) == (1, "v2")


def test_a_pause_of_a_target_that_is_off_does_not_name_a_time():
    desk = Desk()
    desk.put()
    [row] = desk.publish("v1")
    Delivery.objects.update(due_at=database_now() + timedelta(hours=1))
    found = deliveries.waiting.next_try(
        state=row.state, tries=0, due_at=row.due_at, not_before=None, open_until=None, enabled=False
    )
    assert (found.at, str(found.why)) == (None, "target_disabled")
