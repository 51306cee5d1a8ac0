"""``Idempotency-Key``: the same request twice has one effect and one answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from rest_framework.request import Request

from foundation import idempotency
from foundation.actors import Actor
from foundation.idempotency import Answered
from gateway.operations import Again, Answer
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Conflict, Invalid, Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_FORM = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A caller's key and what it was sent with."""

    actor: str
    key: str
    digest: str
    again: Again

    def earlier(self) -> Answer | None:
        """The answer that was given already, looked up without waiting."""
        found = idempotency.earlier(actor=self.actor, key=self.key, request_digest=self.digest)
        return self._replayed(found) if found is not None else None

    def once(self, effect: Callable[[], Answer], *, at: datetime) -> Answer:
        """Run ``effect`` and store its answer in one transaction with the key, or give the answer it had."""
        with transaction.atomic():
            found = idempotency.claim(actor=self.actor, key=self.key, request_digest=self.digest, at=at)
            if found is not None:
                return self._replayed(found)
            answer = effect()
            kept = answer.body if self.again is Again.ANSWERS else None
            idempotency.store(actor=self.actor, key=self.key, status=answer.status, body=kept)
            return answer

    def _replayed(self, found: Answered) -> Answer:
        if self.again is Again.REFUSES:
            raise Conflict("409.token_already_shown", "This request made its token already; make another if need be.")
        return Answer(found.body, found.status, {REPLAYED: "true"})


def claim_of(request: Request, path: str, actor: Actor, body: Any, again: Again) -> Claim | None:
    """The claim a POST to ``path`` makes by its header, None without it.

    Raises ``422.request_invalid`` for an ill-formed key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _FORM.fullmatch(key):
        raise Invalid(
            "422.request_invalid",
            "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces.",
            problems=[Problem(f"/headers/{HEADER}", "pattern", "1 to 255 printable ASCII characters")],
        )
    if again is Again.RUNS:
        return None
    digest = sha256_digest(path.encode(), canonical_json(body))
    return Claim(f"{actor.kind}:{actor.id}", key, digest, again)
