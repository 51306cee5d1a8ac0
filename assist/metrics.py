"""Figures of suggestions, exposed at ``/metrics`` of the worker."""

from __future__ import annotations

from prometheus_client import Counter

suggestions = Counter(
    "suggestions_total", "Suggestions that were asked for, by model provider and outcome", ["provider", "outcome"]
)
