"""How often one actor may call: the generic cell rate algorithm, one number per actor, in this process."""

from __future__ import annotations

import math
import threading
import time
from functools import cache

from django.conf import settings

from foundation.actors import Actor
from prompthub_kernel.errors import Refused

SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
REMEMBERED = 10_000

_lock = threading.Lock()
_earliest: dict[str, float] = {}


def require(actor: Actor) -> None:
    """Count one call. Raises ``429.rate_limited`` with ``retry_after`` in whole seconds when the allowance is used up.

    The allowance is ``settings.API_RATE`` (``600/min``): as many calls at once, refilled evenly. Every process
    counts for itself.
    """
    calls, seconds = rate(settings.API_RATE)
    spacing = seconds / calls
    now = time.monotonic()
    key = f"{actor.kind}:{actor.id}"
    with _lock:
        if len(_earliest) > REMEMBERED:
            _forget(now)
        due = max(_earliest.get(key, now), now) + spacing
        wait = due - now - seconds
        if wait <= 0:
            _earliest[key] = due
    if wait > 0:
        pause = max(1, math.ceil(wait))
        raise Refused("429.rate_limited", f"Try again in {pause} s.", context={"retry_after": pause})


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


def _forget(now: float) -> None:
    for key in [key for key, due in _earliest.items() if due <= now]:
        del _earliest[key]
