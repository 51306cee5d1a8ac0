"""Figures of publishing, exposed at ``/metrics`` by web and worker alike (seed 000, Observability)."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

publishes = Counter("publishes_total", "Publications by result and kind of target", ["status", "target"])
publish_duration = Histogram(
    "publish_duration_ms",
    "Time from the publish call to its commit, without the providers, in milliseconds",
    buckets=(5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)
attempts = Counter("delivery_attempts_total", "Tries to deliver, by kind of target and outcome", ["target", "outcome"])
buried = Counter("deliveries_buried_total", "Deliveries given up after the last try (dead letters)")
