"""Is the process alive, is it ready, and what is wrong if not: for orchestrators and for people."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from kombu import Connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from audit import chain
from foundation import database_errors, room
from foundation.clock import database_now
from prompthub import starting
from publishing import metrics
from registry import packs

REMEMBER_SECONDS = 10.0  # migrations and triggers do not change every second, and probes come every few
BROKER_SECONDS = 1.0  # to connect, and for each answer
REDIS = {"redis", "rediss"}
LATE_SECONDS = 60.0  # work that waits longer than this shows that no worker is there


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Neither ``ok`` nor ``fatal`` is a warning: the service still serves."""

    name: str
    ok: bool
    detail: str = ""
    fatal: bool = False

    def as_json(self) -> dict[str, Any]:
        """For ``/readyz``."""
        status = "ok" if self.ok else ("failed" if self.fatal else "warning")
        return {"status": status, **({"detail": self.detail} if self.detail else {})}


@dataclass(slots=True)
class _Memory:
    until: float = 0.0
    problems: tuple[str, ...] = ()


_started = _Memory()


def readiness() -> list[Finding]:
    """What must hold to serve (database, schema, triggers, keys), and what should (broker, worker, queue)."""
    base = _base()
    found = [base, _broker()]
    if not base.fatal:
        found += _work()
    return found


def forget() -> None:
    """Look again at everything at the next probe."""
    _started.until = 0.0


def _base() -> Finding:
    """The start-up checks, remembered for a moment while they hold; whether the database answers, and takes writes."""
    if time.monotonic() >= _started.until:
        _started.problems = tuple(starting.problems())
        _started.until = 0.0 if _started.problems else time.monotonic() + REMEMBER_SECONDS
    detail = "; ".join(_started.problems)
    if not detail:
        detail = _database_answers()
    if detail:
        return Finding("database", ok=False, detail=detail, fatal=True)
    # A warning: what is read goes on, and nobody is helped when that ends too.
    full = room.lacking()
    return Finding("database", ok=not full, detail=full)


def _database_answers() -> str:
    try:
        database_now()
    except DatabaseError as error:
        forget()
        return database_errors.cause(error) or f"The database does not answer ({type(error).__name__})."
    return ""


def _broker() -> Finding:
    """Whether the broker takes our word. Without it deliveries start a second later, by the sweep."""
    if settings.CELERY_BROKER_URL.startswith("memory:"):
        return Finding("broker", ok=True, detail="in this process")
    address = current_app.connection_for_write()
    try:
        _reach(address)
    except (OSError, RedisError) as error:
        cause = error.__context__ or error
        why = "not reachable" if isinstance(cause, OSError) else "refuses us"
        detail = f"{why} ({type(cause).__name__}); deliveries start by the sweep"
        return Finding("broker", ok=False, detail=detail)
    return Finding("broker", ok=True)


def _reach(address: Connection) -> None:
    """Redis must answer PING, as workers sign in there; of another broker the port must take a connection."""
    if address.transport_cls not in REDIS:
        with socket.create_connection((address.hostname, address.port), timeout=BROKER_SECONDS):
            return
    with Redis(
        host=address.hostname or "127.0.0.1",
        port=address.port or 6379,
        username=address.userid,
        password=address.password,
        socket_timeout=BROKER_SECONDS,
        socket_connect_timeout=BROKER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        ssl=bool(address.ssl),
        **(address.ssl or {}),
    ) as client:
        client.ping()


def _work() -> list[Finding]:
    checks: tuple[Callable[[], Finding], ...] = (_worker, _queue, *([_packs] if settings.PACKS["defaults"] else []))
    try:
        return [check() for check in checks]
    except DatabaseError as error:
        forget()
        detail = database_errors.cause(error) or f"could not be read ({type(error).__name__})"
        return [Finding("work", ok=False, detail=detail, fatal=True)]


def _worker() -> Finding:
    """A worker links every audit event within a second; one that waits for long shows that none is at work."""
    waiting = chain.oldest_unlinked()
    seconds = (timezone.now() - waiting).total_seconds() if waiting else 0.0
    if seconds <= LATE_SECONDS:
        return Finding("worker", ok=True)
    detail = f"nothing was done for {int(seconds)} s; is a worker, and is beat, running?"
    return Finding("worker", ok=False, detail=detail)


def _queue() -> Finding:
    present = metrics.queue()
    parts = [f"{count} {state}" for state, count in present.depth.items() if count]
    if present.dead_letters:
        parts.append(f"{present.dead_letters} buried")
    late = present.oldest_seconds > LATE_SECONDS
    if present.oldest:
        parts.append(f"the oldest for {int(present.oldest_seconds)} s")
    return Finding("queue", ok=not late, detail=", ".join(parts))


def _packs() -> Finding:
    """Whether the releases that the settings name for packs are there; one that is not is stood in for."""
    unknown = packs.unknown_defaults()
    return Finding("packs", ok=not unknown, detail=" ".join(unknown))
