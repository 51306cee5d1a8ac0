"""Rows 21 to 23 and 34: names that move while they are read, what others remember of them, everybody asking at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from foundation import broadcast
from prompthub_kernel.address import Address, BundleAddress
from prompthub_kernel.resolution import ResolveRequest
from registry import channels, packs
from registry.models import Activation
from resolver import cache, resolve
from resolver import packs as stacks
from tests.factories import make_bundle
from tests.factories.acting import AT, SYSTEM
from tests.factories.shelf import cut_release

pytestmark = pytest.mark.django_db(transaction=True)
READERS = 4
MOVES = 40
VERSIONS = ("1.0.0", "2.0.0")


@pytest.fixture(autouse=True)
def _cold():
    """No process remembers what another test knew."""
    cache.forget()
    yield
    cache.forget()


@pytest.fixture
def pack():
    """A system prompt and two styles, all of which say their version; 1.0.0 is active."""
    bundle = make_bundle(kind="pack")
    for version in VERSIONS:
        texts = {"system": f"system {version}", "styles/calm": f"calm {version}", "styles/firm": f"firm {version}"}
        cut_release(bundle, version, texts)
    packs.activate(pack=bundle, to="1.0.0", by=SYSTEM, at=AT)
    return bundle


def address(pack) -> BundleAddress:
    return BundleAddress.parse(str(pack.address))


def read(pack) -> tuple[str, set[str]]:
    """The version that a reader is told, and the versions that the texts it got say."""
    found = stacks.stack(pack=address(pack), style="calm", actor=SYSTEM, at=AT)
    texts = (found.system, found.style)
    return found.version, {one.text.split()[-1] for one in texts}


@contextmanager
def readers(pack) -> Iterator[list[tuple[str, set[str]]]]:
    """Reads at full speed in other threads, until the block ends; an error of theirs is raised then."""
    stop, found = threading.Event(), []

    def run() -> None:
        try:
            while not stop.is_set():
                found.append(read(pack))
        finally:
            connection.close()

    with ThreadPoolExecutor(READERS) as pool:
        running = [pool.submit(run) for _ in range(READERS)]
        try:
            yield found
        finally:
            stop.set()
        for each in running:
            each.result()


def test_row_21_no_answer_mixes_two_releases_while_they_are_moved_back_and_forth(pack):
    with readers(pack) as found:
        for number in range(MOVES):
            to = VERSIONS[(number + 1) % 2]
            packs.activate(pack=pack, to=to, by=SYSTEM, at=AT)
            assert read(pack) == (to, {to})  # whoever moved it never reads the old one
    assert {version for version, _ in found} == set(VERSIONS)
    assert [one for one in found if one[1] != {one[0]}] == []
    assert Activation.objects.filter(ordinal__isnull=False).count() == MOVES + 1


def test_row_21_what_was_opened_is_read_whole_although_the_name_moved_meanwhile(pack):
    opened = resolve.opened(address=BundleAddress.parse(f"{pack.address}@active"), actor=SYSTEM)
    packs.activate(pack=pack, to="2.0.0", by=SYSTEM, at=AT)
    texts = [
        resolve.read(release=opened, name=name, actor=SYSTEM, at=AT).text
        for name in ("system", "styles/calm", "styles/firm")
    ]
    assert texts == ["system 1.0.0", "calm 1.0.0", "firm 1.0.0"]


def test_row_22_the_process_that_moved_a_name_reads_the_new_one_at_once(pack):
    assert read(pack)[0] == "1.0.0"
    for to in (*VERSIONS, *VERSIONS)[1:]:
        packs.activate(pack=pack, to=to, by=SYSTEM, at=AT)
        assert read(pack) == (to, {to})
    packs.rollback(pack=pack, by=SYSTEM, at=AT)
    assert read(pack)[0] == "1.0.0"


def test_row_22_a_process_that_hears_nothing_reads_the_new_one_within_a_second(pack, monkeypatch):
    """The broadcast is lost: what is left is the change counter, read again when the last look is a second old."""
    monkeypatch.setattr(broadcast, "_listeners", [])
    assert read(pack)[0] == "1.0.0"
    packs.activate(pack=pack, to="2.0.0", by=SYSTEM, at=AT)
    assert read(pack)[0] == "1.0.0"  # remembered, and good for a second
    monkeypatch.setattr(cache.memory, "_looked_at", cache.memory._looked_at - cache.GOOD_SECONDS)
    assert read(pack) == ("2.0.0", {"2.0.0"})
    assert cache.GOOD_SECONDS <= 1.0


def test_row_22_a_move_that_was_rolled_back_is_told_to_nobody(pack):
    channel = channels.get(bundle=pack, name="active", actor=SYSTEM)
    before = broadcast.since(seen=None).seen

    with transaction.atomic():
        channels.activate(channel=channel, to="2.0.0", by=SYSTEM, at=AT)
        transaction.set_rollback(True)
    assert broadcast.since(seen=before).changes == ()
    assert read(pack)[0] == "1.0.0"


@pytest.fixture
def all_find_nothing(monkeypatch):
    """The first to ask the database does so when all of twenty have looked and found nothing remembered."""
    nothing, first = threading.Semaphore(0), threading.Lock()
    known, asked = cache.Memory._known, cache.names.ask

    def look(*given: Any) -> Any:
        found = known(*given)
        if found is None:
            nothing.release()
        return found

    def ask(**given: Any) -> Any:
        if first.acquire(blocking=False):
            assert all(nothing.acquire(timeout=30) for _ in range(20))
        return asked(**given)

    monkeypatch.setattr(cache.Memory, "_known", look)
    monkeypatch.setattr(cache.names, "ask", ask)


def test_row_23_everybody_asking_at_once_is_served_and_redis_is_not_needed(pack, settings, all_find_nothing):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wanted = Address.parse(f"{pack.address}@active/system")

    def ask(_: int) -> list[str]:
        try:
            return [
                resolve.resolve(request=ResolveRequest(address=wanted), actor=SYSTEM, at=AT).text for _ in range(10)
            ]
        finally:
            connection.close()

    before = cache.metrics.looked_up._value.get()
    with ThreadPoolExecutor(20) as pool:
        found = [text for texts in pool.map(ask, range(20)) for text in texts]
    assert found == ["system 1.0.0"] * 200
    assert cache.metrics.looked_up._value.get() - before <= 2


def test_row_34_ordinals_that_readers_may_have_seen_are_not_given_out_again(pack):
    untouched = channels.create(bundle=pack, name="stable", by=SYSTEM, at=AT)
    call_command("after_restore", "--ahead", "10")
    result = packs.activate(pack=pack, to="2.0.0", by=SYSTEM, at=AT)
    assert result.activation.ordinal == 12
    assert channels.activate(channel=untouched, to="1.0.0", by=SYSTEM, at=AT).activation.ordinal == 1
