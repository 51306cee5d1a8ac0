"""The large installation starts by the very commands of docker-compose.yml, on real PostgreSQL and Redis."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import yaml
from cryptography.fernet import Fernet

from tests.services import free_port, postgres, redis

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

SECONDS = 60


class Installation:
    """The parts of compose as processes of this machine, with the addresses of this machine's servers."""

    def __init__(self, database, broker, folder):
        self.folder = folder
        self.database = database
        self.port, self.metrics_port = free_port(), free_port()
        here = Path(sys.executable).parent
        # Like a container: nothing but what compose says, and no state directory.
        self.environment = {
            "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}",
            "DATABASE_URL": database.url,
            "CELERY_BROKER_URL": broker.url,
            "REDIS_URL": broker.url,
            "PROMPTHUB_SECRET_KEY": "k" * 64,
            "PROMPTHUB_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PROMPTHUB_PORT": str(self.port),
            "PROMPTHUB_ALLOWED_HOSTS": COMPOSE["web"]["environment"]["PROMPTHUB_ALLOWED_HOSTS"].replace(
                "${PROMPTHUB_ALLOWED_HOSTS:-localhost}", "hub.example.com"
            ),
        }
        for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def start(self, part):
        environment = dict(self.environment)
        if "PROMPTHUB_WORKER_METRICS_PORT" in COMPOSE[part]["environment"]:
            environment["PROMPTHUB_WORKER_METRICS_PORT"] = str(self.metrics_port)
        with self.log(part).open("ab") as log:
            return subprocess.Popen(COMPOSE[part]["command"], cwd=ROOT, env=environment, stdout=log, stderr=log)

    @contextmanager
    def running(self, *parts):
        processes = {part: self.start(part) for part in parts}
        try:
            yield processes
        finally:
            for process in processes.values():
                process.kill()
                process.wait()

    def log(self, part):
        return self.folder / f"{part}.log"

    def get(self, path, *, port=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"X-Forwarded-Proto": "https"} | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def act(self, slug="acme"):
        """Write one event to the ledger, through a verb, in a process of its own."""
        code = (
            "from django.utils.timezone import now; from foundation.actors import system; from tenancy import clients; "
            f"clients.create(slug='{slug}', name='{slug}', by=system(), at=now())"
        )
        command = [sys.executable, "manage.py", "shell", "--no-imports", "--command", code]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def asked(self, query):
        """The single value that the database answers."""
        with psycopg.connect(self.database.url) as connection:
            [value] = connection.execute(query).fetchone()
        return value


@pytest.fixture
def installation(tmp_path):
    """Servers of its own for every test: what one migrated must not be found by another."""
    with postgres() as database, redis() as broker:
        yield Installation(database, broker, tmp_path)


def until(condition, *, what, log=None):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"not within {SECONDS} s: {what}\n{log.read_text(errors='replace')[-3000:] if log else ''}")


@pytest.mark.parametrize("part", ["web", "worker"])
def test_before_migrate_nothing_starts_and_it_says_what_to_do(installation, part):
    process = installation.start(part)
    assert process.wait(SECONDS) != 0
    assert "manage.py migrate" in installation.log(part).read_text()


def test_the_commands_of_compose_serve_work_and_stop(installation):
    assert installation.start("migrate").wait(SECONDS) == 0, installation.log("migrate").read_text()
    with installation.running("web", "worker", "beat") as processes:
        until(lambda: installation.get("/readyz")[0] == 200, what="/readyz", log=installation.log("web"))
        assert installation.get("/healthz")[0] == 200
        assert installation.get("/static/portal/css/portal.css")[0] == 200
        assert "No directory at" not in installation.log("web").read_text()
        assert 'suggestions_total{outcome="ready",provider="null"} 0.0' in installation.get("/metrics")[1]
        installation.act()
        until(
            lambda: installation.asked("SELECT count(*) FROM prompthub_audit_auditlink") > 0,
            what="beat rings for the ledger's chain, the worker extends it",
            log=installation.log("worker"),
        )
        status, figures = installation.get("/metrics", port=installation.metrics_port)
        assert status == 200
        assert "deliveries_readable 1.0" in figures
        assert 'suggestions_total{outcome="ready",provider="null"} 0.0' in figures
        for part, process in processes.items():
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0, (part, installation.log(part).read_text()[-3000:])
            assert time.monotonic() - began < 12, part
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'prompthub' AND pid <> pg_backend_pid()"
    assert installation.asked(ours) == 0
