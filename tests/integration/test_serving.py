"""``manage.py serve`` in the embedded edition: one process, one state directory, a clear word when it cannot."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


class Installation:
    """A state directory of its own, and the processes of ``manage.py`` on it."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    def manage(self, *arguments, port=0):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PROMPTHUB_")}
        for address in ("DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"):
            environment.pop(address, None)
        environment |= {"PROMPTHUB_STATE_DIR": str(self.folder), "PROMPTHUB_PORT": str(port or free_port())}
        command = [sys.executable, "manage.py", *arguments]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.processes.append(process)
        return process

    def serve(self):
        """A server that answers, and its port."""
        port = free_port()
        process = self.manage("serve", port=port)
        said = ""
        while "serves at" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        return process, port

    def close(self):
        for process in self.processes:
            process.kill()
            process.communicate()
        self.processes.clear()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """An installation with a database."""
    installation = Installation(tmp_path_factory.mktemp("state"))
    process = installation.manage("migrate", "--no-input")
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return installation


@pytest.fixture(scope="module")
def running(migrated):
    """A running server that no test stops, and its port."""
    yield migrated.serve()
    migrated.close()


@pytest.fixture
def installation(tmp_path, migrated):
    """An installation of this test alone."""
    installation = Installation(tmp_path / "state")
    shutil.copytree(migrated.folder, installation.folder)
    yield installation
    installation.close()


@pytest.fixture
def empty(tmp_path):
    """An installation without a database."""
    installation = Installation(tmp_path)
    yield installation
    installation.close()


def ended(process):
    """Wait for the end: the status, and everything said."""
    said, _ = process.communicate(timeout=SECONDS)
    return process.returncode, said


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_serve_answers_and_stops_within_ten_seconds_of_sigterm(installation):
    process, port = installation.serve()
    assert get(port, "/healthz") == 200
    assert get(port, "/readyz") == 200
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    status, said = ended(process)
    assert (status, "Traceback" in said) == (0, False), said
    assert time.monotonic() - began < 10


def test_serve_starts_again_after_a_kill_and_stops_on_ctrl_c_without_complaint(installation):
    process, _ = installation.serve()
    process.kill()
    process.wait()
    process, port = installation.serve()
    assert get(port, "/healthz") == 200
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert (status, "Traceback" in said) == (0, False), said


def test_a_second_server_on_the_same_state_directory_is_refused(running, migrated):
    process, _ = running
    status, said = ended(migrated.manage("serve"))
    assert status == 1
    assert str(process.pid) in said
    assert "PROMPTHUB_STATE_DIR" in said


def test_clients_that_never_finish_their_request_do_not_silence_the_server(running):
    _, port = running
    with ExitStack() as stack:
        for _ in range(40):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"POST /prompt/templates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx")
        assert get(port, "/healthz") == 200


def test_a_busy_port_is_named_with_its_setting(installation):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, said = ended(installation.manage("serve", port=taken.getsockname()[1]))
    assert status == 1
    assert "PROMPTHUB_PORT" in said


def test_a_database_behind_the_code_is_refused(empty):
    status, said = ended(empty.manage("serve"))
    assert status == 1
    assert "manage.py migrate" in said


def test_lost_keys_are_refused_rather_than_made_anew(migrated, empty):
    (empty.folder / "prompthub.sqlite3").write_bytes((migrated.folder / "prompthub.sqlite3").read_bytes())
    status, said = ended(empty.manage("serve"))
    assert status == 1
    assert "missing although" in said
    assert not (empty.folder / "secret.key").exists()
