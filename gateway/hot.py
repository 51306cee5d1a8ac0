"""Hot reads: ``GET /api/v1/resolve?address=…`` answered in front of the application, for service tokens alone.

Three ways, each falling back on the next, all with the same bytes:

- *memory*: the whole answer is there, under the very token, address and state of names that it was made for. No
  thread, no query; the event loop sends it.
- *database*: the address is resolved in a thread, past the application, and the answer is kept; the token is checked,
  unless it is remembered with a right to that project.
- the application: whatever is unusual (another method, a parameter more, an error to tell) is handed on untouched.

A memory, of answers or of tokens, is relied on for a second after the two counters it rests on were read: that of
changes (:mod:`foundation.broadcast`) and the access epoch (:mod:`tenancy.access`). A thread reads them twice a second;
while it cannot, every read asks the database (docs/adr/0029).
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.http.request import split_domain_port, validate_host
from django.utils import timezone

from foundation import correlation
from foundation.actors import Actor, Door
from gateway import resolved, throttling
from gateway.kept import Answers, Headers, Kept, Readers
from gateway.rendering import dumps
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import PromptHubError
from resolver import cache, metrics, resolve, usage
from tenancy import projects, tokens
from tenancy.models import Project

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Run = Callable[..., Awaitable[Any]]

PATH = "/api/v1/resolve"
LOOK_SECONDS = cache.GOOD_SECONDS / 2

MOST_HOSTS = 100
WHOLE = "prompthub.whole"
"""The extension of ASGI by which :mod:`prompthub.connections` takes an answer that is written out already."""

log = structlog.get_logger(__name__)
_BEARER = b"Bearer "
_NONE: dict[str, Any] = {}
_ANY, _NOTHING = b"*/*", b"0"
_ACCEPTED = (_ANY, b"application/json")
_FROM_MEMORY = metrics.hot_reads.labels(how="memory")
_FROM_DATABASE = metrics.hot_reads.labels(how="database")
_HANDED_ON = metrics.hot_reads.labels(how="application")


class Sent(NamedTuple):
    """What goes over the wire; ``head`` is status and headers written out, empty where they seldom are the same."""

    status: int
    headers: Headers
    body: bytes
    head: bytes = b""


class HotReads:
    """The two ways in front of the application.

    :param run: calls a function in a thread that may ask the database, and awaits what it returns.
    :param watched: whether threads of this process keep the memory true and write the usage; without them every read
        asks the database for the counters.
    """

    def __init__(self, run: Run, *, watched: bool = True) -> None:
        self.readers = Readers()
        self.answers = Answers(settings.HOT_MEGABYTES * 1024 * 1024)
        self._run = run
        self._unwatched = watched
        self._hosts: set[bytes] = set()

    def memory(self, app: App) -> App:
        """Answers from memory; ``app`` gets what is not there."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            sent = self.remembered(scope) if _concerned(scope) else None
            if sent is None:
                await app(scope, receive, send)
            elif not _whole(sent, scope):
                await _send(sent, send)

        return answer

    def database(self, app: App) -> App:
        """Answers from the database; ``app`` gets what is unusual."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            sent = None
            if _concerned(scope):
                self._watch()
                sent = await self._run(self.asked, scope)
                (_HANDED_ON if sent is None else _FROM_DATABASE).inc()
            if sent is None:
                await app(scope, receive, send)
            elif not _whole(sent, scope):
                await _send(sent, send)

        return answer

    def remembered(self, scope: Scope) -> Sent | None:
        """The answer to a request, if all that it rests on is remembered and true."""
        kept = self.answers.get(scope["query_string"])
        headers = None if kept is None else self._plain(scope)
        if kept is None or headers is None:
            return None
        now = time.monotonic()
        reader = self.readers.get(headers[b"authorization"], now)
        if (
            reader is None
            or kept.project not in reader.ids
            or not cache.memory.good(now)
            or not throttling.spend(reader.calls)
        ):
            return None
        at = time.time()
        for what in kept.counted_for(reader.actor.id):
            usage.count(what=what, at=at)
        _FROM_MEMORY.inc()
        return _sent(kept, headers)

    def asked(self, scope: Scope) -> Sent | None:
        """The answer to a request, asked of the database; None for what the application shall answer."""
        headers, text = self._plain(scope), _address(scope["query_string"])
        if headers is None or text is None:
            return None
        close_old_connections()
        try:
            return self._asked(scope["query_string"], text, headers)
        except (PromptHubError, DatabaseError):
            return None  # the application meets the same and tells it

    def _asked(self, query: bytes, text: str, headers: dict[bytes, bytes]) -> Sent | None:
        asked, at = resolved.read_address(text), timezone.now()
        bundle, prompt = (asked, "") if isinstance(asked, BundleAddress) else (asked.of_bundle, asked.prompt)
        actor, project = self._reader(headers[b"authorization"], bundle.repository, at)
        began = cache.memory.now()
        release = resolve.opened_in(project=project, address=bundle, prompt=prompt)
        if prompt:
            body = resolved.prompt(resolve.read(release=release, name=prompt, actor=actor, at=at))
            prompts = [prompt]
        else:
            body = resolved.bundle(resolve.whole(release=release, actor=actor, at=at))
            prompts = list(release.cut.prompts)
        throttling.require(actor)
        place = project.pk, bundle.bundle
        kept = Kept.made(
            dumps(body),
            asked=asked,
            remembered=cache.memory.held(place, since=began),
            project=str(project.pk),
            prompts=tuple(f"@{bundle.repository}/{bundle.bundle}/{prompt}" for prompt in prompts),
            version=release.cut.version,
        )
        if kept.remembered.true:
            self.answers.keep(query, kept)
        return _sent(kept, headers)

    def _reader(self, authorization: bytes, repository: str, at: datetime) -> tuple[Actor, Project]:
        """Who asks, and the project, which he may read: as is remembered, or asked of the database.

        Raises what :func:`tenancy.tokens.authenticate` and :func:`tenancy.projects.get` do.
        """
        known = self.readers.get(authorization, time.monotonic())
        project = None if known is None else known.projects.get(repository)
        if known is not None and project is not None:
            return known.actor, project
        actor = tokens.authenticate(presented=authorization[len(_BEARER) :].decode("latin-1"), at=at, door=Door.API)
        project = projects.get(key=repository, actor=actor)
        self.readers.keep(authorization, actor, project, at)
        return actor, project

    def _plain(self, scope: Scope) -> dict[bytes, bytes] | None:
        """The headers of a request that has nothing unusual."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"")
        if (
            len(headers) != len(scope["headers"])  # one is there twice
            or not headers.get(b"authorization", b"").startswith(_BEARER)
            or headers.get(b"accept", _ANY) not in _ACCEPTED
            or headers.get(b"content-length", _NOTHING) != _NOTHING
            or b"transfer-encoding" in headers
            or not (host in self._hosts or self._goes_by(host))
            or not (scope["scheme"] == "https" or not settings.SECURE_SSL_REDIRECT or _forwarded(headers))
        ):
            return None
        return headers

    def _goes_by(self, host: bytes) -> bool:
        """Whether PromptHub goes by this name; the names are few, and remembered."""
        domain, _ = split_domain_port(host.decode("latin-1"))
        good = bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
        if good and len(self._hosts) < MOST_HOSTS:
            self._hosts.add(host)
        return good

    def _watch(self) -> None:
        """Begin to keep the memory true, with the first read."""
        if self._unwatched:
            self._unwatched = False
            for name, seconds, act in (("look", LOOK_SECONDS, self.look), ("usage", usage.FLUSH_SECONDS, usage.flush)):
                threading.Thread(target=_repeat, args=(seconds, act), name=name, daemon=True).start()
            atexit.register(usage.flush)

    def look(self) -> None:
        """Read both counters. Raises what the database raises."""
        cache.catch_up()
        self.readers.look()


