"""The figure that all doors share, exposed at ``/metrics``: errors are counted where they are told, by their code.

Surprises are counted as ``500.internal_error``, and go to Sentry besides.
"""

from __future__ import annotations

from prometheus_client import Counter

from prompthub_kernel.errors import PromptHubError

errors = Counter(
    "errors_total", "Errors told to programs, operators and staff: refusals, conflicts, failures; by code", ["code"]
)


def count_error(*, error: PromptHubError) -> None:
    """Count an error that is being told."""
    errors.labels(code=error.code).inc()
