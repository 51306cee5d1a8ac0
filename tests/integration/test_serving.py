"""``manage.py serve`` in the embedded edition: one process, one state directory, a clear word when it cannot."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60

pytestmark = pytest.mark.slow


def manage(*arguments, folder, port=0):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PROMPTHUB_", "DJANGO_"))}
    for address in ("DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"):
        environment.pop(address, None)
    environment |= {"PROMPTHUB_STATE_DIR": str(folder), "PROMPTHUB_PORT": str(port or free_port())}
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A state directory with a database in it."""
    folder = tmp_path_factory.mktemp("state")
    process = manage("migrate", "--no-input", folder=folder)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return folder


@pytest.fixture
def served(migrated):
    """A running server and its port."""
    port = free_port()
    process = manage("serve", folder=migrated, port=port)
    lines = []
    while "serves at" not in "".join(lines):
        line = process.stdout.readline()
        assert line, "".join(lines)
        lines.append(line)
    yield process, port
    process.kill()
    process.communicate()


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_serve_answers_and_stops_within_ten_seconds_of_sigterm(served):
    process, port = served
    assert get(port, "/healthz") == 200
    assert get(port, "/readyz") == 200
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, "Traceback" in said) == (0, False), said
    assert time.monotonic() - began < 10


def test_serve_stops_on_ctrl_c_without_complaint(served):
    process, _ = served
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, "Traceback" in said) == (0, False), said


def test_serve_starts_again_after_a_kill(served, migrated):
    process, port = served
    process.kill()
    process.wait()
    again = manage("serve", folder=migrated, port=port)
    assert "serves at" in again.stdout.readline()
    again.kill()
    again.communicate()


def test_a_second_server_on_the_same_state_directory_is_refused(served, migrated):
    process, _ = served
    second = manage("serve", folder=migrated)
    said, _ = second.communicate(timeout=SECONDS)
    assert second.returncode == 1
    assert str(process.pid) in said
    assert "PROMPTHUB_STATE_DIR" in said


def test_a_busy_port_is_named_with_its_setting(migrated):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = manage("serve", folder=migrated, port=taken.getsockname()[1])
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "PROMPTHUB_PORT" in said


def test_a_database_behind_the_code_is_refused(tmp_path):
    process = manage("serve", folder=tmp_path)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "manage.py migrate" in said


def test_lost_keys_are_refused_rather_than_made_anew(migrated, tmp_path):
    (tmp_path / "prompthub.sqlite3").write_bytes((migrated / "prompthub.sqlite3").read_bytes())
    process = manage("serve", folder=tmp_path)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "missing although" in said
    assert not (tmp_path / "secret.key").exists()


def test_clients_that_never_finish_their_request_do_not_silence_the_server(served):
    _, port = served
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    for client in slow:
        client.sendall(b"POST /prompt/templates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx")
    assert get(port, "/healthz") == 200
    for client in slow:
        client.close()
