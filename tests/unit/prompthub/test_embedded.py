"""The embedded edition does its background work in the server's process, and only one server does."""

from __future__ import annotations

import os
import threading

import pytest
from celery import Celery, _state
from celery.worker import state

from prompthub import embedded


@pytest.fixture
def app(monkeypatch):
    """A Celery application of this test alone."""
    app = Celery("embedded-test", broker="memory://", set_as_current=False)
    # A queue of its own: one process has one memory://, and other tests' wake-ups lie in the usual one.
    app.conf.update(
        broker_transport_options={"polling_interval": 0.05}, task_ignore_result=True, task_default_queue="embedded-test"
    )
    monkeypatch.setattr(embedded, "app", app)
    monkeypatch.setattr(_state, "default_app", app)  # what threads of the pool take for theirs
    yield app
    state.should_stop = None


def test_sole_server_names_the_one_that_is_there(tmp_path):
    with embedded.sole_server(tmp_path), pytest.raises(embedded.Taken, match=str(os.getpid())):
        embedded.sole_server(tmp_path).__enter__()


def test_sole_server_lets_the_next_one_in_after_the_first(tmp_path):
    with embedded.sole_server(tmp_path):
        pass
    with embedded.sole_server(tmp_path):
        assert (tmp_path / "server.lock").read_text() == str(os.getpid())


def test_sole_server_makes_a_state_directory_that_others_cannot_read(tmp_path):
    with embedded.sole_server(tmp_path / "state"):
        assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_embedded_runs_what_is_asked_for_and_what_is_due_then_stops(app):
    asked, due, died = threading.Event(), threading.Event(), threading.Event()

    @app.task(name="asked")
    def note_asked():
        asked.set()

    @app.task(name="due")
    def note_due():
        due.set()

    app.conf.beat_schedule = {"due": {"task": "due", "schedule": 0.05}}
    work = embedded.Embedded(on_death=died.set)
    work.start()
    note_asked.delay()
    assert asked.wait(10)
    assert due.wait(10)
    assert work.stop(seconds=10) is True
    assert not died.is_set()


def test_embedded_lets_running_work_finish_within_its_time(app):
    started, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    @app.task(name="long")
    def long():
        started.set()
        may_end.wait(20)
        ended.set()

    work = embedded.Embedded(on_death=lambda: None)
    work.start()
    long.delay()
    assert started.wait(10)
    assert work.stop(seconds=0.2) is False
    may_end.set()
    assert work.stop(seconds=10) is True
    assert ended.is_set()


def test_embedded_tells_when_a_part_of_it_dies(app, monkeypatch):
    died = threading.Event()
    work = embedded.Embedded(on_death=died.set)
    monkeypatch.setattr(work._threads[1], "_args", (lambda: (_ for _ in ()).throw(RuntimeError("beat")),))
    work.start()
    assert died.wait(10)
    assert work.stop(seconds=10) is True
