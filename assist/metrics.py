"""Figures of suggestions, exposed at ``/metrics`` by web and worker alike; workers do the counting."""

from __future__ import annotations

from prometheus_client import Counter

from assist.states import MOVES, SuggestionState

suggestions = Counter(
    "suggestions_total", "Suggestions that were asked for, by model provider and outcome", ["provider", "outcome"]
)


def begin(*, provider: str) -> None:
    """Show every outcome that a suggestion of this provider can have, at 0: a worker shows nothing without a value."""
    for outcome in sorted(MOVES[SuggestionState.RUNNING]):
        suggestions.labels(provider=provider, outcome=str(outcome))
