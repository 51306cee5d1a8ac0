"""What hot reads keep in memory: tokens that were checked, and whole answers. Each knows what it rests on."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from django.conf import settings

from foundation.actors import Actor
from gateway import resolved, throttling
from prompthub_kernel.address import Address, BundleAddress
from resolver.cache import GOOD_SECONDS, Remembered
from resolver.usage import Fetched
from tenancy import access
from tenancy.models import Project

Headers = list[tuple[bytes, bytes]]

READER_SECONDS = 60.0
"""How long a token is not asked for in the database, so that the time of its last use is written once a minute."""
MOST_READERS = 10_000

_ALWAYS: Headers = [
    (b"vary", resolved.VARY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
"""What the application's middleware sets; one list of pairs that all answers share."""
_JSON = (b"content-type", b"application/json")
_FOR_HOW_LONG = {text: (b"cache-control", text.encode()) for text in (resolved.FOR_EVER, resolved.AGAIN)}


@dataclass(slots=True)
class Reader:
    """A token that was checked: who it is, the projects it may read, by slug and by id, and until when it is not
    checked again (monotonic).

    ``calls`` is the word its calls are counted under.
    """

    actor: Actor
    calls: str
    until: float
    projects: dict[str, Project] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)


class Readers:
    """The tokens that were checked under one access epoch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch = ""
        self._looked_at = float("-inf")
        self._known: dict[bytes, Reader] = {}

    def good(self, now: float) -> bool:
        """Whether the epoch was read within the last second."""
        return now - self._looked_at <= GOOD_SECONDS

    def get(self, authorization: bytes, now: float) -> Reader | None:
        """The token of a header, by its digest, as long as it need not be checked: the secret is kept nowhere."""
        reader = self._known.get(hashlib.sha256(authorization).digest())
        return reader if reader is not None and now < reader.until and self.good(now) else None

    def look(self) -> None:
        """Read the epoch, and forget everybody if it is another one. Raises what the database raises."""
        with self._lock:  # one after the other, so that an older answer never replaces a newer one
            began = time.monotonic()
            sight = access.look()
            epoch = "" if sight is None else sight.snapshot.epoch
            if epoch != self._epoch or len(self._known) > MOST_READERS:
                self._epoch, self._known = epoch, {}
            self._looked_at = began if epoch else float("-inf")

    def keep(self, authorization: bytes, actor: Actor, project: Project, at: datetime) -> None:
        """Remember that a token may read a project, if that was found under the present epoch."""
        found_under = "" if actor.sight is None else actor.sight.snapshot.epoch
        if found_under != self._epoch:
            self.look()
        known, now = self._known, time.monotonic()
        if not found_under or found_under != self._epoch:
            return
        key = hashlib.sha256(authorization).digest()
        reader = known.get(key)
        if reader is None or reader.until <= now:
            ends = READER_SECONDS
            if actor.expires_at is not None:
                ends = min(ends, (actor.expires_at - at).total_seconds())
            reader = known[key] = Reader(replace(actor, sight=None), throttling.key(actor), now + ends)
        reader.projects[project.slug] = project
        reader.ids.add(str(project.pk))


@dataclass(slots=True)
class Kept:
    """An answer, what it rests on, and what is counted when it is given: the prompts in it.

    ``headers`` are those of an answer with the body, ``unchanged`` those of one without; ``head`` is the former as it
    goes over the wire.
    """

    remembered: Remembered
    project: str
    prompts: tuple[str, ...]
    version: str
    tag: str
    headers: Headers
    unchanged: Headers
    body: bytes
    head: bytes = b""
    _counted: dict[str, tuple[Fetched, ...]] = field(default_factory=dict)

    def counted_for(self, token: str) -> tuple[Fetched, ...]:
        """What is counted when a token gets it."""
        found = self._counted.get(token)
        if found is None:
            found = tuple(Fetched(token, self.project, "", prompt, self.version) for prompt in self.prompts)
            self._counted[token] = found
        return found

    @classmethod
    def made(
        cls,
        content: bytes,
        *,
        asked: Address | BundleAddress,
        remembered: Remembered | None,
        project: str,
        prompts: tuple[str, ...],
        version: str,
    ) -> Self:
        """An answer with this body; one that rests on nothing that is remembered is never given again."""
        told = resolved.headers_of(content, asked=asked)
        unchanged = [(b"etag", told["ETag"].encode()), _FOR_HOW_LONG[told["Cache-Control"]], *_ALWAYS, *_strict()]
        whole = [*unchanged, _JSON, (b"content-length", b"%d" % len(content))]
        rests_on = remembered or Remembered("", true=False)
        head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: %b\r\n" % pair for pair in whole)
        return cls(rests_on, project, prompts, version, told["ETag"], whole, unchanged, content, head)


class Answers:
    """Whole answers by the query that was asked; when they are too many, the oldest eighth goes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: dict[bytes, Kept] = {}

    def get(self, query: bytes) -> Kept | None:
        """The answer, if the names it rests on still mean the same."""
        kept = self._kept.get(query)
        return kept if kept is not None and kept.remembered.true else None

    def keep(self, query: bytes, kept: Kept) -> None:
        """Remember an answer."""
        with self._lock:
            self._drop(query)
            self._kept[query] = kept
            self._bytes += _size(query, kept)
            if self._bytes > self._limit:
                for oldest in list(self._kept)[: len(self._kept) // 8 + 1]:
                    self._drop(oldest)

    def _drop(self, query: bytes) -> None:
        gone = self._kept.pop(query, None)
        if gone is not None:
            self._bytes -= _size(query, gone)


def _strict() -> Headers:
    """What keeps browsers at https, where the installation has it."""
    if not settings.SECURE_HSTS_SECONDS:
        return []
    return [(b"strict-transport-security", b"max-age=%d; includeSubDomains; preload" % settings.SECURE_HSTS_SECONDS)]


def _size(query: bytes, kept: Kept) -> int:
    return len(query) + len(kept.body) + 1500
