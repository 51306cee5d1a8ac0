"""One id joins a request, its log lines, its audit rows, its tasks and its deliveries.

The id travels in the header ``X-Correlation-ID``. What a caller sends is used when it is harmless to print
and to store (8 to 64 characters of ``A-Z a-z 0-9 _ . -``); anything else is replaced, never repaired.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

HEADER = "X-Correlation-ID"

_ACCEPTED = re.compile(r"[A-Za-z0-9_.\-]{8,64}", re.ASCII)
_VARIANT = 0b10 << 62
_latest = 0  # milliseconds since 1970 in 4,096ths
_current: ContextVar[str] = ContextVar("prompthub_correlation_id", default="")


def new() -> str:
    """A fresh id: UUIDv7 (RFC 9562, 6.2 method 3), so that ids of a process sort in the order they were made.

    It names work and guards nothing, so its random part need not be hard to guess: every request needs one at once.
    """
    global _latest  # noqa: PLW0603 - two threads that race for a step are told apart by the random part
    _latest = step = max(_latest + 1, (time.time_ns() << 12) // 1_000_000)
    text = f"{step >> 12:012x}7{step & 0xFFF:03x}{_VARIANT | random.getrandbits(62):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def current() -> str:
    """The id of the work under way, ``""`` outside of any."""
    return _current.get()


def accept(header: str | None) -> str:
    """The caller's id if it is well formed, else a new one."""
    if header is not None and _ACCEPTED.fullmatch(header):
        return header
    return new()


@contextmanager
def use(correlation_id: str) -> Iterator[str]:
    """Work inside the block belongs to ``correlation_id``; log lines carry it too."""
    token = _current.set(correlation_id)
    try:
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            yield correlation_id
    finally:
        _current.reset(token)


class CorrelationMiddleware:
    """Accepts or makes the id of a request and echoes it in the answer's ``X-Correlation-ID``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id."""
        with use(accept(request.headers.get(HEADER))) as correlation_id:
            request.correlation_id = correlation_id  # type: ignore[attr-defined]  # for lines written after the answer
            response = self.get_response(request)
            response.headers[HEADER] = correlation_id
            return response
