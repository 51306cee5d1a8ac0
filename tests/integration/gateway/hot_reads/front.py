"""Hot reads before the application, to be asked one by one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway import hot
from gateway.hot import HotReads
from prompthub.threads import Threads, environ
from prompthub.wsgi import application as django

ADDRESS = "@local/onboarding@stable/welcome"


def finished(coroutine):
    """The end of something that never waits: without an event loop, so that the database may be asked."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def run(call, *arguments):
    return call(*arguments)


class Front:
    """Hot reads before the application, which are asked one by one. ``ways`` are those that answered."""

    def __init__(self, token: str) -> None:
        self.hot = HotReads(run, watched=False)
        self.token = token
        self.ways: list[str] = []
        self._application = Threads(django, count=1)
        inner = self.hot.database(self._note("application", self._wsgi))
        self._app = self.hot.memory(self._note("database", inner))

    def _note(self, way, app):
        async def noted(scope, receive, send):
            self.ways[-1] = way
            await app(scope, receive, send)

        return noted

    async def _wsgi(self, scope, receive, send):
        status, headers, body = self._application._answer(environ(scope, b""))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def scope(self, query, **headers):
        given = {"host": "testserver", "authorization": f"Bearer {self.token}", "accept": "*/*"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        pairs = [(name.encode(), value.encode()) for name, value in given.items() if value]
        return {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": hot.PATH,
            "query_string": query.encode(), "headers": pairs, "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip

    def ask(self, address=ADDRESS, *, query=None, application=False, scope=None, **headers):
        """The answer to one request; ``application`` has the application alone answer."""
        sent = []
        self.ways.append("memory")

        async def send(message):
            sent.append(message)

        asked = scope or self.scope(query if query is not None else f"address={address}", **headers)
        finished((self._wsgi if application else self._app)(asked, None, send))
        told = sorted((name, value) for name, value in sent[0]["headers"] if name != b"x-correlation-id")
        return SimpleNamespace(
            status=sent[0]["status"], headers=told, every=dict(sent[0]["headers"]), body=sent[1]["body"]
        )
