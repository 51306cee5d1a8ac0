"""Spans over the publish pipeline (OpenTelemetry). Without the extra ``otel`` they cost nothing and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from prompthub_kernel.errors import PromptHubError

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
    """A span of the publish pipeline with its ids as attributes; of an error only its code or kind is kept."""
    if trace is None:
        yield _Nothing()
        return
    # An exception's message and stack may hold texts, so the library is not to record them.
    tracer = trace.get_tracer("prompthub")
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as current:
        for key, value in attributes.items():
            current.set_attribute(key, value)
        try:
            yield current
        except Exception as error:
            kind = error.code if isinstance(error, PromptHubError) else type(error).__name__
            current.set_status(trace.StatusCode.ERROR, kind)
            raise
