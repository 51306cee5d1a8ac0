"""``manage.py serve`` ends when its worker dies, and does not wait for ever when it is told to stop."""

from __future__ import annotations

import signal
import socket
import threading
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management.base import CommandError

from prompthub.management.commands import serve


class Dying:
    """A worker that dies as soon as it starts."""

    def __init__(self, *, on_death):
        self.start = on_death
        self.stopped = False

    def stop(self, *, seconds):
        self.stopped = True


@pytest.fixture(autouse=True)
def signals():
    """Put the signals back that the command takes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, action in kept.items():
        signal.signal(number, action)


def test_a_dead_worker_ends_the_server_so_that_it_is_started_again(monkeypatch):
    monkeypatch.setattr(serve, "Embedded", Dying)
    monkeypatch.setattr(serve.Server, "run", lambda self, sockets: self.should_exit)
    with pytest.raises(CommandError, match="worker ended"):
        serve.Command()._serve(None, embedded=True)


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_told_as_that(host):
    with pytest.raises(CommandError, match="Set PROMPTHUB_HOST") as told:
        serve._listen(host, 8223)
    assert "PROMPTHUB_PORT" not in str(told.value)


def test_a_taken_port_is_told_as_that():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(CommandError, match="Set PROMPTHUB_PORT") as told,
    ):
        serve._listen("127.0.0.1", taken.getsockname()[1])
    assert "PROMPTHUB_HOST" not in str(told.value)


def test_a_server_that_cannot_end_in_time_is_ended(monkeypatch, capsys):
    statuses = []
    monkeypatch.setattr(serve.os, "_exit", statuses.append)
    serve._give_up()
    assert statuses == [1]
    assert "next start" in capsys.readouterr().err


@pytest.mark.parametrize("embedded", [True, False])
def test_the_welcome_of_the_demo_is_shown_with_the_address(settings, tmp_path, embedded):
    (tmp_path / "welcome.txt").write_text("Sign in as demo\n")
    settings.STATE_DIR, settings.EMBEDDED = tmp_path, embedded
    said = StringIO()
    serve.Command(stdout=said)._announce()
    assert f":{settings.PORT}/" in said.getvalue()
    assert ("Sign in as demo" in said.getvalue()) is embedded


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_second_piece_of_an_answer_does_not_wait_for_an_acknowledgement(host):
    with serve._listen(host, 0) as listener, socket.create_connection(listener.getsockname()[:2]) as client:
        accepted, _ = listener.accept()
        with accepted, client:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_who_waits_in_the_server_is_told_that_it_stops(monkeypatch):
    begun = threading.Event()
    monkeypatch.setattr(serve.ending, "begun", begun)
    monkeypatch.setattr(serve.threading, "Timer", lambda seconds, call: SimpleNamespace(start=lambda: None))
    monkeypatch.setattr(serve.Server, "run", lambda self, sockets: self.handle_exit(signal.SIGTERM, None))
    serve.Command()._serve(None, embedded=False)
    assert begun.is_set()
