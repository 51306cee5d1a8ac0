"""Everything that is written down or shown while a test runs, and where a secret turns up in it, however spelled."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import pytest
import structlog
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest

from foundation import tracing
from publishing import bell


def spellings(secret: str) -> frozenset[str]:
    """The secret as it looks in text, in HTML, in JSON, in a URL, in ``repr`` and in base64 at every offset."""
    plain = {secret, html.escape(secret), repr(secret)[1:-1], quote(secret, safe=""), quote(secret), quote_plus(secret)}
    plain |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    plain |= {json.dumps(html.escape(secret))[1:-1], html.escape(json.dumps(secret)[1:-1])}
    return frozenset(plain | {core for core in base64_cores(secret) if len(core) >= 8})


def base64_cores(secret: str) -> Iterator[str]:
    """The part of its base64 that stands whatever comes before and after it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode()
        core = encoded[(0, 2, 3)[before] : (before + len(secret.encode())) // 3 * 4]
        yield core
        yield core.replace("+", "-").replace("/", "_")


class Sinks:
    """Everything that is written down while a test runs."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = secrets
        self.log = io.StringIO()
        self.traced: list[str] = []
        self.rung: list[str] = []

    @property
    def secrets(self) -> frozenset[str]:
        """What is looked for: the secrets in every spelling."""
        return self._looked_for

    @secrets.setter
    def secrets(self, secrets: Iterable[str]) -> None:
        self._looked_for = frozenset().union(*map(spellings, secrets))

    def found(self, *, answer: bytes = b"") -> list[str]:
        """Where a secret turned up since the last look."""
        places = {
            "the answer": answer.decode(errors="replace"),
            "the log": self.log.getvalue(),
            "the traces": "".join(self.traced),
            "the task arguments": "".join(self.rung),
            "the sessions": "".join(str(one.get_decoded()) for one in Session.objects.all()),
            **columns(),
        }
        return [place for place, text in places.items() if any(secret in text for secret in self.secrets)]


@contextmanager
def watched(secrets: Iterable[str]) -> Iterator[Sinks]:
    """Watch the log as it is written, the traces and the tasks."""
    made = Sinks(secrets)
    root = logging.getLogger()
    ours = next(one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter))
    beside = logging.StreamHandler(made.log)
    beside.setFormatter(ours.formatter)
    root.addHandler(beside)
    span = tracing.span

    def traced(name, **attributes):
        made.traced.append(f"{name} {attributes}")
        return span(name, **attributes)

    def sent(*given, **named):
        made.rung.append(f"{given} {named}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracing, "span", traced)
        patch.setattr(bell, "_quiet_until", 0.0)
        patch.setattr(bell, "current_app", SimpleNamespace(send_task=sent))
        yield made
    root.removeHandler(beside)


def columns() -> dict[str, str]:
    """Every column of every row, as the database holds it; histories too."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found[f"table {table}"] = "".join(str(value) for row in cursor.fetchall() for value in row)
    return found


def shown(answer) -> bytes:
    """All that an answer tells a browser: body, headers, and the messages in its cookies, which are packed."""
    told = CookieStorage(HttpRequest())
    cookies = [f"{name}={one.value}" for name, one in answer.cookies.items()]
    packed = [told._decode(one.value) for name, one in answer.cookies.items() if name == told.cookie_name and one.value]
    words = [str(message) for messages in packed for message in messages or ()]
    headers = [f"{name}: {text}" for name, text in answer.headers.items()]
    return b"\n".join([answer.content, *(line.encode() for line in (*headers, *cookies, *words))])
