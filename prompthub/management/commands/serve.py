"""``manage.py serve``: the web server and, in the embedded edition, worker and beat in the same process."""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any, NoReturn

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from foundation import ending
from prompthub import starting
from prompthub.connections import Connection
from prompthub.embedded import Embedded, Taken, sole_server
from publishing import lanes

YOUNG_OBJECTS = 20_000
"""Objects between two looks of Python's garbage collector: a request makes some thousands, nearly all of which are gone
with it. At Python's own 700 the collector took a sixth of the time of a request."""
STOP_SECONDS = 9.5  # an orchestrator that waits ten seconds sees a process that ended by itself


class Server(uvicorn.Server):
    """uvicorn that says when it listens and when it is told to stop."""

    def __init__(self, config: uvicorn.Config, *, listening: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)


class Command(BaseCommand):
    help = "Serve PromptHub at PROMPTHUB_HOST:PROMPTHUB_PORT; without a broker, also do its background work."

    def handle(self, *args: Any, **options: Any) -> None:
        if found := starting.refusals():
            raise CommandError("\n".join(found))
        with ExitStack() as stack:
            if embedded := settings.CELERY_BROKER_URL.startswith("memory:"):
                try:
                    stack.enter_context(sole_server(settings.STATE_DIR))
                except Taken as error:
                    raise CommandError(str(error)) from error
                if connection.vendor == "sqlite":
                    lanes.clear_leases()
            self._serve(_listen(settings.HOST, settings.PORT), embedded=embedded)

    def _serve(self, listener: socket.socket, *, embedded: bool) -> None:
        died = threading.Event()
        worker: Embedded | None = None

        def stopping() -> None:
            ending.begun.set()
            if worker:
                worker.begin_stop()
            deadline = threading.Timer(STOP_SECONDS, _give_up)
            deadline.daemon = True
            deadline.start()

        def on_death() -> None:
            died.set()
            server.should_exit = True

        config = uvicorn.Config(
            "prompthub.asgi:application",
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=8,
        )
        server = Server(config, listening=self._listening, stopping=stopping)
        # uvicorn stops gracefully, then raises the signal once more.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        if embedded:
            worker = Embedded(on_death=on_death)
            worker.start()
        try:
            server.run(sockets=[listener])
        finally:
            if worker:
                worker.stop(seconds=STOP_SECONDS)
        if died.is_set():
            raise CommandError("The background worker ended by itself; the log says why.")

    def _listening(self) -> None:
        gc.collect()
        gc.freeze()  # what is loaded by now stays
        gc.set_threshold(YOUNG_OBJECTS)
        self._announce()

    def _announce(self) -> None:
        self.stdout.write(f"PromptHub serves at http://{settings.HOST}:{settings.PORT}/")
        welcome = settings.STATE_DIR / "welcome.txt"
        if settings.EMBEDDED and welcome.exists():
            self.stdout.write(welcome.read_text(encoding="utf-8").rstrip())
        self.stdout.flush()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, port, family)  # create_server does not tell an unknown name from other errors
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        elsewhere = isinstance(error, socket.gaierror) or error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
        remedy = "PROMPTHUB_HOST to an address of this machine" if elsewhere else "PROMPTHUB_PORT to a free port"
        raise CommandError(f"Cannot listen on {host}:{port} ({error.strerror}). Set {remedy}.") from error
    # Every connection inherits it. An answer leaves in two pieces, and the second one would otherwise wait some 40 ms
    # until the client has acknowledged the first; asyncio only sees to that for sockets it has opened itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _leave(*_: Any) -> NoReturn:
    raise SystemExit(0)


def _give_up() -> NoReturn:
    sys.stderr.write("PromptHub stops with work unfinished; it goes on at the next start.\n")
    sys.stderr.flush()
    os._exit(1)
