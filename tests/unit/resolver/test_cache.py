"""What a process remembers of names and texts, and when it forgets."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from foundation import broadcast
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import NotFound
from prompthub_kernel.selector import Exact, Named, Range
from prompthub_kernel.semver import SemVer
from registry import names
from resolver import cache, resolve
from resolver.cache import Memory, Sealed
from tests.factories import make_bundle
from tests.factories.shelf import cut_release, mark, point

pytestmark = pytest.mark.django_db(transaction=True)
STABLE = Named("stable")


@pytest.fixture(autouse=True)
def _sure(monkeypatch):
    """A slow machine does not make memories old."""
    monkeypatch.setattr(cache, "GOOD_SECONDS", 600.0)


def version(bundle, selector=STABLE):
    return cache.release(project=bundle.project_id, slug=bundle.slug, selector=selector).cut.version


def asked(call):
    """How many questions go to the database."""
    with CaptureQueriesContext(connection) as seen:
        call()
    return len(seen)


def test_a_name_is_asked_for_once(bundle, stable):
    assert asked(lambda: version(bundle)) == 1  # the channel with its release
    assert asked(lambda: version(bundle)) == 0


@pytest.mark.parametrize("selector", [STABLE, Exact(SemVer.parse("2.0.0")), Named("latest"), Range.parse("^2")])
def test_what_is_read_comes_with_the_name(bundle, two, stable, selector):
    point(bundle, "stable", two)
    cut = cache.release(project=bundle.project_id, slug=bundle.slug, selector=selector, prompt="welcome").cut
    assert asked(lambda: cache.text(cut=cut, name="welcome")) == 0
    assert cache.text(cut=cut, name="welcome").digest == cut.prompts["welcome"]


def test_of_a_name_that_means_two_releases_each_has_its_own_text(bundle, one, two, stable):
    point(bundle, "stable", one, second=two, percent=0, segments=["beta"])
    place = {"project": bundle.project_id, "slug": bundle.slug, "selector": STABLE, "prompt": "welcome"}
    for segments, release in ((["beta"], two), ([], one)):
        cut = cache.release(**place, segments=segments).cut
        assert cut.id == release.pk
        assert cache.text(cut=cut, name="welcome").digest == release.manifest["prompts"]["welcome"]


def test_another_name_for_a_release_that_is_known_is_one_question(bundle, stable):
    version(bundle)
    assert asked(lambda: version(bundle, Exact(SemVer.parse("1.0.0")))) == 1


@pytest.mark.parametrize("selector", [Exact(SemVer.parse("2.0.0")), Named("latest"), Range.parse("^2")])
def test_every_selector_is_remembered(bundle, stable, selector):
    assert version(bundle, selector) == "2.0.0"
    assert asked(lambda: version(bundle, selector)) == 0


def test_text_is_asked_for_once_whatever_happens_to_names(bundle, one, stable):
    cut = cache.release(project=bundle.project_id, slug=bundle.slug, selector=STABLE).cut
    assert asked(lambda: cache.text(cut=cut, name="welcome")) == 1
    cache.memory.forget()
    assert asked(lambda: cache.text(cut=cut, name="welcome")) == 0


def test_a_move_is_seen_at_once_by_the_process_that_made_it(bundle, one, two, stable):
    assert version(bundle) == "1.0.0"
    point(bundle, "stable", two)
    assert version(bundle) == "2.0.0"
    point(bundle, "stable", one)
    assert version(bundle) == "1.0.0"


def test_what_is_said_of_a_release_is_seen_at_once(bundle, one, stable):
    def read():
        return cache.release(project=bundle.project_id, slug=bundle.slug, selector=STABLE).marks

    assert read() == ()
    mark(one, "retire", "security", "Leaks.")
    assert [said.message for said in read()] == ["Leaks."]
    mark(one, "yank")
    assert [said.kind for said in read()] == ["retire", "yank"]


def test_only_the_bundle_that_changed_is_forgotten(bundle, two, stable):
    other = make_bundle(project=bundle.project, slug="other")
    point(other, "stable", cut_release(other, "5.0.0"))
    assert (version(bundle), version(other)) == ("1.0.0", "5.0.0")
    point(bundle, "stable", two)
    assert asked(lambda: version(other)) == 0
    assert asked(lambda: version(bundle)) > 0


def test_a_change_of_an_unknown_bundle_forgets_everything(bundle, stable):
    version(bundle)
    with transaction.atomic():
        broadcast.announce(topic="channel", key="0198c0de-0000-7000-8000-000000000000")
    assert asked(lambda: version(bundle)) > 0


def test_a_lost_broadcast_costs_until_the_counter_is_read_again(bundle, two, stable, monkeypatch):
    assert version(bundle) == "1.0.0"
    with monkeypatch.context() as deaf:
        deaf.setattr(broadcast, "_listeners", [])
        point(bundle, "stable", two)
    assert version(bundle) == "1.0.0"  # nobody told this process
    cache.catch_up()  # which a server does twice a second
    assert version(bundle) == "2.0.0"


def test_a_memory_that_is_too_old_is_not_relied_on(bundle, two, stable, monkeypatch):
    assert version(bundle) == "1.0.0"
    with monkeypatch.context() as deaf:
        deaf.setattr(broadcast, "_listeners", [])
        point(bundle, "stable", two)
    monkeypatch.setattr(cache, "GOOD_SECONDS", 0.0)
    assert version(bundle) == "2.0.0"


def test_the_counter_that_cannot_be_read_makes_names_unknown_and_nothing_wrong(bundle, stable, monkeypatch):
    version(bundle)

    def dead(**_):
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as broken:
        broken.setattr(broadcast, "since", dead)
        with pytest.raises(OperationalError):
            cache.catch_up()
        with pytest.raises(OperationalError):
            version(bundle)
        assert not cache.memory.good(0.0)
    assert version(bundle) == "1.0.0"


def test_a_counter_that_is_read_only_with_every_question_is_enough(bundle, one, two, stable, monkeypatch):
    monkeypatch.setattr(broadcast, "_listeners", [])
    monkeypatch.setattr(cache, "GOOD_SECONDS", 0.0)
    for release in (two, one, two):
        point(bundle, "stable", release)
        assert version(bundle) == release.version


def test_a_backup_that_was_restored_makes_everything_unknown(bundle, one, two, stable):
    assert version(bundle) == "1.0.0"
    with connection.cursor() as cursor:  # as if none of it had happened
        cursor.execute("DELETE FROM prompthub_foundation_change")
        cursor.execute("DELETE FROM prompthub_foundation_changecounter")
    point(bundle, "stable", two)
    assert version(bundle) == "2.0.0"


def test_an_answer_that_changed_while_it_was_asked_for_is_not_kept(bundle, two, stable, monkeypatch):
    ask, moved = names.ask, []

    def slow(**given):
        found = ask(**given)
        if not moved:
            moved.append(point(bundle, "stable", two))  # after the answer was read, before it is kept
        return found

    monkeypatch.setattr(names, "ask", slow)
    assert version(bundle) == "1.0.0"  # it began before the move
    assert version(bundle) == "2.0.0"


def test_an_answer_that_rests_on_what_was_forgotten_meanwhile_is_told(bundle, two, stable):
    place = bundle.project_id, bundle.slug
    began = cache.memory.now()
    version(bundle)
    held = cache.memory.held(place, since=began)
    assert held is not None
    assert held.true
    point(bundle, "stable", two)
    assert not held.true
    version(bundle)
    assert cache.memory.held(place, since=began) is None


def test_inside_a_transaction_nothing_is_remembered(bundle, one, two, stable):
    version(bundle)
    with transaction.atomic():
        point(bundle, "stable", two, told=False)
        assert version(bundle) == "2.0.0"
        transaction.set_rollback(True)
    assert version(bundle) == "1.0.0"


def test_a_bundle_that_is_not_there_yet_is_not_remembered(project, reader):
    def read():
        return resolve.opened(address=BundleAddress.parse("@local/new"), actor=reader)

    with pytest.raises(NotFound):
        read()
    cut_release(make_bundle(project=project, slug="new"), "1.0.0")
    assert read().cut.version == "1.0.0"


def test_threads_that_ask_at_once_agree(bundle, one, two, stable):
    wrong: list[str] = []
    newest = {"1.0.0"}

    def reading():
        try:
            for _ in range(60):
                before = set(newest)
                found = version(bundle)
                if found not in before | newest:
                    wrong.append(found)
        finally:
            connection.close()

    threads = [threading.Thread(target=reading) for _ in range(4)]
    for thread in threads:
        thread.start()
    for release in (two, one) * 10:
        newest.add(release.version)
        point(bundle, "stable", release)
        newest.intersection_update({release.version})
        assert version(bundle) == release.version
    for thread in threads:
        thread.join()
    assert wrong == []


def test_there_is_room_for_so_many_bundles(project, monkeypatch):
    monkeypatch.setattr(cache, "MOST_BUNDLES", 2)
    bundles = [make_bundle(project=project) for _ in range(3)]
    for bundle in bundles:
        point(bundle, "stable", cut_release(bundle))
    for bundle in bundles * 2:
        assert version(bundle) == "1.0.0"


class TestSealed:
    def test_what_was_not_asked_for_the_longest_goes_first(self):
        kept: Sealed[str, str] = Sealed(30)
        for word in ("a", "b", "c"):
            kept.keep(word, word * 10, len)
        assert kept.get("a") == "a" * 10
        kept.keep("d", "d" * 10, len)
        assert [word for word in "abcd" if kept.get(word)] == ["a", "c", "d"]

    def test_what_is_too_large_is_given_and_not_kept(self):
        kept: Sealed[str, str] = Sealed(5)
        assert kept.keep("a", "long text", len) == "long text"
        assert kept.get("a") is None

    def test_the_same_twice_is_counted_once(self):
        kept: Sealed[str, str] = Sealed(10)
        for _ in range(5):
            kept.keep("a", "12345678", len)
        assert kept.get("a") == "12345678"


class TestLooking:
    def test_an_older_look_does_not_replace_a_newer_one(self, monkeypatch):
        memory = Memory()
        newer = broadcast.News(broadcast.Seen(9), None)
        older = broadcast.News(broadcast.Seen(7), None)

        def overtaken(*, seen):
            monkeypatch.setattr(broadcast, "since", lambda *, seen: newer)
            memory.catch_up()
            return older

        monkeypatch.setattr(broadcast, "since", overtaken)
        memory.catch_up()
        told = SimpleNamespace()
        monkeypatch.setattr(broadcast, "since", lambda *, seen: setattr(told, "seen", seen) or newer)
        memory.catch_up()
        assert told.seen == newer.seen
