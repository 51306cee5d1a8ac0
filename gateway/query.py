"""Parameters after the question mark: declared by the operation, checked before anything asks the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes

from django.http import QueryDict

from foundation import ids
from prompthub_kernel.errors import Invalid, Problem

LONGEST = 200
NO_CONTROL = r"^[^\u0000-\u001f\u007f]+$(?!\n)"
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its JSON Schema for the document, and how its text becomes a value (ValueError refuses it)."""

    name: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    description: str
    default: Any = None
    required: bool = False


def text(
    name: str, description: str, *, pattern: str = "", default: str | None = None, required: bool = False
) -> Parameter:
    """1 to 200 characters, none of them a control character."""
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
    schema["pattern"] = f"^{pattern}$" if pattern else NO_CONTROL
    if default is not None:
        schema["default"] = default
    form = re.compile(pattern or ".+", re.DOTALL)

    def read(given: str) -> str:
        if not given or len(given) > LONGEST or _CONTROL.search(given) or not form.fullmatch(given):
            raise ValueError
        return given

    return Parameter(name, schema, read, description, default, required)


def key(name: str, description: str) -> Parameter:
    """A caller's own word, at most 200 characters, none of them a control character; an empty one counts as none."""
    one = text(name, description)
    schema = {"type": "string", "maxLength": LONGEST, "pattern": NO_CONTROL.replace("+", "*")}
    return replace(one, schema=schema, read=lambda given: one.read(given) if given else "", default="")


def words(name: str, description: str, *, pattern: str, longest: int, most: int) -> Parameter:
    """At most so many words with commas between, none of them longer than ``longest``; empty, there are none."""
    pattern = f"(?:{pattern}(?:,{pattern}){{0,{most - 1}}})?"
    schema = {"type": "string", "maxLength": most * (longest + 1) - 1, "pattern": f"^{pattern}$(?!\\n)", "default": ""}
    form = re.compile(pattern)

    def read(given: str) -> tuple[str, ...]:
        if not form.fullmatch(given):
            raise ValueError
        return tuple(dict.fromkeys(filter(None, given.split(","))))

    return Parameter(name, schema, read, description, ())


def slug(name: str, description: str) -> Parameter:
    """The address of a client or project."""
    return text(name, description, pattern=r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def identifier(name: str, description: str) -> Parameter:
    """A UUID."""
    schema = {"type": "string", "format": "uuid"}
    return Parameter(name, schema, lambda given: ids.read(text=given), description)


def choice(
    name: str, description: str, words: Sequence[str], *, default: str | None = None, required: bool = False
) -> Parameter:
    """One of a few words."""
    schema: dict[str, Any] = {"type": "string", "enum": list(words)}
    if default is not None:
        schema["default"] = default

    def read(given: str) -> str:
        if given not in words:
            raise ValueError
        return given

    return Parameter(name, schema, read, description, default, required)


def flag(name: str, description: str) -> Parameter:
    """``true`` or ``false``; left out it is false."""
    schema = {"type": "boolean", "default": False}
    return Parameter(name, schema, {"true": True, "false": False}.__getitem__, description, default=False)


def whole(name: str, description: str, *, least: int, most: int, default: int | None = None) -> Parameter:
    """A whole number between two bounds."""
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    form = re.compile(r"-?[0-9]{1,18}")

    def read(given: str) -> int:
        if not form.fullmatch(given) or not least <= int(given) <= most:
            raise ValueError
        return int(given)

    return Parameter(name, schema, read, description, default)


def read(given: QueryDict, declared: Mapping[str, Parameter], *, raw: bytes) -> dict[str, Any]:
    """The values of all declared parameters. Raises ``422.request_invalid`` with pointers below ``/query``.

    ``raw`` is the query as it was sent: what is not UTF-8 is refused, in ``given`` it was replaced by something else.
    """
    values = {name: parameter.default for name, parameter in declared.items()}
    problems = []
    garbled = _garbled(raw)
    for name, texts in given.lists():
        parameter = declared.get(name)
        if parameter is None:
            problems.append(Problem("/query", "additionalProperties", "there is a parameter nobody knows here"))
        elif len(texts) > 1:
            problems.append(Problem(f"/query/{name}", "maxItems", "is given more than once"))
        elif name in garbled:
            problems.append(Problem(f"/query/{name}", "encoding", "is not UTF-8"))
        else:
            try:
                values[name] = parameter.read(texts[0])
            except (ValueError, KeyError):
                problems.append(Problem(f"/query/{name}", "format", _wanted(parameter.schema)))
    problems += [
        Problem(f"/query/{name}", "required", "is missing")
        for name, parameter in declared.items()
        if parameter.required and name not in given
    ]
    if problems:
        raise Invalid("422.request_invalid", "A parameter of the address does not fit.", problems=problems)
    return values


@contextmanager
def told_at(name: str) -> Iterator[None]:
    """What is refused inside is about the parameter of that name, whatever the verb calls it."""
    try:
        yield
    except Invalid as error:
        problems = [replace(one, pointer=f"/query/{name}") for one in error.problems]
        raise Invalid(error.code, error.detail, problems=problems, context=error.context) from error


def _garbled(raw: bytes) -> frozenset[str]:
    """The names of the parameters whose values are not UTF-8."""
    found = set()
    for pair in raw.split(b"&"):
        name, _, value = pair.partition(b"=")
        try:
            unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            found.add(unquote_plus(name.decode("latin-1")))
    return frozenset(found)


def _wanted(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"enum": words}:
            return f"must be one of {', '.join(words)}"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"must be a whole number from {least} to {most}"
        case {"type": "boolean"}:
            return "must be true or false"
        case {"format": "uuid"}:
            return "must be a UUID"
    return "does not have the form that is asked for"
