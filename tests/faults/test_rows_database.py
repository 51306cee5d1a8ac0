"""Rows 8 to 12, 34 and 36: two at once, the same twice, and a database that is locked, full, cut off or set back."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client as Browser

from audit import events
from audit.models import AuditEvent
from foundation import triggers
from instances.models import InstanceVersion, PromptInstance, Publication
from prompthub_kernel.errors import Conflict
from publishing import deliveries, drift, lanes, publish
from publishing.models import Delivery, DeliveryAttempt, Lane
from tests.factories import make_token
from tests.factories.acting import AT, SYSTEM
from tests.faults.proxy import Proxy
from tests.faults.world import World, pass_time, place_of

committed = pytest.mark.django_db(transaction=True)
SCOPES = ("read", "draft", "publish", "deploy", "admin")


@pytest.fixture
def crowd():
    """``crowd(work, count)``: run it in so many threads at once; what each returned or raised."""

    def run(work, count):
        ready, found = threading.Barrier(count), [None] * count

        def one(number):
            try:
                ready.wait(10)
                found[number] = work(number)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                found[number] = error
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    return run


@pytest.fixture
def door(settings):
    """``door(world, key)``: publish through the API as a program would."""
    settings.SECURE_SSL_REDIRECT = False
    _, secret = make_token(scopes=SCOPES, superuser=True)

    def post(instance, *, key="", body=None):
        headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": key} if key else {})
        address = f"/prompt/instances/{instance.id}/publish"
        given = {"confirm": True} if body is None else body
        return Browser(headers=headers).post(address, given, content_type="application/json")

    return post


@committed
def test_row_08_publishing_one_draft_many_times_at_once_makes_one_version(world, crowd):
    row = world.write("one")
    found = crowd(lambda _: publish.publish(instance=row, by=SYSTEM, at=AT), 12)
    assert len({done.version.id for done in found}) == 1
    assert sum(done.changed for done in found) == 1
    assert (InstanceVersion.objects.count(), Publication.objects.count(), Delivery.objects.count()) == (1, 1, 1)


@committed
def test_row_08_moving_the_pointer_many_times_at_once_gives_every_move_its_own_number(world, crowd):
    versions = [world.publish("one").version, world.publish("two").version]

    def move(number):
        version = versions[number % 2]
        return publish.publish(instance=world.fresh(), version=version, confirm=True, by=SYSTEM, at=AT)

    row = world.fresh()
    found = crowd(move, 12)
    assert not [error for error in found if isinstance(error, Exception)]
    ordinals = sorted(Publication.objects.values_list("ordinal", flat=True))
    assert ordinals == list(range(1, len(ordinals) + 1))
    row.refresh_from_db()
    assert Publication.objects.get(ordinal=ordinals[-1]).version_id == row.active_version_id
    world.carry()
    assert world.runs() == row.active_version.rendered.text()
    assert world.states().count("delivered") == 1


@committed
def test_row_08_of_two_who_expect_the_same_active_version_one_gets_the_conflict(world, crowd):
    first, other = world.publish("one").version, world.publish("two").version
    publish.publish(instance=world.fresh(), version=first, confirm=True, by=SYSTEM, at=AT)

    def move(_):
        row = world.fresh()
        return publish.publish(instance=row, version=other, expected_active=first.id, by=SYSTEM, at=AT)

    world.write("three")
    found = crowd(move, 6)
    moved = [done for done in found if isinstance(done, publish.Published) and done.changed]
    conflicts = [error for error in found if isinstance(error, Conflict)]
    assert len(moved) == 1
    assert {error.code for error in conflicts} <= {"409.version_conflict"}


@committed
def test_row_09_the_same_request_many_times_at_once_has_one_effect_and_one_answer(world, crowd, door):
    row = world.write("one")
    found = crowd(lambda _: door(row, key="the-same"), 10)
    assert {answer.status_code for answer in found} == {200}
    assert [answer.json() for answer in found] == [found[0].json()] * 10
    assert (InstanceVersion.objects.count(), Delivery.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action="instance.publish").count() == 1


def test_row_09_the_same_key_for_another_request_is_refused(world, door):
    row = world.write("one")
    assert door(row, key="the-same").status_code == 200
    refused = door(row, key="the-same", body={"confirm": True, "reason": "another"})
    assert (refused.status_code, refused.json()["code"]) == (422, "422.idempotency_key_reused")


@committed
def test_row_36_a_publish_whose_audit_cannot_be_written_has_not_happened(world, door, monkeypatch):
    row = world.write("one")
    record = events.record

    def fail(*, action, **rest):
        if action == "instance.publish":
            raise DatabaseError("no room")
        return record(action=action, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(events, "record", fail)
        assert door(row, key="k").status_code == 500
    _nothing_happened(world)
    assert door(row, key="k").status_code == 200


@committed
@pytest.mark.sqlite
def test_row_12_a_locked_database_answers_503_and_nothing_is_half_written(world, door):
    row = world.write("one")
    with _holder():
        answer = door(row, key="k")
    assert (answer.status_code, answer.json()["code"]) == (503, "503.database_unavailable")
    assert answer.headers["Retry-After"]
    _nothing_happened(world)
    assert door(row, key="k").status_code == 200
    assert world.carry() == 1


@committed
@pytest.mark.sqlite
def test_row_12_a_full_disk_answers_503_and_nothing_is_half_written(world, door):
    row = world.write("x" * 15_000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    try:
        answer = door(row, key="k")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    _nothing_happened(world)
    assert door(row, key="k").status_code == 200


@committed
@pytest.mark.postgresql
def test_row_10_a_connection_killed_in_the_middle_answers_503_and_leaves_nothing_half(world, door, monkeypatch):
    row = world.write("one")
    enqueue = deliveries.enqueue

    def killed(**arguments):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            _terminate(cursor.fetchone()[0])
        return enqueue(**arguments)

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "enqueue", killed)
        answer = door(row, key="k")
    assert (answer.status_code, answer.json()["code"]) == (503, "503.database_unavailable")
    connection.close()
    _nothing_happened(world)
    assert door(row, key="k").status_code == 200


@committed
@pytest.mark.postgresql
def test_row_11_a_commit_whose_answer_is_lost_is_answered_by_the_same_key(world, door):
    row = world.write("one")
    with _through_a_proxy() as proxy:
        door(row, key="another", body={"targets": ["00000000-0000-0000-0000-000000000000"]})  # opens the connection
        proxy.lose_answer(b"COMMIT")
        assert door(row, key="k").status_code == 503
        assert proxy.lost == 1
    assert Publication.objects.count() == 1
    answer = door(row, key="k")
    assert answer.status_code == 200
    assert answer.json()["versionId"] == str(InstanceVersion.objects.get().id)
    assert (Publication.objects.count(), Delivery.objects.count()) == (1, 1)


@committed
@pytest.mark.postgresql
def test_row_10_a_worker_whose_connection_is_killed_between_call_and_result_repeats_the_key(world, meanwhile):
    world.publish("one")

    def cut():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            _terminate(cursor.fetchone()[0])

    meanwhile("after", "POST", cut)
    with pytest.raises(OperationalError):
        world.carry()
    connection.close()
    pass_time(20)
    world.carry()
    assert (world.states(), len(world.keys()), len(set(world.keys()))) == (["delivered"], 2, 1)


@committed
def test_row_34_after_a_restore_what_runs_at_the_provider_is_found_and_put_right(world):
    world.publish("one")
    world.carry()
    _forgetting_what_follows(world, lambda: (world.publish("two"), world.carry()))
    assert (world.runs(), world.fresh().active_version.rendered.text()) == ("two", "one")
    pass_time(60)
    found = drift.check(placement=world.placement, by=SYSTEM, at=AT)
    drift.redeliver(drift=found, by=SYSTEM, at=AT)
    world.carry()
    assert world.runs() == "one"
    world.publish("three")
    world.carry()
    assert (world.runs(), len(set(world.keys()))) == ("three", 4)


@committed
@pytest.mark.parametrize("told", [True, False], ids=["told of the restore", "not told"])
def test_row_34_a_receiver_that_saw_a_higher_number_takes_what_is_published_after_a_restore(world, careful, told):
    placement = world.put(provider=careful)
    world.publish("one")
    world.carry(placement)
    _forgetting_what_follows(
        world, lambda: [(world.publish(text), world.carry(placement)) for text in ("two", "three")]
    )
    if told:
        call_command("after_restore", "--ahead", "10")
    world.publish("four")
    world.carry(placement)
    newest = Publication.objects.filter(instance=world.instance).latest("ordinal")
    seen = careful.texts[place_of(placement)]["text"]
    assert (newest.ordinal, newest.version.ordinal, seen) == ((12, 12, "four") if told else (2, 2, "three"))


@committed
def test_row_34_ours_can_be_put_back_at_a_receiver_that_saw_a_higher_number(world, careful):
    placement = world.put(provider=careful)
    world.publish("one")
    world.carry(placement)
    _forgetting_what_follows(world, lambda: (world.publish("two"), world.carry(placement)))
    before = Lane.objects.get(pk=placement.lane_id).epoch
    call_command("after_restore")
    assert Lane.objects.get(pk=placement.lane_id).epoch == before + 1000
    pass_time(60)
    found = drift.check(placement=placement, by=SYSTEM, at=AT)
    drift.redeliver(drift=found, by=SYSTEM, at=AT)
    world.carry(placement)
    assert (careful.texts[place_of(placement)]["text"], world.states(placement)) == ("one", ["delivered", "delivered"])
    [event] = AuditEvent.objects.filter(action="installation.restore")
    assert event.metadata["ahead"] == 1000
    with pytest.raises(CommandError, match="422"):
        call_command("after_restore", "--ahead", "0")


def _nothing_happened(world: World) -> None:
    assert not InstanceVersion.objects.exists()
    assert not Publication.objects.exists()
    assert not Delivery.objects.exists()
    assert not AuditEvent.objects.filter(action__in=("instance.publish", "instance_version.seal")).exists()
    assert world.fresh().active_version_id is None


@contextmanager
def _holder():
    """Somebody else writes, and does not stop; our patience is short."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 20000")


