"""Figures of the API, exposed at ``/metrics``: anticipated errors are counted here, surprises go to Sentry."""

from __future__ import annotations

from prometheus_client import Counter

errors = Counter("errors_total", "Answers that were a problem, by code", ["code"])
