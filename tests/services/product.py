"""The product as ``make run`` starts it: migrated, with the demo world, its provider and the embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Self

from tests.services.process import free_port

ROOT = Path(__file__).resolve().parents[2]


class Product:
    """A running embedded installation in ``folder``; ``provider`` is the port of its demo provider."""

    def __init__(self, folder: Path, *, provider: int, **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.provider = f"http://127.0.0.1:{provider}"
        self._provider = provider
        self._processes: list[subprocess.Popen[str]] = []
        self._readers: list[threading.Thread] = []
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PROMPTHUB_")}
        for address in ("DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"):
            kept.pop(address, None)
        self._environment = kept | {
            "PROMPTHUB_STATE_DIR": str(folder),
            "PROMPTHUB_PORT": str(self.port),
            "PROMPTHUB_PROVIDER_PORT": str(provider),
            "PROMPTHUB_EGRESS_ALLOW": f"127.0.0.1:{provider}",
            **variables,
        }

    @property
    def welcome(self) -> str:
        """What the server says to whoever has started it: addresses and the demo's logins."""
        return (self.folder / "welcome.txt").read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        """Return when the server answers."""
        try:
            self.run("migrate", "--verbosity", "0")
            self._start("provider", "--port", str(self._provider), until="")
            self.run("demo")
            self._start("serve", until="serves at")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, the hard way: nothing of it is needed any more."""
        for process in self._processes:
            process.kill()
            process.wait()
        for reader in self._readers:
            reader.join()
        for process in self._processes:
            if process.stdout:
                process.stdout.close()
        self._processes.clear()

    def run(self, *arguments: str) -> None:
        """A management command beside the server. Raises CalledProcessError when it fails."""
        command = self._manage(*arguments)
        subprocess.run(command, cwd=ROOT, env=self._environment, check=True, stdout=sys.stderr)

    def _manage(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def _start(self, *arguments: str, until: str) -> None:
        process = subprocess.Popen(
            self._manage(*arguments),
            cwd=ROOT,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._processes.append(process)
        said = line = process.stdout.readline() if process.stdout else ""
        while line and until not in said:
            line = process.stdout.readline() if process.stdout else ""
            said += line
        if not line:
            raise RuntimeError(f"{arguments[0]} did not start:\n{said}")
        # Read on: a log that nobody reads fills its pipe, and then the server waits for ever.
        reader = threading.Thread(target=deque, args=(process.stdout, 0), daemon=True)
        reader.start()
        self._readers.append(reader)
