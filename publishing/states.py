"""The life of a delivery, as one table: it drives the code, the database constraint, the docs and the words shown."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery is."""

    PENDING = "pending"  # waits for its turn
    SENDING = "sending"  # a worker holds the lane and has begun
    RETRYING = "retrying"  # not taken; due again later
    UNKNOWN = "unknown"  # perhaps taken; repeated with the same key
    DELIVERED = "delivered"  # the provider runs it
    SUPERSEDED = "superseded"  # a newer publication took its place, or nothing goes there any more
    BURIED = "buried"  # given up: a dead letter, to be replayed by a person


S = DeliveryState

MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.PENDING: frozenset({S.SENDING, S.SUPERSEDED, S.BURIED}),
    S.SENDING: frozenset({S.DELIVERED, S.RETRYING, S.UNKNOWN, S.SUPERSEDED, S.BURIED}),
    S.RETRYING: frozenset({S.SENDING, S.SUPERSEDED, S.BURIED}),
    S.UNKNOWN: frozenset({S.SENDING, S.SUPERSEDED, S.BURIED}),
    S.DELIVERED: frozenset(),
    S.SUPERSEDED: frozenset(),
    S.BURIED: frozenset(),
}
WAITING = (S.PENDING, S.RETRYING, S.UNKNOWN)
OPEN = (*WAITING, S.SENDING)
PERHAPS_TAKEN = (S.SENDING, S.UNKNOWN, S.DELIVERED)
UNCERTAIN = frozenset({"unknown", "crashed"})  # how a try ends after which nobody knows whether it was taken
ENDED = (S.DELIVERED, S.SUPERSEDED, S.BURIED)
