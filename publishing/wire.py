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
    sends nothing more. ``now`` is the database's time, carried on by a monotonic clock. Only calls use up time: what
    is sent in the moment that a slow database left gets no answer, and with it a ``Retry-After`` would be lost.
    """

    def __init__(self, *, now: float, renew: Callable[[], None] | None = None, seconds: float | None = None) -> None:
        self._renew = renew
        self._started = time.monotonic()
        self._now = now
        self._left: float = settings.PUBLISHING["call_seconds"] if seconds is None else seconds
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
        """One HTTP call through ``foundation.egress``, within what earlier ones left of the time."""
        if self._renew is not None:
            self._renew()
        if self._left <= 0:
            raise EgressNotSent("the time for this delivery is used up")
        self.wrote = self.wrote or method not in {"GET", "HEAD"}
        began = time.monotonic()
        try:
            return egress.request(
                method=method, url=url, headers=headers, content=content, deadline=self._left, max_bytes=max_bytes
            )
        finally:
            self._left -= time.monotonic() - began

    def left(self) -> float:
        """Seconds that calls may still take; not above 0 when the time is used up."""
        return self._left

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return self._now + (time.monotonic() - self._started)