@contextmanager
def _through_a_proxy():
    """Connections to PostgreSQL go through a proxy for a while."""
    address = dict(connection.settings_dict)
    with Proxy(port=int(address["PORT"])) as proxy:
        connection.close()
        connection.settings_dict["PORT"] = proxy.port
        try:
            yield proxy
        finally:
            connection.close()
            connection.settings_dict["PORT"] = address["PORT"]


def _terminate(pid: int) -> None:
    address = connection.settings_dict
    with psycopg.connect(
        host=address["HOST"], port=address["PORT"], user=address["USER"], dbname=address["NAME"], autocommit=True
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _forgetting_what_follows(world: World, act) -> None:
    """Do something, then set the database back to before it, as a restored backup would."""
    newest = Publication.objects.get(instance=world.instance)
    kept = list(Delivery.objects.values_list("id", flat=True))
    act()
    triggers.remove()
    DeliveryAttempt.objects.exclude(delivery__in=kept)._raw_delete("default")
    Delivery.objects.exclude(pk__in=kept).delete()
    PromptInstance.objects.update(
        active_version=newest.version, based_on=newest.version, last_version_ordinal=1, last_publication_ordinal=1
    )
    Publication.objects.exclude(pk=newest.pk)._raw_delete("default")
    InstanceVersion.objects.exclude(pk=newest.version_id)._raw_delete("default")
    triggers.install()


@committed
@pytest.mark.postgresql
def test_row_08_a_publish_does_not_wait_for_a_worker_that_writes_its_result(world, crowd):
    """Else the two would wait for each other: the worker for the older delivery, the publish for the lane."""
    world.publish("one")
    row = world.write("two")
    lease = lanes.claim(lane_id=world.placement.lane_id)
    with transaction.atomic():
        assert lanes.holds(lease=lease)
        [done] = crowd(lambda _: publish.publish(instance=row, confirm=True, by=SYSTEM, at=AT), 1)
    assert done.changed
    lanes.release(lease=lease)
    world.carry()
    assert world.states() == ["superseded", "delivered"]
