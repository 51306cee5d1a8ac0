"""Django in a thread: one WSGI application behind ASGI, for requests and answers that are complete.

A general bridge crosses between the event loop and the thread for every piece of body and answer, half a dozen times
a request, and each crossing waits for the interpreter's lock. The root has gathered the body before it lends a thread,
and pages and the API answer in one piece, so here there is one crossing there and one back.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
T = TypeVar("T")
WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Threads:
    """An ASGI application that answers each request by ``app`` in one of ``count`` threads.

    The request's body must arrive in one message. The answer is gathered before it is sent.
    """

    def __init__(self, app: WSGIApplication, *, count: int) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="web")

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request. What ``app`` raises, the server answers with 500."""
        environment = environ(scope, (await receive())["body"])
        status, headers, body = await self.run(self._answer, environment)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def run(self, call: Callable[..., T], *arguments: Any) -> T:
        """What ``call`` returns or raises, called in one of the threads."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()
        self._pool.submit(contextvars.copy_context().run, _call, loop, told, call, arguments)
        return await told

    def _answer(self, environment: dict[str, Any]) -> tuple[int, Headers, bytes]:
        said: list[Any] = []
        pieces = self._app(environment, lambda status, headers, failure=None: said.append((status, headers)))
        try:
            body = b"".join(pieces)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        status, headers = said[-1]
        encoded = [(name.lower().encode("latin-1"), text.strip().encode("latin-1")) for name, text in headers]
        return int(status[:3]), encoded, body


def _call(loop: asyncio.AbstractEventLoop, told: asyncio.Future[T], call: Callable[..., T], arguments: Any) -> None:
    """In a thread: call, and tell the loop. ``run_in_executor`` joins two futures for this, at twice the cost."""
    if told.cancelled():
        return
    try:
        loop.call_soon_threadsafe(_settle, told, call(*arguments), None)
    except BaseException as error:  # noqa: BLE001 - raised where it is waited for
        loop.call_soon_threadsafe(_settle, told, None, error)


def _settle(told: asyncio.Future[Any], found: Any, error: BaseException | None) -> None:
    if told.cancelled():
        return
    if error is None:
        told.set_result(found)
    else:
        told.set_exception(error)


def environ(scope: Message, body: bytes) -> dict[str, Any]:
    """The request as WSGI tells it (PEP 3333)."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    mounted: str = scope.get("root_path", "")
    told: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": mounted.encode().decode("latin-1"),
        "PATH_INFO": scope["path"].removeprefix(mounted).encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("ascii"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        plain = name.decode("latin-1")
        key = _PLAIN.get(plain) or "HTTP_" + plain.upper().replace("-", "_")
        text = value.decode("latin-1")
        told[key] = f"{told[key]},{text}" if key in told else text
    return told
