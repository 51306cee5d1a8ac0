"""What a provider's answer means: the one place where HTTP becomes an outcome.

=====================================  ===================================================
2xx                                    taken
502, 504                               as ``EgressUnanswered``: a gateway has none (RFC 9110 15.6.3, 15.6.5)
408, 409, 425, 429, other 5xx          ``TRY_AGAIN``; 429 and 503 may say when (RFC 9110 10.2.3)
every other status, redirects too      ``REFUSED``
``EgressRefused``                      ``REFUSED``
``EgressNotSent``                      ``TRY_AGAIN``
``EgressUnanswered``                   ``UNKNOWN`` for a write, ``TRY_AGAIN`` for a read
``EgressTooLarge``                     the same; of a read it is an :class:`AnswerTooLarge`
2xx whose body makes no sense          as ``EgressUnanswered``
=====================================  ===================================================
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote_plus

from foundation.egress import Answer, EgressNotSent, EgressRefused, EgressTooLarge, EgressUnanswered
from publishing.ports import AnswerTooLarge, Outcome, ProviderError, Wire

LONGEST_WAIT = 86_400.0
"""Seconds; a provider that asks for more is asked again after a day."""

MESSAGE_LENGTH = 200
_READ_OF_MESSAGE = 1_000  # characters looked at before masking and shortening
_ECHO = 12  # a run of this many characters of a private text is an echo of it
_AGAIN = frozenset({408, 409, 425, 429})
_OF_A_GATEWAY = frozenset({502, 504})
_SAYS_WHEN = frozenset({429, 503})
_ESCAPED_AT_MOST = 4
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_URL_SAFE = str.maketrans("-_", "+/")
_TITLE = re.compile(r"<title[^>]*>([^<]*)</title", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The calls of one verb to one provider. ``private`` texts (credentials, the prompt) never get into a message."""

    adapter: str
    wire: Wire
    headers: Mapping[str, str] = field(repr=False)
    private: tuple[str, ...] = field(repr=False)
    max_bytes: int = 65_536

    def read(self, url: str) -> dict[str, Any]:
        """The JSON object at ``url``. Raises :class:`ProviderError`."""
        answer = self.call("GET", url)
        self.expect(answer, written=False)
        return self.document(answer, written=False)

    def write(self, method: str, url: str, payload: Mapping[str, Any]) -> Answer:
        """Send ``payload`` as JSON; the answer as it is, whatever its status. Raises :class:`ProviderError`."""
        try:
            # ASCII, because a provider's own text may hold lone surrogates, which UTF-8 cannot carry.
            content = json.dumps(payload, allow_nan=False).encode("ascii")
        except (ValueError, RecursionError) as error:
            raise self.failure("its own document cannot be sent back", Outcome.REFUSED) from error
        return self.call(method, url, content=content)

    def call(self, method: str, url: str, *, content: bytes | None = None) -> Answer:
        """One request; the answer as it is. Raises :class:`ProviderError` when there is none."""
        headers = dict(self.headers)
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self.wire.request(method, url, headers=headers, content=content, max_bytes=self.max_bytes)
        except EgressRefused as error:
            raise self.failure(f"the address is not allowed: {error}", Outcome.REFUSED) from error
        except EgressNotSent as error:
            raise self.failure(f"no connection: {error}", Outcome.TRY_AGAIN) from error
        except EgressUnanswered as error:
            if method != "GET":
                raise self.failure(f"no answer: {error}", Outcome.UNKNOWN) from error
            if isinstance(error, EgressTooLarge):
                detail = f"the answer is larger than {self.max_bytes} bytes"
                raise AnswerTooLarge(self.adapter, detail, outcome=Outcome.TRY_AGAIN) from error
            raise self.failure(f"no answer: {error}", Outcome.TRY_AGAIN) from error

    def expect(self, answer: Answer, *, written: bool, so_far: str = "") -> None:
        """Raise :class:`ProviderError` unless the answer is 2xx.

        ``written`` says whether it answers a write, ``so_far`` what has happened before it if it was not taken.
        """
        if 200 <= answer.status < 300:
            return
        if written and answer.status in _OF_A_GATEWAY:
            raise self.rejection(answer, so_far="it may have been taken; ", outcome=Outcome.UNKNOWN)
        raise self.rejection(answer, so_far=so_far)

    def rejection(self, answer: Answer, *, so_far: str = "", outcome: Outcome | None = None) -> ProviderError:
        """The error an answer outside 2xx means; ``outcome`` overrides the table, which takes it for that of a read."""
        again = answer.status in _AGAIN or answer.status >= 500
        said = shorten(mask(message(answer), self.private), MESSAGE_LENGTH)
        return self.failure(
            f"{so_far}answered {answer.status}: {said}",
            outcome or (Outcome.TRY_AGAIN if again else Outcome.REFUSED),
            status=answer.status,
            retry_after=retry_after(answer, now=self.wire.now()) if answer.status in _SAYS_WHEN else None,
        )

    def document(self, answer: Answer, *, written: bool) -> dict[str, Any]:
        """The JSON object in a 2xx answer; anything else means a proxy or a fault between us and the provider."""
        found = parse(answer.content)
        if isinstance(found, dict):
            return found
        outcome = Outcome.UNKNOWN if written else Outcome.TRY_AGAIN
        raise self.failure(f"answered {answer.status} with something else than a JSON object", outcome, answer.status)

    def failure(
        self, detail: str, outcome: Outcome, status: int | None = None, retry_after: float | None = None
    ) -> ProviderError:
        """A :class:`ProviderError` of this adapter. ``detail`` must be fit to be shown."""
        return ProviderError(self.adapter, detail, outcome=outcome, provider_status=status, retry_after=retry_after)


