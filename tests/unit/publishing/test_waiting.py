"""A delivery waits on the lane of what it will write, for as long as the provider asks or until a person ends that."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps

from audit.models import AuditEvent
from foundation.clock import database_now
from prompthub_kernel.errors import Conflict, PromptHubError
from publishing import bell, deliveries, lanes, targets, waiting
from publishing.models import Delivery, Lane
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db
SIGNING = {"signing_secret": "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
OLD, NEW = "https://old.example.com/in", "https://new.example.com/in"
DAY = 86_400.0


def webhook(url=OLD, client=None):
    return factories.make_target(client=client, adapter="webhook", settings={"url": url}, credentials=SIGNING)


def put(target, name="greeting", instance=None):
    instance = instance or factories.make_instance(client=target.client)
    return factories.make_placement(target=target, instance=instance, location={"name": name})


@pytest.fixture
def delivery():
    return factories.make_delivery(placement=put(webhook()))


def move(delivery, url=NEW):
    targets.change(target=delivery.placement.target, settings={"url": url}, credentials=SIGNING, by=SYSTEM, at=AT)


def begin(lane_id):
    lease = lanes.claim(lane_id=lane_id)
    assert lease is not None
    return lease, deliveries.next_due(lease=lease, by=SYSTEM, at=AT)


def postponed(seconds=DAY):
    return deliveries.Result(outcome="try_again", duration_ms=1, retry_after=seconds)


def test_what_waits_goes_with_its_target_and_leaves_the_pause_behind(delivery):
    old = delivery.lane
    lanes.wait_until(lane_id=old.pk, seconds=DAY)
    Delivery.objects.update(due_at=database_now() + timedelta(days=1))
    move(delivery)
    delivery.refresh_from_db()
    assert delivery.lane.remote_key.startswith("webhook:new.example.com/in")
    assert delivery.lane_id == delivery.placement.__class__.objects.get().lane_id
    lanes.lift(lane_ids=[old.pk])
    assert begin(old.pk)[1] is None
    lease, begun = begin(delivery.lane_id)
    assert (begun.pk, begun.placement.target.settings, begun.epoch) == (delivery.pk, {"url": NEW}, lease.epoch)


def test_what_is_being_sent_ends_at_the_old_address_and_is_tried_again_at_the_new_one(delivery):
    old = delivery.lane_id
    lease, begun = begin(old)
    move(delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.lane_id, begun.placement.target.settings) == ("sending", old, {"url": OLD})
    assert deliveries.settle(delivery=begun, lease=lease, result=postponed(), by=SYSTEM, at=AT)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.lane.not_before) == ("retrying", None)
    assert delivery.lane_id != old
    assert Lane.objects.get(pk=old).not_before is not None, "the old address asked for the pause"
    assert begin(delivery.lane_id)[1].pk == delivery.pk


def test_what_a_dead_worker_left_at_the_old_address_is_repeated_at_the_new_one(delivery):
    old = delivery.lane_id
    begin(old)
    move(delivery)
    Lane.objects.update(leased_until=None)
    assert begin(old)[1] is None
    delivery.refresh_from_db()
    assert (delivery.state, delivery.lane_id != old) == ("unknown", True)
    assert begin(delivery.lane_id)[1].pk == delivery.pk


def test_a_move_between_the_choice_and_the_sending_is_seen(delivery, monkeypatch):
    chosen = deliveries._choose

    def choose_and_move(*given):
        found = chosen(*given)
        if found is not None:
            move(delivery)
        return found

    monkeypatch.setattr(deliveries, "_choose", choose_and_move)
    assert begin(delivery.lane_id)[1] is None
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)
    assert delivery.lane.remote_key.startswith("webhook:new.")


def test_what_was_laid_down_on_the_old_lane_during_the_move_is_not_sent_there(
    delivery, monkeypatch, django_capture_on_commit_callbacks
):
    old, rung = delivery.lane_id, []
    monkeypatch.setattr(bell, "ring", rung.append)
    move(delivery)
    Delivery.objects.update(lane_id=old)
    with django_capture_on_commit_callbacks(execute=True):
        assert begin(old)[1] is None
    delivery.refresh_from_db()
    assert (delivery.state, rung) == ("pending", [delivery.lane_id])
    assert delivery.lane_id != old


def test_a_publication_is_laid_down_on_the_lane_its_place_has_by_now(delivery):
    stale = delivery.placement
    move(delivery)
    [row] = deliveries.enqueue(publication=delivery.publication, placements=[stale], by=SYSTEM, at=AT)
    assert row.lane.remote_key.startswith("webhook:new.")


def test_a_person_ends_a_pause(delivery, monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    monkeypatch.setattr(bell, "ring", rung.append)
    lease, begun = begin(delivery.lane_id)
    deliveries.settle(delivery=begun, lease=lease, result=postponed(), by=SYSTEM, at=AT)
    Lane.objects.update(open_until=database_now() + timedelta(hours=1))
    lanes.release(lease=lease)
    assert lanes.claim(lane_id=delivery.lane_id) is None
    with django_capture_on_commit_callbacks(execute=True):
        targets.resume(target=delivery.placement.target, by=SYSTEM, at=AT)
    assert rung == [delivery.lane_id]
    assert begin(delivery.lane_id)[1].pk == delivery.pk
    assert AuditEvent.objects.get(action="target.resume").metadata == {"deliveries": 1}


def test_what_has_not_begun_is_given_up_only_while_a_pause_holds_it_up(delivery):
    with pytest.raises(Conflict, match="pending"):
        deliveries.bury(delivery=delivery, by=SYSTEM, at=AT)
    lanes.wait_until(lane_id=delivery.lane_id, seconds=DAY)
    assert deliveries.bury(delivery=delivery, by=SYSTEM, at=AT).state == "buried"


def test_a_pause_that_a_receiver_asks_of_one_client_or_query_is_not_anothers():
    first = put(webhook(OLD + "?tenant=a"))
    same = put(webhook(OLD + "?tenant=a", client=first.target.client), name="other")
    others = [put(webhook(OLD + "?tenant=a")), put(webhook(OLD + "?tenant=b", client=first.target.client))]
    assert same.lane_id == first.lane_id
    assert len({place.lane_id for place in (first, *others)}) == 3
    assert {place.lane.provider for place in others} == {"webhook:old.example.com"}
    assert "tenant" not in first.lane.remote_key


def test_two_spellings_of_one_address_are_one_place():
    first = put(webhook())
    again = webhook(OLD.replace("/in", "/x/.././%69n"), client=first.target.client)
    with pytest.raises(Conflict, match=r"409\.in_use"):
        targets.place(instance=first.instance, target=again, location=first.location, by=SYSTEM, at=AT)


@pytest.mark.parametrize(
    ("migration", "spelling"),
    [
        ("0005_webhook_lanes", "webhook:old.example.com/in"),
        ("0006_one_spelling", "webhook:old.example.com/./in"),
    ],
)
def test_places_of_webhooks_get_their_new_lanes_and_keep_their_pauses(delivery, migration, spelling):
    named = delivery.lane.remote_key
    until = database_now() + timedelta(hours=1)
    Lane.objects.update(remote_key=spelling, not_before=until)
    importlib.import_module(f"publishing.migrations.{migration}").name_anew(apps, None)
    delivery.refresh_from_db()
    assert (delivery.lane.remote_key, delivery.lane.not_before) == (named, until)
    assert delivery.lane.provider == "webhook:old.example.com"
    assert delivery.placement.__class__.objects.get().lane_id == delivery.lane_id


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER, LATEST = NOON + timedelta(hours=1), NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("state", "tries", "not_before", "open_until", "then"),
    [
        ("pending", 0, None, None, (NOON, "turn")),
        ("retrying", 1, None, None, (NOON, "backoff")),
        ("retrying", 1, NOON, None, (NOON, "retry_after")),
        ("pending", 0, LATER, None, (LATER, "retry_after")),
        ("unknown", 1, NOON - timedelta(1), LATER, (LATER, "breaker")),
        ("pending", 0, LATER, LATEST, (LATEST, "breaker")),
        ("sending", 1, LATER, None, None),
        ("delivered", 1, LATER, None, None),
    ],
)
def test_it_is_told_when_the_next_try_is_and_why_not_before(state, tries, not_before, open_until, then):
    found = waiting.next_try(state=state, tries=tries, due_at=NOON, not_before=not_before, open_until=open_until)
    assert (found and (found.at, str(found.why))) == then


KEY = {"api_key": "n8n-key-for-tests"}


def workflow(client=None):
    settings = {"base_url": "https://n8n.example.com"}
    return factories.make_target(client=client, adapter="n8n", settings=settings, credentials=KEY)


def at(path, node="a1", workflow_id="wf1", **more):
    return {"workflow_id": workflow_id, "node_id": node, "parameter_path": path, **more}


def place(target, location, instance=None):
    instance = instance or factories.make_instance(client=target.client)
    return targets.place(instance=instance, target=target, location=location, by=SYSTEM, at=AT)


def refusal(call, *given):
    with pytest.raises(PromptHubError) as caught:
        call(*given)
    error = caught.value
    return error.code, [problem.pointer for problem in error.problems], error.detail


TAKEN = ("409.in_use", ["/location"])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("options.texts[1]", "Another prompt goes to that place already."),
        ("options", "Another prompt goes inside or around that place already."),
        ("options.texts[1].value", "Another prompt goes inside or around that place already."),
    ],
)
@pytest.mark.parametrize("whose", ["same target", "same client", "another client"])
def test_one_place_of_a_remote_object_takes_one_prompt_whoever_asks(path, words, whose):
    taken = place(workflow(), at("options.texts[1]", replace_expression=True))
    target = taken.target if whose == "same target" else workflow(taken.target.client if "same" in whose else None)
    assert refusal(place, target, at(path)) == (*TAKEN, words)
    for free in (at("options.texts[0]"), at("options.text"), at(path, node="b2"), at(path, workflow_id="wf2")):
        place(target, free)


def test_the_same_prompt_in_the_same_place_is_told_as_that():
    taken = place(workflow(), at("options.text"))
    again = refusal(place, workflow(taken.target.client), at("options.text"), taken.instance)
    assert again == (*TAKEN, "This prompt goes to that place already.")
    targets.remove_placement(placement=taken, by=SYSTEM, at=AT)
    assert place(taken.target, at("options.text")).pk != taken.pk


def test_a_receiver_takes_one_prompt_of_a_client_under_a_name():
    taken = put(webhook())
    own = webhook(client=taken.target.client)
    assert refusal(place, own, {"name": "greeting"}) == (*TAKEN, "Another prompt goes to that place already.")
    put(own, name="other")
    put(webhook())


@pytest.mark.parametrize("own_target", [False, True])
def test_a_place_without_a_name_has_that_of_its_prompt(own_target):
    target = webhook()
    named = factories.make_instance(client=target.client, name="greeting")
    first = place(target, {}, named)
    second = webhook(client=target.client) if own_target else target
    words = "Another prompt goes to that place already."
    assert refusal(place, second, {"name": "greeting"}) == (*TAKEN, words)
    place(second, {"name": "other"})
    assert refusal(place, second, {}, factories.make_instance(client=target.client, name="other")) == (*TAKEN, words)
    place(second, {}, factories.make_instance(client=target.client, name="farewell"))
    targets.remove_placement(placement=first, by=SYSTEM, at=AT)
    put(second)
    assert refusal(place, target, {}, named)[:2] == TAKEN


def test_a_field_of_an_agent_takes_one_prompt():
    account = {"adapter": "retell", "credentials": {"api_key": "retell-key-for-tests"}}
    place(factories.make_target(**account), {"agent_id": "agent_1", "field": "general_prompt"})
    second = factories.make_target(**account)
    assert refusal(place, second, {"agent_id": "agent_1", "field": "general_prompt"})[:2] == TAKEN
    place(second, {"agent_id": "agent_1", "field": "begin_message"})


def test_a_target_does_not_move_to_where_its_places_are_taken(delivery):
    put(webhook(NEW, client=delivery.placement.target.client))
    assert refusal(move, delivery)[:2] == ("409.in_use", ["/settings"])
    delivery.placement.target.refresh_from_db()
    assert delivery.placement.target.settings == {"url": OLD}
    assert Delivery.objects.get().lane_id == delivery.lane_id


def test_a_long_address_has_a_lane_of_its_own_that_fits_its_column():
    client = factories.make_client()
    targets_of = [webhook(f"https://hooks.example.com/{'x' * 495}/{end}", client) for end in ("one", "two")]
    first, second = places = [
        factories.make_placement(
            instance=factories.make_instance(client=client), target=target, location={"name": "desk"}
        )
        for target in targets_of
    ]
    keys = [place.lane.remote_key for place in places]
    assert len(set(keys)) == 2
    assert max(map(len, keys)) <= Lane._meta.get_field("remote_key").max_length
    assert all(key.startswith("webhook:hooks.example.com/xxx") for key in keys)
    targets.change(target=first.target, settings=first.target.settings, by=SYSTEM, at=AT)
    first.refresh_from_db()
    assert (first.lane.remote_key, second.lane.remote_key) == tuple(keys)
