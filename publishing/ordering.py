"""Which of several deliveries is the newer: a higher ordinal, or a repetition of the same publication."""

from __future__ import annotations

import uuid

from foundation.ids import new_id
from publishing.models import Delivery, Placement

TIMELESS_BITS = 80  # of the 128 bits of a UUIDv7, the first 48 are milliseconds (RFC 9562, 5.7)


def newer_id(*, placement: Placement, ordinal: int) -> uuid.UUID:
    """An id above those of the place's deliveries of the same publication.

    Ids start with the time of the machine that made them. Behind a machine whose clock is fast, a repetition would
    otherwise pass for older than what it repeats, and never be sent.
    """
    fresh = new_id()
    newest = Delivery.objects.filter(placement=placement, ordinal=ordinal).order_by("-id").values_list("id", flat=True)
    last = newest.first()
    if last is None or last.int < fresh.int:
        return fresh
    return uuid.UUID(int=((last.int >> TIMELESS_BITS) + 1 << TIMELESS_BITS) | fresh.int % (1 << TIMELESS_BITS))
