"""Secrets are taken out at every border where something is written down: logs, Sentry, traces, audit.

Three nets, because each has holes: by the *name* of a field, by the *shape* of a value (tokens and keys say
what they are), and by the *exact value* of every secret in use (:func:`known_secrets`). Too much is taken
out rather than too little; text that must survive unchanged is never sent through here.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

from foundation import surprises

MASK = "[redacted]"
SHORTEST_SECRET = 4  # characters; shorter ones would shred ordinary text and are no secrets
SHORTEST_BASE64 = 8  # letters, six bytes of it
MAX_DEPTH = 32
LONGEST_NAME = 100  # characters of a field's name; longer ones are not names

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase)?|secrets?|tokens?|authorization|api_?keys?|access_?keys?|private_?keys?"
    r"|encryption_?keys?|signing_?keys?|secret_?keys?|credentials?|cookies?|sessionid|session_key|signature|csrf_?\w*"
    r"|dsn|(?:broker|database|redis)_?url)$"
)
_URL_SAFE = str.maketrans("+/", "-_")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# A value may start anywhere but inside a longer word: one attempt per word keeps the search linear.
_START = r"(?<![A-Za-z0-9_\-])"
_SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END[A-Z -]*)?",
            _START + r"phub_[A-Za-z0-9]+_[A-Za-z0-9_\-]{16,}",
            _START + r"whs(?:ec|k|pk)_[A-Za-z0-9+/=_\-]{8,}",
            _START + r"eyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)?",  # JSON Web Token
            _START + r"gAAAA[A-Za-z0-9_\-]{60,}={0,2}",  # Fernet
            _START + r"(?:sk|pk|rk)[-_][A-Za-z0-9_\-]{16,}",  # OpenAI, Anthropic, Stripe
            _START + r"key_[A-Za-z0-9]{16,}",  # Retell
            _START + r"gh[pousr]_[A-Za-z0-9]{20,}",
            _START + r"github_pat_[A-Za-z0-9_]{20,}",
            _START + r"xox[a-z]-[A-Za-z0-9\-]{10,}",  # Slack
            _START + r"(?:AKIA|ASIA)[A-Z0-9]{16}",
            _START + r"AIza[A-Za-z0-9_\-]{35}",
            _START + r"[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,}",  # Discord bot
        )
    )
)
_AFTER_A_WORD = (
    (re.compile(r"\b(bearer\s+)[A-Za-z0-9._~+/=\-]{8,}", re.IGNORECASE), r"\1" + MASK),
    # "Basic" is a word too: what follows must look like base64.
    (re.compile(r"\b([Bb]asic\s+)(?=[A-Za-z]*(?:[0-9+/=]|[a-z][A-Z]))[A-Za-z0-9+/]{6,}={0,2}"), r"\1" + MASK),
    (re.compile(r"(://)[^\s/@\"'<>]+@"), r"\1" + MASK + "@"),
    (
        re.compile(
            r"([?&;](?:access_token|refresh_token|token|key|api_?key|secret|password|sig|signature|code)=)[^\s&#\"'<>]+",
            re.IGNORECASE,
        ),
        r"\1" + MASK,
    ),
    (re.compile(r"(/webhooks/\d{15,25}/)[A-Za-z0-9_\-]{20,}"), r"\1" + MASK),  # Discord's carry a token in the path
)

_NO_SECRET = re.compile(r"[a-z.]*|[0-9a-fTZ:.+\-]*")
"""Words, times, UUIDs and digests, most of what is logged: no shape above can be made of these letters."""
_AS_THEY_ARE = (bool, int, float, dt.datetime, dt.date, dt.time, dt.timedelta, UUID, Decimal, type(None))

_known: ContextVar[frozenset[str]] = ContextVar("prompthub_known_secrets", default=frozenset())


@contextmanager
def known_secrets(*values: str) -> Iterator[None]:
    """Inside the block these exact values are taken out wherever they turn up. Blocks nest.

    Use it around everything that holds a secret in clear: revealing, sending, testing a connection. It holds
    for the current thread or task, not for threads started inside.
    """
    token = _known.set(_known.get() | _spellings(values))
    try:
        yield
    finally:
        _known.reset(token)


def redact(value: Any, *, secrets: Iterable[str] = ()) -> Any:
    """A copy of ``value`` without secrets: strings, bytes, mappings, lists, tuples and sets (as lists) are searched.

    Numbers, booleans, None, times and UUIDs stay as they are; an object of any other kind becomes its
    ``repr``, searched as well. ``secrets`` are exact values besides those of :func:`known_secrets`.
    """
    exact = sorted(_known.get() | _spellings(secrets), key=len, reverse=True)
    return _redact(value, exact, ())


def _spellings(values: Iterable[str]) -> frozenset[str]:
    """Each secret as it looks in text, in JSON, in a URL, in HTML, in ``repr`` and in base64."""
    return frozenset(
        spelling
        for value in values
        if len(value) >= SHORTEST_SECRET
        for spelling in (
            *_base64(value),
            value,
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            quote(value, safe="", errors="replace"),
            quote_plus(value, errors="replace"),
            html.escape(value),
            repr(value)[1:-1],
        )
    )


def _base64(value: str) -> Iterator[str]:
    """The letters of its base64 that stand wherever in a longer text it begins (a header of RFC 7617, say)."""
    content = value.encode("utf-8", "replace")
    for before, part in enumerate((0, 2, 3)):
        letters = base64.b64encode(b"\0" * before + content).decode()[part : (before + len(content)) // 3 * 4]
        if len(letters) >= SHORTEST_BASE64:
            yield letters
            yield letters.translate(_URL_SAFE)


def tells(text: str, *, secrets: Iterable[str]) -> bool:
    """Whether one of these exact values stands in the text, in any spelling."""
    return any(spelling in text for spelling in _spellings(secrets))


def _redact(value: Any, exact: list[str], above: tuple[int, ...]) -> Any:
    if isinstance(value, str):
        return _text(str(value), exact)
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, bytes | bytearray):
        return _text(value.decode("utf-8", "backslashreplace"), exact).encode()
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        if len(above) >= MAX_DEPTH or id(value) in above:
            return "…"
        below = (*above, id(value))
        if isinstance(value, Mapping):
            return {_name(key, exact, below): _member(key, inner, exact, below) for key, inner in list(value.items())}
        found = [_redact(inner, exact, below) for inner in value]
        return tuple(found) if isinstance(value, tuple) else found
    return _text(_described(value), exact)


def _name(key: Any, exact: list[str], below: tuple[int, ...]) -> Any:
    """A key. Most are names that every line has, so what was found of them is remembered."""
    usual = type(key) is str and len(key) <= LONGEST_NAME and not exact
    return _usual_name(key) if usual else _redact(key, exact, below)


@lru_cache(maxsize=4096)
def _usual_name(key: str) -> str:
    return _text(key, [])


def _member(key: Any, inner: Any, exact: list[str], below: tuple[int, ...]) -> Any:
    if inner is None or isinstance(inner, bool) or not is_secret_name(key):
        return _redact(inner, exact, below)
    # How many tokens a model used is not a secret.
    counted = isinstance(inner, int | float) and key.lower().endswith("tokens")
    return inner if counted else MASK


def is_secret_name(name: Any) -> bool:
    """Whether a field of this name holds a secret: ``api_key``, ``X-Api-Key``, ``apiKey``, ``Set-Cookie`` …"""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and _names_a_secret(name)


@lru_cache(maxsize=4096)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(_CAMEL.sub("_", name).lower().replace("-", "_").replace(".", "_")) is not None


def _described(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a broken __repr__ must not break the line that reports it
        return f"<{type(value).__name__}>"


def _text(text: str, exact: list[str]) -> str:
    for secret in exact:
        if secret in text:
            text = text.replace(secret, MASK)
    if _NO_SECRET.fullmatch(text):
        return text
    for shape, replacement in _AFTER_A_WORD:
        text = shape.sub(replacement, text)
    return _SHAPES.sub(MASK, text)


# ── The borders ──────────────────────────────────────────────────────────────────────────────────────────


def redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor. Goes after exceptions are formatted and before rendering.

    What structlog itself keeps under underscored names stays.
    """
    kept = {name: value for name, value in event.items() if name.startswith("_")}
    clean: dict[str, Any] = redact({name: value for name, value in event.items() if name not in kept})
    return kept | clean