def parse(content: bytes) -> Any:
    """The JSON value in ``content``, or None when it is not JSON (endless nesting and numbers included)."""
    try:
        return json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def message(answer: Answer) -> str:
    """What the provider says went wrong, on one line, not yet masked; a page is summarised by its title."""
    found = parse(answer.content)
    if isinstance(found, dict):
        said = found.get("message") or found.get("detail") or found.get("error")
        return shorten(said, _READ_OF_MESSAGE) if isinstance(said, str) else "no message"
    text = answer.content[: 4 * _READ_OF_MESSAGE].decode("utf-8", "replace").strip()
    if text.startswith("<") or "html" in answer.headers.get("content-type", ""):
        title = _TITLE.search(text)
        return f"an HTML page titled “{shorten(title[1], 80)}”" if title else "an HTML page"
    return shorten(text, _READ_OF_MESSAGE) or "an empty body"


def shorten(text: str, length: int) -> str:
    """``text`` on one line of printable characters, cut to ``length``."""
    line = _one_line(text)
    return line if len(line) <= length else line[: length - 1] + "…"


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def mask(line: str, private: Iterable[str]) -> str:
    """``line`` with every echo of a private text replaced by ``•••``.

    An echo is a run of 12 characters of one of its lines, or the whole of a line that has 4 to 11. Nothing is left of a
    line that echoes it in another spelling: escaped for a URL, for HTML or for JSON, in large letters or in small ones,
    or in base64, as in a header of RFC 7617.
    """
    parts = [_one_line(part) for text in private for part in text.splitlines()]
    hidden = [False] * len(line)
    for start, end in _echoes(line, parts):
        hidden[start:end] = [True] * (end - start)
    pieces: list[str] = []
    for character, covered in zip(line, hidden, strict=True):
        if not covered:
            pieces.append(character)
        elif not pieces or pieces[-1] != "•••":
            pieces.append("•••")
    masked = "".join(pieces)
    plain = _plainly(masked)
    respelled = _echoes("\n".join([plain, *_decoded(masked)]), [*map(_plainly, parts), *parts])
    return "•••" if next(respelled, None) else masked


def _decoded(line: str) -> Iterator[str]:
    """What stands in base64 in a line, from each of the four places where it may begin."""
    for word in _BASE64.findall(unquote_plus(line.replace("+", "%2B"))):
        letters = word.translate(_URL_SAFE)
        for start in range(4):
            whole = letters[start : start + (len(letters) - start) // 4 * 4]
            yield _one_line(base64.b64decode(whole).decode("utf-8", "replace"))


def _plainly(text: str) -> str:
    """Without the escapes of URLs, HTML and JSON, as often as they were applied, and in small letters."""
    for _ in range(_ESCAPED_AT_MOST):
        plain = _ESCAPE.sub(_unescaped, html.unescape(unquote_plus(text)))
        if plain == text:
            break
        text = plain
    return _one_line(text).casefold()


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _echoes(line: str, private: list[str]) -> Iterator[tuple[int, int]]:
    long = "\n".join(text for text in private if len(text) >= _ECHO)
    for start in range(len(line) - _ECHO + 1):
        if line[start : start + _ECHO] in long:
            yield start, start + _ECHO
    for short in {text for text in private if 4 <= len(text) < _ECHO}:
        for found in re.finditer(re.escape(short), line):
            yield found.span()


def retry_after(answer: Answer, *, now: float) -> float | None:
    """Seconds the provider asks us to wait, at most :data:`LONGEST_WAIT`; None when it does not say, or not readably.

    A date is measured from the answer's own ``Date``, so that a difference between the clocks does not matter.
    """
    asked = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", asked):
        return min(float(asked), LONGEST_WAIT)
    until = _seconds(asked)
    if until is None:
        return None
    since = _seconds(answer.headers.get("date", ""))
    return min(max(0.0, until - (now if since is None else since)), LONGEST_WAIT)


def _seconds(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        # An HTTP date is GMT even in the two obsolete forms that do not say so (RFC 9110 5.6.7).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
