"""A worker whose broker dies while it works goes on by itself: nothing restarts it here."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from celery import current_app
from kombu import Connection

from tests.faults.held import HOLD
from tests.faults.rig import POOLS, ROOT, WORKER, Part
from tests.services import redis

SECONDS = 60.0

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.postgresql]


class Crew:
    """One worker of the large installation with one thread or child, and its Redis."""

    def __init__(self, folder, broker, pool):
        self.folder = folder
        self.broker = broker
        environment = {**os.environ, "PROMPTHUB_STATE_DIR": str(folder), "CELERY_BROKER_URL": broker.url}
        environment["DATABASE_URL"] = f"sqlite:///{folder}/rows.sqlite3"
        migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        command = [*WORKER, *POOLS[pool], "--concurrency", "1", "--include", "tests.faults.held"]
        self.log = folder / "worker.log"
        self.worker = Part("worker", command, environment, self.log)

    def send(self, *names):
        with Connection(self.broker.url) as connection:
            for name in names:
                current_app.send_task(HOLD, kwargs={"folder": str(self.folder), "name": name}, connection=connection)

    def await_that(self, holds):
        until = time.monotonic() + SECONDS
        while not holds():
            assert self.worker.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)

    def await_file(self, name):
        self.await_that((self.folder / name).exists)


@pytest.fixture(params=POOLS)
def crew(request, tmp_path):
    with redis() as broker:
        made = Crew(tmp_path, broker, request.param)
        try:
            yield made
        finally:
            made.worker.end()


def test_a_worker_that_loses_redis_while_it_works_hears_of_new_work_when_redis_is_back(crew):
    crew.send("first", "second", "third")
    crew.await_file("first.runs")
    crew.broker.kill()
    crew.await_that(lambda: "Connection to broker lost" in crew.log.read_text())
    (crew.folder / "released").touch()
    crew.await_file("first.done")
    crew.broker.start()
    crew.send("last")
    crew.await_file("last.done")
    assert crew.worker.process.poll() is None
    assert "Unrecoverable" not in crew.log.read_text()
    assert "EMERGENCY" not in crew.log.read_text()