class RedactionFilter(logging.Filter):
    """For handlers that structlog does not feed (a host project's own logging): message and traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, changed."""
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact("".join(traceback.format_exception(record.exc_info[1])).rstrip("\n"))
            record.exc_info = None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def before_send(event: Any, hint: Mapping[str, Any]) -> Any:
    """Sentry hook: anticipated errors are metrics, so they are dropped; surprises go out without secrets.

    Local variables, request bodies and cookies are left out altogether: they hold prompt text.
    """
    error = surprises.told_of(hint)
    if error is not None and not surprises.is_surprise(error):
        return None
    for kind in ("exception", "threads"):
        for entry in (event.get(kind) or {}).get("values") or ():
            for frame in (entry.get("stacktrace") or {}).get("frames") or ():
                frame.pop("vars", None)
    for part in ("data", "cookies", "env"):
        (event.get("request") or {}).pop(part, None)
    return redact(event)


def before_breadcrumb(crumb: Any, _hint: Mapping[str, Any]) -> Any:
    """Sentry hook for the trail of log lines and calls that led to an event."""
    return redact(crumb)


def before_send_transaction(event: Any, _hint: Mapping[str, Any]) -> Any:
    """Sentry hook for traces."""
    return redact(event)


def attributes(values: Mapping[str, Any]) -> dict[str, str | bool | int | float]:
    """Span attributes (OpenTelemetry takes only these four kinds) without secrets; None is left out."""
    return {
        name: value if isinstance(value, bool | int | float) else str(value)
        for name, value in redact(values).items()
        if value is not None
    }
