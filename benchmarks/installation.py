"""A large installation on this machine: the web processes that docker-compose.yml and deploy/web.yaml start.

PostgreSQL and Redis are real ones, and every commit is written to disk. PostgreSQL has as much of the memory as its
manual recommends at most, so that a machine without a file cache is not what is measured (ADR 33). No worker runs: it
is the server that counts.
"""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks.load import HOST, Connection
from tests.services import Postgres, free_port, postgres, redis

ROOT = Path(__file__).resolve().parents[1]
WEB = 2  # deploy/web.yaml: replicas
START_SECONDS = 180
CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")


@dataclass
class Installation:
    """One database of ours and the processes that serve it; ``more`` is further environment."""

    database_url: str
    broker_url: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(
        default_factory=lambda: {
            "PROMPTHUB_SECRET_KEY": secrets.token_urlsafe(50),
            "PROMPTHUB_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
    )

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the installation is started with: no rate limit, plain HTTP as behind a proxy."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return {
            "PATH": path,
            "HOME": os.environ.get("HOME", "/"),
            "DATABASE_URL": self.database_url,
            "CELERY_BROKER_URL": self.broker_url,
            "REDIS_URL": self.broker_url,
            "PROMPTHUB_HTTPS": "off",
            "PROMPTHUB_API_RATE": "1000000/sec",
            "DJANGO_SETTINGS_MODULE": "prompthub.settings",
            **self.keys,
            **self.more,
        }

    @property
    def pids(self) -> list[int]:
        """The web processes."""
        return [process.pid for process in self.processes]

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed."""
        return self._ran("manage.py", *arguments)

    def run(self, *arguments: str) -> str:
        """Run Python with the environment of the installation and return the last line it printed."""
        return self._ran(*arguments).strip().splitlines()[-1]

    def _ran(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} {arguments[1]} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
        return done.stdout

    def shell(self, code: str) -> str:
        """Run Python inside the product and return the last line it printed."""
        return self.manage("shell", "--no-imports", "--command", code).strip().splitlines()[-1]

    def serve(self, count: int = WEB) -> None:
        """Start web processes and wait until they are ready."""
        for _ in range(count):
            port = free_port()
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment | {"PROMPTHUB_PORT": str(port)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self.processes.append(process)
            self.ports.append(port)
        for process, port in zip(self.processes, self.ports, strict=True):
            until_ready(process, port, "/readyz")

    def connect(self, index: int, token: str) -> Connection:
        """A connection to one of the web processes, in turn, as a load balancer gives them."""
        return Connection(self.ports[index % len(self.ports)], headers={"Authorization": f"Bearer {token}"})

    def stop(self) -> None:
        """End the web processes."""
        end(self.processes)


@contextmanager
def servers() -> Iterator[tuple[Postgres, str]]:
    """PostgreSQL, and the address of a Redis."""
    with postgres(settings={"shared_buffers": f"{_memory_mb() * 2 // 5}MB"}) as database, redis() as broker:
        yield database, broker.url


def _memory_mb() -> int:
    """What this machine has, or its container may use."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    allowed = CONTAINER_MEMORY.read_text(encoding="ascii").strip() if CONTAINER_MEMORY.exists() else "max"
    return min(machine, int(allowed) if allowed != "max" else machine) // 2**20


@contextmanager
def installation(server: Postgres, broker: str, name: str, *, web: int = WEB) -> Iterator[Installation]:
    """An installation with a migrated database of its own on the server, being served by ``web`` processes."""
    made = Installation(create_database(server, name), broker)
    with ExitStack() as stack:
        stack.callback(made.stop)
        made.manage("migrate", "--no-input", "--verbosity", "0")
        if web:
            made.serve(web)
        yield made


def create_database(server: Postgres, name: str) -> str:
    """Make an empty database and return its address."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlsplit(server.url)._replace(path=f"/{name}").geturl()


def settle(connection: psycopg.Connection) -> None:
    """Leave what was written at once as it is when it has lain a while: looked through, counted, and on the disk.

    Else the database goes on writing it down for minutes, and every commit that is measured meanwhile waits for that.
    """
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")


def until_ready(process: subprocess.Popen[Any], port: int, path: str, *, any_status: bool = False) -> None:
    """Wait for a 2xx, or whatever answer. Raises RuntimeError when the process ends first, or takes minutes."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = Connection(port)
            status, _ = connection.call("GET", path)
            connection.close()
            if any_status or 200 <= status < 300:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"no answer from {HOST}:{port}{path}; status of the process: {process.poll()}")


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End processes politely, and with force what does not listen."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
