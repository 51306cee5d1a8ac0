"""What hot reads keep, and the threads that keep it true."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import OperationalError

from gateway import hot, kept
from gateway.hot import HotReads
from gateway.kept import Answers, Kept, Readers
from resolver import usage
from resolver.cache import Remembered
from tenancy import tokens
from tests.factories.acting import AT, SYSTEM
from tests.integration.gateway.hot_reads.front import ADDRESS, Front, finished, run

pytestmark = pytest.mark.django_db(transaction=True)


class TestKept:
    def answer(self, size=0):
        return Kept(Remembered("b"), "p", (), "1", "t", [], [], b"x" * size)

    def test_the_oldest_answers_go_when_there_is_no_more_room(self):
        answers = Answers(limit=20_000)
        for number in range(40):
            answers.keep(b"%d" % number, self.answer(500))
        there = [number for number in range(40) if answers.get(b"%d" % number)]
        assert there == list(range(40 - len(there), 40))
        assert 5 < len(there) < 12

    def test_an_answer_that_is_kept_again_takes_its_room_once(self):
        answers = Answers(limit=10_000)
        for _ in range(50):
            answers.keep(b"same", self.answer(500))
        assert answers.get(b"same") is not None

    def test_an_answer_is_gone_with_what_it_rests_on(self):
        answers, kept_one = Answers(limit=20_000), self.answer()
        answers.keep(b"a", kept_one)
        kept_one.remembered.true = False
        assert answers.get(b"a") is None

    def test_very_many_tokens_are_forgotten(self, front, monkeypatch):
        front.ask()
        monkeypatch.setattr(kept, "MOST_READERS", 0)
        front.hot.look()
        assert front.hot.readers._known == {}

    def test_a_token_that_was_checked_under_another_epoch_is_not_kept(self, project, token):
        actor = tokens.authenticate(presented=token[1], at=AT)
        tokens.revoke(token=token[0], by=SYSTEM, at=AT)
        readers = Readers()
        readers.keep(b"Bearer x", actor, project, AT)
        assert readers.get(b"Bearer x", kept.time.monotonic()) is None


class TestWatching:
    def test_it_begins_with_the_first_read_and_once(self, front, monkeypatch):
        started = []
        monkeypatch.setattr(
            hot.threading, "Thread", lambda **given: SimpleNamespace(start=lambda: started.append(given))
        )
        monkeypatch.setattr(hot.atexit, "register", started.append)
        watched = Front(front.token)
        watched.hot = HotReads(run)
        app = watched.hot.database(watched._wsgi)

        async def send(_):
            return None

        for _ in range(2):
            finished(app(watched.scope(f"address={ADDRESS}"), None, send))
        assert [one["name"] for one in started[:2]] == ["look", "usage"]
        assert started[2:] == [usage.flush]

    def test_what_goes_wrong_does_not_end_it(self, monkeypatch):
        done = []

        def act():
            done.append(1)
            if len(done) == 1:
                raise OperationalError("gone")

        def sleep(_):
            if len(done) == 3:
                raise SystemExit

        monkeypatch.setattr(hot, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
        with pytest.raises(SystemExit):
            hot._repeat(1.0, act)
        assert len(done) == 3
