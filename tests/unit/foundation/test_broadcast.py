"""What changed is told to every process: numbers commit in order, and who missed some forgets everything."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from foundation import broadcast, tasks
from foundation.broadcast import Seen, since
from foundation.models import Change, ChangeCounter
from foundation.prepared import Query

pytestmark = pytest.mark.django_db


def announce(*keys: str, topic: str = "channel") -> list[int]:
    with transaction.atomic():
        return [broadcast.announce(topic=topic, key=key) for key in keys]


@pytest.fixture
def heard(monkeypatch):
    """How often the listener of this process was called."""
    calls: list[int] = []
    monkeypatch.setattr(broadcast, "_listeners", [])
    broadcast.listen(lambda: calls.append(Change.objects.count()))
    return calls


def test_numbers_count_and_changes_are_told_in_their_order():
    before = since(seen=None).seen
    first = announce("a", "b")
    assert first == [before.number + 1, before.number + 2]
    news = since(seen=before)
    assert news.changes == (("channel", "a"), ("channel", "b"))
    assert since(seen=news.seen).changes == ()
    announce("c", topic="release")
    assert since(seen=news.seen).changes == (("release", "c"),)


def test_whoever_looks_for_the_first_time_is_told_to_know_nothing():
    assert since(seen=None) == broadcast.News(Seen(), None)
    [number] = announce("a")
    news = since(seen=None)
    assert (news.seen.number, news.changes) == (number, None)
    assert since(seen=Seen()).changes == (("channel", "a"),)


def test_the_look_of_every_second_is_one_query(django_assert_num_queries):
    announce("a")
    seen = since(seen=None).seen
    with django_assert_num_queries(1):
        assert since(seen=seen).changes == ()


def test_an_announcement_costs_two_statements(django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(2):
        broadcast.announce(topic="channel", key="a")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_announced_outside_a_transaction():
    with pytest.raises(RuntimeError):
        broadcast.announce(topic="channel", key="a")
    assert not Change.objects.exists()


def test_what_was_rolled_back_was_not_announced(heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        broadcast.announce(topic="channel", key="a")
        transaction.set_rollback(True)
    assert (since(seen=Seen()).changes, heard) == ((), [])


def test_this_process_hears_after_the_commit_and_a_listener_once(heard, django_capture_on_commit_callbacks):
    broadcast.listen(broadcast._listeners[0])
    with django_capture_on_commit_callbacks(execute=True):
        announce("a")
        assert heard == []
    assert heard == [1]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(lambda now: Seen(now.number, uuid.uuid4()), id="another word under the number"),
        pytest.param(lambda now: Seen(now.number + 5, now.word), id="a number not there yet"),
        pytest.param(lambda now: Seen(now.number - 2, now.word), id="a number deleted since"),
    ],
)
def test_a_restored_backup_or_deleted_rows_mean_forget_everything(seen):
    announce("a", "b", "c")
    broadcast.forget(keep=2)
    now = since(seen=None).seen
    assert since(seen=seen(now)) == broadcast.News(now, None)


def test_an_empty_start_and_a_table_that_does_not_begin_at_one_mean_forget_everything():
    announce("a", "b")
    broadcast.forget(keep=1)
    assert since(seen=Seen()).changes is None


def test_more_than_is_kept_means_forget_everything(monkeypatch):
    monkeypatch.setattr(broadcast, "KEPT", 3)
    monkeypatch.setattr(broadcast, "_SINCE", Query(broadcast._SINCE._build))  # what is prepared now has this limit
    announce("a", "b", "c")
    assert since(seen=Seen()).changes is None


def test_forgetting_keeps_the_newest_and_the_count():
    announce("a", "b", "c")
    assert broadcast.forget(keep=1) == 2
    assert announce("d") == [ChangeCounter.objects.get().number]
    assert list(Change.objects.order_by("number").values_list("key", flat=True)) == ["c", "d"]
    assert broadcast.forget() == 0
    assert tasks.forget_changes(colour="of tomorrow") == 0


def test_the_schedule_forgets(settings):
    assert tasks.forget_changes.name in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}


@pytest.mark.django_db(transaction=True)
def test_numbers_are_committed_in_their_order_whoever_asks_at_once():

    def work(name: int) -> None:
        try:
            for _ in range(10):
                announce(f"{name}")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(Change.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 41))
    assert len(since(seen=Seen()).changes) == 40
