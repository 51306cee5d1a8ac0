"""The wire an adapter is given: one lease, one total deadline, one way out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from django.conf import settings

from foundation import egress
from foundation.egress import Answer, EgressNotSent


class LeasedWire:
    """Renews the lease before each call and stops when the time is used up: ``seconds``, or a delivery's.

    ``renew`` raises ``lanes.LeaseLost`` when the lane was taken over, so that a worker that slept past its lease
    sends nothing more. ``now`` is the database's time, carried on by a monotonic clock.
    """

    def __init__(self, *, now: float, renew: Callable[[], None] | None = None, seconds: float | None = None) -> None:
        self._renew = renew
        self._started = time.monotonic()
        self._now = now
        self._seconds: float = settings.PUBLISHING["call_seconds"] if seconds is None else seconds
        self.wrote = False  # whether the provider may have got something else than a question

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = 65_536,
    ) -> Answer:
        """One HTTP call through ``foundation.egress``, within what is left of the total deadline."""
        if self._renew is not None:
            self._renew()
        left = self.left()
        if left <= 0:
            raise EgressNotSent("the time for this delivery is used up")
        self.wrote = self.wrote or method not in {"GET", "HEAD"}
        return egress.request(
            method=method, url=url, headers=headers, content=content, deadline=left, max_bytes=max_bytes
        )

    def left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._seconds - (time.monotonic() - self._started)

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._now + (time.monotonic() - self._started)
