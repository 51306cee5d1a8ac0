"""JSON as every door takes it: refused here is whatever would break or mislead something behind it.

A text passes when it is UTF-8 JSON (RFC 8259, and I-JSON, RFC 7493, where that is stricter) of at most 1 MiB
and 32 levels, without repeated keys, NUL characters, lone surrogates, numbers that are not finite and
integers of more than 20 digits. Each rule has a victim: deep nesting exhausts the stack of a parser, ``1e999``
becomes an infinity that no serializer takes, PostgreSQL stores neither NUL nor surrogates, and of two equal
keys each reader picks its own.

Verbs hold values that came another way to the same rules with :func:`require_storable`. Everything here is linear in
the size of what is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, NoReturn

from prompthub_kernel.errors import Invalid, Problem

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_INTEGER_DIGITS = 20
MAX_NUMBER_CHARACTERS = 100
MAX_POINTER_CHARACTERS = 500

# Strings, closed or not: never a second try at the same place, so linear on any input.
_STRING = re.compile(rb'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = [0] * 256
for _bracket in b"[{":
    _STEPS[_bracket] = 1
for _bracket in b"]}":
    _STEPS[_bracket] = -1
# An escape that may stand for NUL or half a surrogate pair; the characters themselves cannot get this far.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def strict_json(
    raw: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_digits: int = MAX_INTEGER_DIGITS,
) -> Any:
    """The value of a JSON body; ``max_digits`` are those of an integer.

    Raises :class:`Invalid`, ``413.body_too_large`` or ``400.json_invalid``, with one problem whose code is
    ``size``, ``encoding``, ``depth``, ``syntax``, ``number``, ``nul``, ``surrogate`` or ``duplicate_key``.
    """
    if len(raw) > max_bytes:
        raise too_large(max_bytes)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as failure:
        _refuse("", "encoding", f"Byte {failure.start} is not UTF-8.")
    if text.startswith("\ufeff"):
        _refuse("", "encoding", "The body starts with a byte order mark.")
    if "\0" in text:
        _refuse("", "nul", f"Byte {raw.index(0)} is NUL.")
    if _deeper_than(max_depth, raw):
        _refuse("", "depth", f"More than {max_depth} levels are nested.")
    parser = _Parser(max_digits)
    try:
        value = parser.decode(text)
    except json.JSONDecodeError as failure:
        _refuse("", "syntax", f"Line {failure.lineno}, column {failure.colno}: {failure.msg}.")
    if parser.noticed or _SUSPECT_ESCAPE.search(text):
        _look_closer(value, max_depth, max_digits)
    return value


def too_large(max_bytes: int) -> Invalid:
    """The answer to a body of more than ``max_bytes``."""
    detail = f"At most {max_bytes} bytes are accepted."
    return Invalid("413.body_too_large", detail, problems=[Problem("", "size", detail)])


def storable_problem(value: Any, pointer: str = "", *, max_depth: int = MAX_DEPTH) -> Problem | None:
    """The first thing in a text or JSON value, in document order, that may not be stored; None when all of it may.

    ``pointer`` is where the value is. Codes are those of :func:`strict_json`.
    """
    return next(_faults(value, pointer, max_depth, MAX_INTEGER_DIGITS), None)


def require_storable(value: Any, pointer: str) -> None:
    """Raises ``422.request_invalid`` for a text or JSON value that may not be stored, whichever door it came by."""
    found = storable_problem(value, pointer)
    if found is not None:
        raise Invalid("422.request_invalid", found.detail, problems=[found])


def _refuse(pointer: str, code: str, detail: str) -> NoReturn:
    raise Invalid("400.json_invalid", detail, problems=[Problem(pointer, code, detail)])


def _deeper_than(levels: int, raw: bytes) -> bool:
    """Whether brackets outside of strings nest deeper, found without parsing."""
    if raw.count(b"[") + raw.count(b"{") <= levels:
        return False
    brackets = _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS)
    return any(depth > levels for depth in accumulate(map(_STEPS.__getitem__, brackets)))


class _Repeating(dict[str, Any]):
    """An object in which ``key`` occurs twice."""

    key: str


class _Unfit:
    """Stands for a number that is refused, until the walk knows where it is."""


class _Parser(json.JSONDecoder):
    """Keeps what it does not like in the value and sets ``noticed``: only a walk can say where it is."""

    def __init__(self, max_digits: int) -> None:
        super().__init__(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._float,
            parse_constant=self._constant,
        )
        self.noticed = False
        self._max_digits = max_digits

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self.noticed = True
        repeating = _Repeating(members)
        seen: set[str] = set()
        repeating.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return repeating

    def _integer(self, digits: str) -> int | _Unfit:
        # Counted before int(), which refuses 4,300 digits with a ValueError of its own and is quadratic below.
        return int(digits) if len(digits.lstrip("-")) <= self._max_digits else self._unfit()

    def _float(self, digits: str) -> float | _Unfit:
        if len(digits) > MAX_NUMBER_CHARACTERS:
            return self._unfit()
        number = float(digits)
        return number if math.isfinite(number) else self._unfit()

    def _constant(self, name: str) -> _Unfit:
        return self._unfit()

    def _unfit(self) -> _Unfit:
        self.noticed = True
        return _Unfit()


def _look_closer(value: Any, max_depth: int, max_digits: int) -> None:
    """Refuse the first thing that is wrong."""
    for fault in _faults(value, "", max_depth, max_digits):
        _refuse(fault.pointer, fault.code, fault.detail)


def _faults(value: Any, at: str, max_depth: int, max_digits: int) -> Iterator[Problem]:
    """Walk a value in document order, and tell what is wrong with it."""
    stack: list[Iterator[tuple[str, Any]]] = [iter([(at, value)])]
    while stack:
        for pointer, inner in stack[-1]:
            if isinstance(inner, str):
                yield from _bad_characters(inner, pointer)
            elif isinstance(inner, _Unfit) or (isinstance(inner, int | float) and not _is_plain(inner, max_digits)):
                yield Problem(pointer, "number", f"Numbers are finite; integers have at most {max_digits} digits.")
            elif isinstance(inner, dict | list) and len(stack) > max_depth:
                yield Problem(pointer, "depth", f"More than {max_depth} levels are nested.")
            elif isinstance(inner, dict):
                for key in inner:
                    yield from _bad_characters(key, pointer)
                if isinstance(inner, _Repeating):
                    yield Problem(_below(pointer, inner.key), "duplicate_key", "The key occurs twice in one object.")
                stack.append(_places(pointer, inner.items()))
                break
            elif isinstance(inner, list):
                stack.append(_places(pointer, enumerate(inner)))
                break
        else:
            stack.pop()


def _is_plain(number: int | float, max_digits: int) -> bool:  # noqa: PYI041 - the two are judged differently
    return math.isfinite(number) if isinstance(number, float) else abs(number) < 10**max_digits


def _places(pointer: str, steps: Iterable[tuple[str | int, Any]]) -> Iterator[tuple[str, Any]]:
    for step, inner in steps:
        yield _below(pointer, str(step)), inner


def _bad_characters(text: str, pointer: str) -> Iterator[Problem]:
    found = _BAD_CHARACTER.search(text)
    if found is not None:
        nul = found[0] == "\0"
        yield (
            Problem(pointer, "nul", "NUL characters are not accepted.")
            if nul
            else Problem(pointer, "surrogate", "Half of a surrogate pair is not a character.")
        )


def _below(pointer: str, step: str) -> str:
    """``pointer`` one step further (RFC 6901); of something too long to print, where it is in."""
    if len(pointer) + 1 + len(step) > MAX_POINTER_CHARACTERS:
        return pointer
    return f"{pointer}/{step.replace('~', '~0').replace('/', '~1')}"
