"""The embedded edition: worker and beat as threads of the server's own process, over ``memory://``."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from celery.beat import Service
from celery.worker import WorkController, state

from prompthub.celery import app

log = structlog.get_logger(__name__)

# Deliveries wait for providers, so threads are many and cheap: one hanging provider must not hold the others up.
THREADS = 16


class Taken(Exception):
    """Another server holds the state directory; ``str()`` says who and what to do."""


@contextmanager
def sole_server(folder: Path) -> Iterator[None]:
    """Hold the state directory, so that one embedded server at most works on it.

    The lock dies with the process, also under ``kill -9``: whoever gets it knows that no lease is alive.
    Raises Taken.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "server.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise Taken(
                f"PromptHub serves {folder} already (process {owner}). Stop it, or set PROMPTHUB_STATE_DIR to "
                "another directory and PROMPTHUB_PORT to another port."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class Embedded:
    """One Celery worker and one beat, each in a thread.

    :param on_death: called from the dying thread when one of them ends without having been told to.
    """

    def __init__(self, *, on_death: Callable[[], None]) -> None:
        state.should_stop = None
        app.conf.worker_enable_remote_control = False
        self._on_death = on_death
        self._stopping = threading.Event()
        # Not app.Worker: that one installs signal handlers, which only the main thread may.
        self._worker = WorkController(
            app=app,
            hostname="embedded@prompthub",
            pool="threads",
            concurrency=THREADS,
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # In memory: the default scheduler keeps a file, which a kill -9 can leave half written.
        self._beat = Service(app, scheduler_cls="celery.beat:Scheduler", max_interval=1, remote_control=False)
        self._threads = [
            threading.Thread(target=self._run, args=(start,), name=name, daemon=True)
            for name, start in (("worker", self._worker.start), ("beat", self._beat.start))
        ]

    def start(self) -> None:
        """Begin to work; returns at once."""
        for thread in self._threads:
            thread.start()

    def begin_stop(self) -> None:
        """Take no more work; what runs goes on. Returns at once, may be called from a signal."""
        self._stopping.set()
        self._beat.stop(wait=False)
        state.should_stop = os.EX_OK

    def stop(self, *, seconds: float) -> bool:
        """Take no more work and wait up to ``seconds`` for what runs: whether all of it ended."""
        self.begin_stop()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, start: Callable[[], None]) -> None:
        try:
            start()
        except BaseException:
            log.exception("embedded.died", thread=threading.current_thread().name)
        finally:
            if not self._stopping.is_set():
                self._on_death()
