"""A small provider for one's own machine: it takes webhooks, shows what it holds, and can be told to misbehave.

``python -m publishing.loopback --port 8090`` serves, with nothing but the standard library:

=========================  ================================================================================
``POST /hook``             take a ``prompt.published`` message (any path but ``/faults`` will do); last write wins
``GET /prompts``           everything it holds, by the messages' name, with the headers and body of the last message
``GET /prompts/<name>``    one of them; fits ``read_url`` of the webhook adapter
``PUT /prompts/<name>``    edit one behind PromptHub's back: ``{"text": "…"}``
``POST /faults``           fail the next messages: ``{"status": 503, "times": 3, "retry_after": 2}``
``GET /``                  the same for people
=========================  ================================================================================

It keeps prompts in the clear and asks nobody who they are: it is for demonstrations and tests. Signatures are
checked only with ``--secret``.
"""

from __future__ import annotations

import argparse
import hmac
import html
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from publishing.adapters.webhook import signature

LARGEST_BODY = 5 * 1024 * 1024
KEPT_IDS = 100
"""Message ids kept per prompt, newest last."""

_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Loopback provider</title></head>
<body><h1>Loopback provider</h1><p>{summary}</p>{prompts}</body></html>
"""
_PROMPT = "<article><h2>{name}</h2><p>{facts}</p><pre>{text}</pre></article>"


class Wrong(Exception):
    """A request that cannot be taken; ``status`` and the message are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Shelf:
    """What the provider holds. With ``file`` it is the same after a restart; with ``secret`` messages must be signed.

    ``prompts``: by the name in the message ``text``, ``digest``, ``ordinal``, ``client``, ``version_id``, ``format``,
    ``edited``, and of the last message its ``headers`` and ``body``; ``received`` are the ids of messages taken, a
    repetition being counted again.
    """

    def __init__(self, *, file: Path | None = None, secret: str = "") -> None:
        self.prompts: dict[str, dict[str, Any]] = {}
        self._file, self._secret = file, secret
        self._fault: dict[str, Any] = {"times": 0}
        self._lock = threading.Lock()
        if file is not None and file.exists():
            self.prompts = json.loads(file.read_text("utf-8"))

    def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a message's text. Raises :class:`Wrong`."""
        if self._secret and not self._signed(headers, body):
            raise Wrong(401, "The signature does not fit.")
        message = _json(body)
        published = message.get("data") if message.get("type") == "prompt.published" else None
        if not isinstance(published, dict) or not all(isinstance(published.get(key), str) for key in ("name", "text")):
            raise Wrong(400, "This is not a prompt.published message.")
        with self._lock:
            before = self.prompts.get(published["name"], {"received": []})
            received = [*before["received"], headers.get("webhook-id", "")][-KEPT_IDS:]
            kept = {key: published.get(key) for key in ("text", "digest", "ordinal", "client", "version_id", "format")}
            self.prompts[published["name"]] = {
                **kept,
                "edited": False,
                "received": received,
                "headers": dict(headers),
                "body": body.decode("utf-8", "replace"),
            }
            self._save()

    def edit(self, name: str, text: Any) -> None:
        """Change a text as somebody at the provider would. Raises :class:`Wrong`."""
        if not isinstance(text, str):
            raise Wrong(400, "text must be a string.")
        with self._lock:
            held = self.prompts.setdefault(name, {"received": [], "headers": {}, "body": ""})
            held.update(text=text, digest=None, edited=True)
            self._save()

    def show(self, name: str | None = None) -> dict[str, Any]:
        """A copy of one prompt, or of all by name. Raises :class:`Wrong`."""
        with self._lock:
            if name is None:
                return {key: dict(held) for key, held in self.prompts.items()}
            if name not in self.prompts:
                raise Wrong(404, "No such prompt.")
            return dict(self.prompts[name])

    def fail(self, fault: Mapping[str, Any]) -> None:
        """Answer the next ``times`` messages with ``status`` and, if given, ``retry_after`` seconds."""
        status, times = fault.get("status", 503), fault.get("times", 1)
        wait = fault.get("retry_after")
        if not isinstance(status, int) or not 400 <= status <= 599:
            raise Wrong(400, "status must be between 400 and 599.")
        if not isinstance(times, int) or not isinstance(wait, int | None):
            raise Wrong(400, "times and retry_after must be whole numbers.")
        with self._lock:
            self._fault = {"status": status, "times": times, "retry_after": wait}

    def next_fault(self) -> dict[str, Any] | None:
        """The fault this message meets, or None."""
        with self._lock:
            if self._fault["times"] <= 0:
                return None
            self._fault["times"] -= 1
            return dict(self._fault)

    def _signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        stamp = headers.get("webhook-timestamp", "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 16):
            return False
        expected = signature(self._secret, headers.get("webhook-id", ""), int(stamp), body)
        given = headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)

    def _save(self) -> None:
        if self._file is None:
            return
        beside = self._file.with_name(f"{self._file.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as written:
            json.dump(self.prompts, written)
        beside.replace(self._file)


class Loopback(ThreadingHTTPServer):
    """The server. ``port`` 0 takes a free one; ``address`` says which."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, shelf: Shelf, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), _Connection)
        self.shelf = shelf

    @property
    def address(self) -> str:
        """``host:port`` it listens on."""
        return f"{self.server_address[0]!s}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Loopback

    def _answer(self) -> None:
        try:
            self._require_own_name()
            self._route(urlsplit(self.path).path.rstrip("/"), self.server.shelf)
        except Wrong as wrong:
            self.close_connection = True
            self._send(wrong.status, {"message": str(wrong)})

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the base class decides

    def _route(self, path: str, shelf: Shelf) -> None:
        name = unquote(path.removeprefix("/prompts/")) if path.startswith("/prompts/") else None
        match self.command:
            case "GET" if path == "":
                self._send_bytes(200, _page(shelf.show()).encode("utf-8", "replace"), "text/html; charset=utf-8")
            case "GET" if name is not None or path == "/prompts":
                self._send(200, shelf.show(name))
            case "PUT" if name is not None:
                shelf.edit(name, _json(self._body()).get("text"))
                self._send(200, shelf.show(name))
            case "POST" if path == "/faults":
                shelf.fail(_json(self._body()))
                self._send(200, {})
            case "POST":
                self._take(shelf)
            case _:
                raise Wrong(404, "Nothing here.")

    def _take(self, shelf: Shelf) -> None:
        body = self._body()
        fault = shelf.next_fault()
        if fault is None:
            shelf.take({name.lower(): value for name, value in self.headers.items()}, body)
            return self._send(200, {})
        wait = fault["retry_after"]
        return self._send(fault["status"], {"message": "as told"}, {} if wait is None else {"Retry-After": str(wait)})

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise Wrong(411, "Say how long the body is.")
        if len(length) > 9 or int(length) > LARGEST_BODY:
            raise Wrong(413, "The body is too large.")
        if "json" not in self.headers.get("Content-Type", ""):
            raise Wrong(415, "Send JSON.")  # also keeps other sites' forms out
        return self.rfile.read(int(length))

    def _require_own_name(self) -> None:
        """A page elsewhere must not reach us by a name of its own (DNS rebinding)."""
        bound = str(self.server.server_address[0])
        asked = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if ip_address(bound).is_loopback and asked not in _NAMES | {bound}:
            raise Wrong(421, "This is not my name.")

    def _send(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(document).encode(), "application/json", headers)

    def _send_bytes(
        self, status: int, content: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        fixed = {"Content-Type": content_type, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
        for name, value in {**fixed, "Content-Security-Policy": "default-src 'none'", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: ``GET /prompts`` tells what came in."""


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Wrong(400, "This is not JSON.") from None
    if not isinstance(found, dict):
        raise Wrong(400, "This is not a JSON object.")
    return found


def _page(prompts: Mapping[str, Mapping[str, Any]]) -> str:
    articles = []
    for name, held in sorted(prompts.items()):
        facts = "edited here" if held["edited"] else f"publication {held['ordinal']} for {held['client']}"
        articles.append(
            _PROMPT.format(name=html.escape(name), facts=html.escape(facts), text=html.escape(held["text"]))
        )
    return _PAGE.format(summary=f"{len(prompts)} prompts held.", prompts="".join(articles))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    reader = argparse.ArgumentParser(prog="python -m publishing.loopback", description="A provider for one machine.")
    reader.add_argument("--host", default="127.0.0.1")
    reader.add_argument("--port", type=int, default=8090)
    reader.add_argument("--file", type=Path, help="keep what it holds here over a restart")
    reader.add_argument("--secret", default="", help="whsec_…: take only messages signed with it")
    given = reader.parse_args(arguments)
    with Loopback(Shelf(file=given.file, secret=given.secret), host=given.host, port=given.port) as server:
        sys.stdout.write(f"Loopback provider on http://{server.address}\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.stdout.write("Stopped.\n")


if __name__ == "__main__":
    main()
