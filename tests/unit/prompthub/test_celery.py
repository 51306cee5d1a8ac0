"""A worker counts in its children and shows the sum."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client.values import MultiProcessValue

from prompthub import celery, starting
from tests.services import free_port


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def count(*, pid, kind="counter", name="jobs_total", amount=1.0, mode=""):
    """What the child process ``pid`` would write."""
    value = MultiProcessValue(lambda: pid)(kind, name, name, (), (), "Jobs", multiprocess_mode=mode)
    value.inc(amount)


def test_metrics_of_a_worker_are_the_sum_of_its_children(folder):
    count(pid=1, amount=2)
    count(pid=2, amount=3)
    port = free_port()
    celery.serve_metrics(port=port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert "jobs_total 5.0" in answer.read().decode()


def test_a_taken_metrics_port_is_named_with_its_setting(folder):
    with (
        socket.create_server(("0.0.0.0", 0)) as taken,
        pytest.raises(SystemExit, match="PROMPTHUB_WORKER_METRICS_PORT"),
    ):
        celery.serve_metrics(port=taken.getsockname()[1])


def test_a_child_that_ended_leaves_its_counts_but_no_live_gauge(folder):
    count(pid=7)
    count(pid=7, kind="gauge", name="busy", mode="livesum")
    celery.forget_gauges(pid=7)
    assert [path.name for path in folder.iterdir()] == ["counter_7.db"]


def test_without_shared_files_there_is_nothing_to_forget(monkeypatch, tmp_path):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    celery.forget_gauges(pid=7)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_may_not_start_says_why(monkeypatch):
    monkeypatch.setattr(starting, "refusals", lambda: ["No database."])
    with pytest.raises(SystemExit, match="No database"):
        celery.check_and_expose()


def test_a_worker_never_gives_up_on_its_broker():
    assert celery.app.conf.broker_connection_retry is True
    assert celery.app.conf.broker_connection_max_retries is None
