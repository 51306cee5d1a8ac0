"""Questions to providers outside of a delivery: may this be written there, what runs there.

Who asks has something at stake while a provider says nothing: a request one of the server's few threads, a check for
drift the time of every other place. So questions that belong together know of each other.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from foundation.clock import database_now
from foundation.egress import Answer, EgressNotSent, EgressTooLarge, EgressUnanswered
from publishing import lanes
from publishing.models import Placement
from publishing.ports import Outcome, ProviderError
from publishing.wire import LeasedWire

QUESTION_SECONDS = 4.0
REQUEST_SECONDS = 6.0  # all questions of a request together
TURN_SECONDS = 0.5
# Who asks within a request holds a thread of the server, as who waits for a delivery does: never all of them.
ASKERS = threading.BoundedSemaphore(4)


class Unasked(ProviderError):
    """A question was not put, or not for as long as it takes: nothing is known about the place."""


class NoTurn(EgressNotSent):
    """A call was not made, so that others do not wait for it."""


class Asking:
    """Questions that belong together: an address that let one of them wait in vain is not asked again.

    Each waits for at most ``QUESTION_SECONDS``, for half of that after an address that did not answer, for a quarter
    after further ones. ``seconds`` is how long all may wait together; ``askers`` how many wait at the same time. Who
    gets no turn for ``TURN_SECONDS`` asks nothing any more.
    """

    def __init__(self, *, seconds: float = math.inf, askers: threading.Semaphore | None = None) -> None:
        self._seconds = seconds
        self._each = QUESTION_SECONDS
        self._askers = askers
        self._silent: set[str] = set()

    @classmethod
    def of_request(cls) -> Asking:
        """The questions of one request to the server: a few seconds together, and few requests at the same time."""
        return cls(seconds=REQUEST_SECONDS, askers=ASKERS)

    @contextmanager
    def question(self, *, placement: Placement) -> Iterator[LeasedWire]:
        """A wire for asking a place's provider: in less time than a delivery, and not while it wants its peace.

        Raises :class:`ProviderError` (``TRY_AGAIN``) when the lane waits for a ``Retry-After`` or its breaker is open,
        and :class:`Unasked` when others took the time. A ``Retry-After`` that the question earns holds for the lane.
        """
        if not lanes.is_open(lane_id=placement.lane_id):
            raise ProviderError(
                placement.target.adapter, "It asked for patience, or failed too often.", outcome=Outcome.TRY_AGAIN
            )
        seconds = min(self._each, self._seconds)
        started = time.monotonic()
        wire = _Question(self, now=database_now().timestamp(), seconds=seconds)
        try:
            yield wire
        except ProviderError as error:
            if error.retry_after is not None:
                lanes.wait_until(lane_id=placement.lane_id, seconds=error.retry_after)
            if wire.unasked or (wire.left() <= 0 and seconds < QUESTION_SECONDS):
                told = wire.unasked or error.detail
                raise Unasked(placement.target.adapter, told, outcome=Outcome.TRY_AGAIN) from error
            raise
        finally:
            self._seconds -= time.monotonic() - started

    @contextmanager
    def turn(self, *, wire: LeasedWire, address: str) -> Iterator[None]:
        """The time in which ``address`` is called. Raises :class:`NoTurn`."""
        if address in self._silent:
            raise NoTurn("Not asked: its address did not answer a moment ago.")
        if self._seconds <= 0:
            raise NoTurn("Not asked: other addresses did not answer in time.")
        try:
            with self._place_among_askers():
                yield
        except (EgressNotSent, EgressUnanswered) as failure:
            if wire.left() <= 0 and not isinstance(failure, EgressTooLarge):
                self._silent.add(address)
                self._each = max(self._each / 2, QUESTION_SECONDS / 4)
            raise

    @contextmanager
    def _place_among_askers(self) -> Iterator[None]:
        if self._askers is None:
            yield
            return
        if not self._askers.acquire(timeout=TURN_SECONDS):
            self._seconds = 0.0
            raise NoTurn("Not asked: too many wait for answers just now.")
        try:
            yield
        finally:
            self._askers.release()


class _Question(LeasedWire):
    """A wire whose calls take turns."""

    def __init__(self, asking: Asking, *, now: float, seconds: float) -> None:
        super().__init__(now=now, seconds=seconds)
        self._asking = asking
        self.unasked = ""  # why a call was not made

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = 65_536,
    ) -> Answer:
        """One HTTP call, unless its address let another question wait in vain."""
        try:
            with self._asking.turn(wire=self, address="/".join(url.split("/", 3)[:3])):
                return super().request(method, url, headers=headers, content=content, max_bytes=max_bytes)
        except NoTurn as refusal:
            self.unasked = str(refusal)
            raise
