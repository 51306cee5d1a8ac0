"""The life of a suggestion, as one table: it drives the code, the database constraint, the docs and the words shown."""

from __future__ import annotations

from enum import StrEnum


class SuggestionState(StrEnum):
    """Where a suggestion is."""

    ASKED = "asked"  # waits for a worker
    RUNNING = "running"  # the model is writing
    READY = "ready"  # checked; waits for a person
    FAILED = "failed"  # no suggestion came of it; the row says why
    ACCEPTED = "accepted"  # in the draft, wholly or in part
    REJECTED = "rejected"  # a person did not want it
    STALE = "stale"  # the draft was changed meanwhile


S = SuggestionState

MOVES: dict[SuggestionState, frozenset[SuggestionState]] = {
    S.ASKED: frozenset({S.RUNNING}),
    S.RUNNING: frozenset({S.READY, S.FAILED, S.STALE}),
    S.READY: frozenset({S.ACCEPTED, S.REJECTED, S.STALE}),
    S.FAILED: frozenset(),
    S.ACCEPTED: frozenset(),
    S.REJECTED: frozenset(),
    S.STALE: frozenset(),
}
OPEN = (S.ASKED, S.RUNNING)
LIVE = (*OPEN, S.READY)