def _repeat(seconds: float, act: Callable[[], object]) -> None:
    """Do it again and again; what goes wrong goes wrong again or not, and is logged."""
    while True:
        began = time.monotonic()
        try:
            close_old_connections()
            act()
        except Exception as error:  # noqa: BLE001 - the thread must not end
            log.warning("hot.failed", doing=threading.current_thread().name, error=type(error).__name__)
            connection.close()
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))


def _concerned(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET")


def _address(query: bytes) -> str | None:
    """The address, when it is the only parameter."""
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    return given[0][1] if len(given) == 1 and given[0][0] == "address" else None


def _forwarded(headers: dict[bytes, bytes]) -> bool:
    """Whether whoever terminates TLS says that the caller came by it."""
    return settings.SECURE_PROXY_SSL_HEADER is not None and headers.get(b"x-forwarded-proto") == b"https"


def _sent(kept: Kept, headers: dict[bytes, bytes]) -> Sent:
    given = headers.get(b"x-correlation-id")
    named = correlation.new() if given is None else correlation.accept(given.decode("latin-1"))
    key = (b"x-correlation-id", named.encode())
    seen = headers.get(b"if-none-match")
    if seen is not None and resolved.unchanged(seen.decode("latin-1"), kept.tag):
        return Sent(304, [*kept.unchanged, key], b"")
    return Sent(200, [*kept.headers, key], kept.body, b"%bx-correlation-id: %b\r\n" % (kept.head, key[1]))


def _whole(sent: Sent, scope: Scope) -> bool:
    """Send it in one piece, where it is written out and the connection takes it."""
    return bool(sent.head and WHOLE in (more := scope.get("extensions", _NONE)) and more[WHOLE](sent.head, sent.body))


async def _send(sent: Sent, send: Send) -> None:
    await send({"type": "http.response.start", "status": sent.status, "headers": sent.headers})
    await send({"type": "http.response.body", "body": sent.body})
