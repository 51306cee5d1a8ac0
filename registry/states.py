"""The life of a move of a channel, as one table: it drives the code, the docs and the words shown."""

from __future__ import annotations

from registry.models import Activation

S = Activation.State

MOVES: dict[Activation.State, frozenset[Activation.State]] = {
    S.PROPOSED: frozenset({S.ACTIVE, S.SCHEDULED, S.REJECTED, S.WITHDRAWN}),
    S.SCHEDULED: frozenset({S.ACTIVE, S.FAILED, S.WITHDRAWN, S.PROPOSED}),
    S.ACTIVE: frozenset(),
    S.REJECTED: frozenset(),
    S.WITHDRAWN: frozenset(),
    S.FAILED: frozenset(),
}
WAITING = tuple(state for state, moves in MOVES.items() if moves)
