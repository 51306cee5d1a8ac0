"""Spans over the publish pipeline (OpenTelemetry). Without the extra ``otel`` they cost nothing and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

trace: Any
try:
    from opentelemetry import trace
except ImportError:  # the extra is not installed
    trace = None


class Span(Protocol):
    """What a span is asked to remember."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Attach a fact; never a text or a secret."""
        ...


class _Nothing:
    def set_attribute(self, key: str, value: Any) -> None:
        """Forget it."""


@contextmanager
def span(name: str, **attributes: Any) -> Iterator[Span]:
    """A span of the publish pipeline with its ids as attributes."""
    if trace is None:
        yield _Nothing()
        return
    with trace.get_tracer("prompthub").start_as_current_span(name) as current:
        for key, value in attributes.items():
            current.set_attribute(key, value)
        yield current
