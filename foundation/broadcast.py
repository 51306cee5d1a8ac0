"""What moved, told once it is committed: in this process at once, in the others through Redis where there is one.

A broadcast may be lost, and nothing true depends on it: whoever listens also looks for himself, by a counter that the
database keeps. It only makes others hear sooner. Verbs tell with ``after_commit(broadcast.tell, "bundle", bundle=…)``.

Topics: ``bundle`` (``bundle``: the id; a name of it points elsewhere, or a release of it was made or marked).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from functools import cache

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

Listener = Callable[[dict[str, str]], None]

CHANNEL = "prompthub:moved"
PATIENCE = 0.1
"""Seconds for Redis to take a message: whoever activates waits for it."""
PAUSE = 5.0
"""Seconds without telling a Redis that did not answer, and at most before it is listened to again."""

log = structlog.get_logger(__name__)
_PROCESS = uuid.uuid4().hex
_listeners: dict[str, list[Listener]] = defaultdict(list)
_alone_until = 0.0


def listen(topic: str, call: Listener) -> None:
    """Have ``call`` told the facts of every broadcast of a topic; in the teller's thread, so it must be quick."""
    if call not in _listeners[topic]:
        _listeners[topic].append(call)


def tell(topic: str, /, **facts: str) -> None:
    """Tell everybody who listens. Returns when this process has heard it; others may not hear it at all."""
    _hear(topic, facts)
    _publish(json.dumps({"from": _PROCESS, "topic": topic, "facts": facts}))


def attend() -> None:
    """Hear what other processes tell, in a thread that ends with this process. Without Redis there is nothing to do."""
    if settings.REDIS_URL:
        threading.Thread(target=_attend, args=(settings.REDIS_URL,), name="broadcast", daemon=True).start()


def heard(text: str | bytes) -> None:
    """A message of another process; what cannot be read was told by another release of PromptHub and is left."""
    try:
        message = json.loads(text)
        topic, facts = message["topic"], dict(message["facts"])
        own = message["from"] == _PROCESS
    except (ValueError, TypeError, KeyError):
        return
    if not own:
        _hear(topic, facts)


def _hear(topic: str, facts: dict[str, str]) -> None:
    for call in _listeners.get(topic, ()):
        call(facts)


def _publish(message: str) -> None:
    global _alone_until  # noqa: PLW0603 - one Redis, one memory of it in each process
    if not settings.REDIS_URL or time.monotonic() < _alone_until:
        return
    try:
        _redis(settings.REDIS_URL).publish(CHANNEL, message)
    except RedisError as error:
        _alone_until = time.monotonic() + PAUSE
        log.warning("broadcast.alone", error=type(error).__name__, seconds=PAUSE)


def _attend(url: str) -> None:
    while True:
        try:
            with Redis.from_url(url, health_check_interval=PAUSE).pubsub(ignore_subscribe_messages=True) as ear:
                ear.subscribe(CHANNEL)
                for message in ear.listen():
                    heard(message["data"])
        except RedisError as error:
            log.warning("broadcast.deaf", error=type(error).__name__, seconds=PAUSE)
        time.sleep(PAUSE)


@cache
def _redis(url: str) -> Redis:
    never = Retry(NoBackoff(), 0)
    return Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=never)
