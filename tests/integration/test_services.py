"""The servers that tests start come back after what tests do to them, with what they had promised to keep."""

from __future__ import annotations

import psycopg
import pytest
from redis import Redis as Client

from tests.services import postgres, redis

pytestmark = pytest.mark.slow


def test_postgresql_keeps_what_was_committed_over_crash_and_kill():
    with postgres() as database:
        with psycopg.connect(database.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
        database.restart("immediate")
        database.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database.url)
        database.start()
        with psycopg.connect(database.url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (1,)
        folder = database.folder
    assert not folder.exists()


def test_postgresql_takes_further_settings():
    with postgres(settings={"shared_buffers": "16MB"}) as database, psycopg.connect(database.url) as connection:
        assert connection.execute("SHOW shared_buffers").fetchone() == ("16MB",)


def test_redis_forgets_everything_when_killed():
    with redis() as broker:
        with Client.from_url(broker.url) as client:
            client.set("bell", "rung")
        broker.kill()
        broker.restart()
        with Client.from_url(broker.url) as client:
            assert client.get("bell") is None


def test_a_server_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr("tests.services.process.START_SECONDS", 0.5)
    with redis() as broker:
        broker.stop()
        broker.folder = broker.folder / "missing"
        with pytest.raises(RuntimeError, match=r"(?i)redis did not start[\s\S]*missing"):
            broker.start()
