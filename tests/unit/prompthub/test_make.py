"""`make run` looks before it works on anything."""

from __future__ import annotations

import errno
import os
import socket

import pytest

import make
from prompthub.embedded import sole_server


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """What `make run` started, with nothing really started."""
    started = []
    monkeypatch.setenv("PROMPTHUB_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    monkeypatch.setattr(make, "environment", lambda requirements: None)
    monkeypatch.setattr(make, "_free", lambda host, port, name: None)

    def manage(*arguments):
        started.append(arguments[0])
        raise make.Failed("far enough")

    monkeypatch.setattr(make, "_manage", manage)
    return started


def test_a_directory_that_is_served_is_left_alone(steps, tmp_path):
    with sole_server(tmp_path), pytest.raises(make.Failed, match=f"already.*{os.getpid()}"):
        make.run([])
    assert steps == []


def test_the_directory_is_told_before_the_port_of_the_same_server(steps, tmp_path, monkeypatch):
    def taken(host, port, name):
        raise make.Failed(f"Set {name}")

    monkeypatch.setattr(make, "_free", taken)
    with sole_server(tmp_path), pytest.raises(make.Failed, match="already"):
        make.run([])


@pytest.mark.parametrize("below", ["", "new"])
def test_a_directory_that_nobody_serves_is_worked_on(steps, tmp_path, monkeypatch, below):
    monkeypatch.setenv("PROMPTHUB_STATE_DIR", str(tmp_path / below))
    monkeypatch.setenv("PROMPTHUB_EGRESS_ALLOW", "")
    with pytest.raises(make.Failed, match="far enough"):
        make.run([])
    assert steps == ["migrate"]
    with sole_server(tmp_path / below):  # looking took nothing away
        pass


def test_one_port_for_two_servers_is_told_before_anything_is_done(steps, monkeypatch):
    monkeypatch.setenv("PROMPTHUB_PORT", "8123")
    monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", "8123")
    with pytest.raises(make.Failed, match="two ports"):
        make.run([])
    assert steps == []


@pytest.mark.parametrize("value", ["٨٠٨٠", "²", "eight", "0", "65536"])
def test_a_port_in_other_digits_or_out_of_range_is_told(steps, monkeypatch, value):
    monkeypatch.setenv("PROMPTHUB_PORT", value)
    with pytest.raises(make.Failed, match="PROMPTHUB_PORT must be a port number"):
        make.run([])
    assert steps == []


@pytest.mark.parametrize("host", ["999.1.1.1", "a..b", "192.0.2.1", "2001:db8::1"])
def test_a_host_that_is_not_this_machine_is_told_as_that(host):
    with pytest.raises(make.Failed, match="Set PROMPTHUB_HOST") as told:
        make._free(host, 8223, "PROMPTHUB_PORT")
    assert "PROMPTHUB_PORT" not in str(told.value)


def test_a_taken_port_is_told_with_the_next_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(make.Failed, match=f"Set PROMPTHUB_PORT .*PROMPTHUB_PORT={port + 1} make run"):
            make._free("127.0.0.1", port, "PROMPTHUB_PORT")


def test_after_the_last_port_comes_no_other(monkeypatch):
    def taken(probe, address):
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(make.socket.socket, "bind", taken)
    with pytest.raises(make.Failed, match="PROMPTHUB_PORT=65534 make run"):
        make._free("127.0.0.1", 65535, "PROMPTHUB_PORT")
