"""How often one actor may call: the generic cell rate algorithm, one number per actor.

All processes count together in Redis (``REDIS_URL``); without one, and while it does not answer, each for itself.
Of a large allowance a process takes a hundredth at a time, so that not every call asks Redis.
"""

from __future__ import annotations

import math
import threading
import time
from functools import cache

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from foundation.actors import Actor
from prompthub_kernel.errors import Refused

SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
REMEMBERED = 10_000
PATIENCE = 0.1  # seconds for an answer of Redis
SHARES = 100  # a process takes this part of the allowance at once …
HELD = 1.0  # … and holds it for as long as it takes to be given back, or these seconds
PAUSE = 5.0  # seconds without asking a Redis that did not answer
KEYS = "prompthub:calls:"
COUNT = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1e6
local due = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now) + ARGV[1]
local wait = due - now - ARGV[2]
if wait <= 0 then
  redis.call('SET', KEYS[1], string.format('%.6f', due), 'PX', math.ceil((due - now) * 1000))
end
return string.format('%.6f', wait)
"""

log = structlog.get_logger(__name__)
_alone_until = 0.0
_lock = threading.Lock()
_earliest: dict[str, float] = {}
_taken: dict[str, tuple[int, float]] = {}  # calls left of what was taken, and until when they may be made


def require(actor: Actor) -> None:
    """Count one call. Raises ``429.rate_limited`` with ``retry_after`` in whole seconds when the allowance is used up.

    The allowance is ``settings.API_RATE`` (``600/min``): as many calls at once, refilled evenly.
    """
    calls, seconds = rate(settings.API_RATE)
    counted = key(actor)
    wait = _counted_together(counted, calls, seconds)
    if wait is None:
        wait = _counted_here(counted, seconds / calls, seconds)
    if wait > 0:
        pause = max(1, math.ceil(wait))
        raise Refused("429.rate_limited", f"Try again in {pause} s.", context={"retry_after": pause})


def spend(key: str) -> bool:
    """Count one call of the actor with this :func:`key`, if nobody need be asked and it has one left; else none.

    For calls that must not wait; whoever hears False goes on to :func:`require`.
    """
    if settings.REDIS_URL and (now := time.monotonic()) >= _alone_until:
        return _had_taken(key, now)
    calls, seconds = rate(settings.API_RATE)
    return _counted_here(key, seconds / calls, seconds) <= 0


def key(actor: Actor) -> str:
    """Under which word the calls of an actor are counted."""
    return f"{actor.kind}:{actor.id}"


@cache
def rate(words: str) -> tuple[int, int]:
    """``600/min`` as calls and seconds. Raises ValueError for anything else."""
    calls, _, period = words.partition("/")
    if not calls.isdigit() or int(calls) < 1 or period not in SECONDS:
        raise ValueError(f"a rate is calls/period with a period of {', '.join(SECONDS)}: {words!r}")
    return int(calls), SECONDS[period]


def forget() -> None:
    """Give everybody a full allowance."""
    with _lock:
        _earliest.clear()
        _taken.clear()
    if settings.REDIS_URL:
        for key in _redis(settings.REDIS_URL).scan_iter(f"{KEYS}*"):
            _redis(settings.REDIS_URL).delete(key)


def _counted_together(key: str, calls: int, seconds: int) -> float | None:
    """Seconds to wait, 0 or less for none, by Redis' clock; None when there is no Redis to ask."""
    global _alone_until  # noqa: PLW0603 - one for the process, and a race about it costs one question
    now = time.monotonic()
    if not settings.REDIS_URL or now < _alone_until:
        return None
    if _had_taken(key, now):
        return 0.0
    share = max(1, calls // SHARES)
    try:
        wait = _asked(key, share, calls, seconds)
        if wait > 0 and share > 1:
            share, wait = 1, _asked(key, 1, calls, seconds)
    except RedisError as error:
        _alone_until = now + PAUSE
        log.warning("throttling.alone", error=type(error).__name__, seconds=PAUSE)
        return None
    if wait <= 0 and share > 1:
        with _lock:
            _taken[key] = share - 1, now + max(HELD, seconds / SHARES)
    return wait


def _asked(key: str, share: int, calls: int, seconds: int) -> float:
    """Count so many calls in Redis, all or none: seconds to wait."""
    return float(_script(settings.REDIS_URL)(keys=[KEYS + key], args=[share * seconds / calls, seconds]))


def _had_taken(key: str, now: float) -> bool:
    """Use a call of those that were taken. They end soon, so that none is saved up."""
    with _lock:
        left, until = _taken.get(key, (0, 0.0))
        if left and now < until:
            _taken[key] = left - 1, until
            return True
        _taken.pop(key, None)
    return False


def _counted_here(key: str, spacing: float, seconds: float) -> float:
    now = time.monotonic()
    with _lock:
        if len(_earliest) > REMEMBERED:
            _forget(now)
        due = max(_earliest.get(key, now), now) + spacing
        wait = due - now - seconds
        if wait <= 0:
            _earliest[key] = due
    return wait


@cache
def _redis(url: str) -> Redis:
    never = Retry(NoBackoff(), 0)
    return Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=never)


@cache
def _script(url: str) -> Script:
    return _redis(url).register_script(COUNT)


def _forget(now: float) -> None:
    for key in [key for key, due in _earliest.items() if due <= now]:
        del _earliest[key]
