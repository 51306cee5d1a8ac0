"""A server process that tests start, stop, kill and start again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

START_SECONDS = 30.0
STOP_SECONDS = 20.0
LOOPBACK = "127.0.0.1"


class Service:
    """One server on one loopback port, with a folder of its own.

    A subclass says how it is called (``command``), when it is ready (``ready``) and which signals stop it.
    """

    name = ""
    modes: dict[str, signal.Signals] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for ``DATABASE_URL``, ``CELERY_BROKER_URL`` or ``REDIS_URL``."""
        raise LookupError

    @property
    def pid(self) -> int:
        """The process id of the server while it runs. Raises RuntimeError when it does not."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers. Raises RuntimeError with the end of its log when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with self.log.open("ab") as log:
                process = self._launch(log)
            self._process = process
            while process.poll() is None and time.monotonic() < deadline:
                if self.ready():
                    return
                time.sleep(0.02)
            # After a kill, what the children of the dead server hold is free a moment later: try again.
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self, mode: str = "fast") -> None:
        """Stop it in one of its modes and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(self.modes[mode])
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self, mode: str = "fast") -> None:
        """Stop it in ``mode`` if it runs, then start it on the same port with what it had kept."""
        self.stop(mode)
        self.start()

    def ready(self) -> bool:
        """Whether it answers."""
        raise LookupError

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        raise LookupError


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
