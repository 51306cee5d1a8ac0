"""What helps to write a prompt: its size, its variables, and those that are unknown or unused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal import sentences
from prompthub_kernel import rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.variables import VariablesSchema

MOST_VALUES = 6
"""Of those a variable may have, in the list of variables."""
_MESSAGE = re.compile(r"/content_json/(?P<place>[0-9]+)/content$")
CHARACTERS_PER_TOKEN = 4
"""What English text takes in the common tokenisers, roughly."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A variable that a text may use. ``kind`` is its JSON type in a word, or the values it may have."""

    name: str
    kind: str
    description: str
    required: bool
    secret: bool
    runtime: bool

    @property
    def written(self) -> str:
        """How both engines write it."""
        return f"{{{{ {self.name} }}}}"


@dataclass(frozen=True, slots=True)
class Notes:
    """``problems`` are why a text cannot be used; ``unused`` are names that are declared and not asked for."""

    characters: int
    lines: int
    tokens: int
    used: tuple[str, ...]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]
    problems: Sequence[Problem]

    @property
    def told(self) -> list[str]:
        """The problems; those of a message with its number."""
        return [_told(problem) for problem in self.problems]


def declared(schema: VariablesSchema) -> list[Declared]:
    """Every variable of a template, in the order of its schema."""
    return [
        Declared(
            name,
            _kind(variable),
            str(variable.get("description") or variable.get("title") or ""),
            name in schema.required,
            name in schema.secret_names,
            name in schema.runtime_names,
        )
        for name, variable in ((name, one if isinstance(one, dict) else {}) for name, one in _properties(schema))
    ]


def notes(*, body: PromptBody, schema: VariablesSchema) -> Notes:
    """What there is to say about a text before anybody renders it."""
    source = body.source()
    try:
        names = rendering.names_used(body=body)
    except Invalid:
        names = frozenset()
    try:
        rendering.check(body=body, variables=schema)
        found: Sequence[Problem] = ()
    except Invalid as error:
        found = error.problems
    return Notes(
        characters=len(source),
        lines=source.count("\n") + 1,
        tokens=-(-len(source) // CHARACTERS_PER_TOKEN),
        used=tuple(sorted(names & schema.names)),
        unused=tuple(sorted(schema.names - names)) if names or not found else (),
        unknown=tuple(sorted(names - schema.names)),
        problems=found,
    )


def _properties(schema: VariablesSchema) -> Iterable[tuple[str, Any]]:
    return schema.schema["properties"].items()


def _kind(variable: Mapping[str, Any]) -> str:
    if "const" in variable:
        return _("only %(value)s") % {"value": _values([variable["const"]])}
    if "enum" in variable:
        return _("one of %(values)s") % {"values": _values(variable["enum"][:MOST_VALUES])}
    return sentences.kinds(dict.fromkeys(_types(variable)))


def _values(values: Sequence[Any]) -> str:
    """Texts as they are; beside anything else all in JSON, so that 1 and "1" differ."""
    if all(isinstance(value, str) for value in values):
        return ", ".join(values)
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)


def _types(variable: Mapping[str, Any]) -> Iterator[str]:
    """The JSON types that a schema, or one of its forms, names."""
    kind = variable.get("type", [])
    yield from (kind,) if isinstance(kind, str) else kind
    for form in (*variable.get("anyOf", ()), *variable.get("oneOf", ())):
        if isinstance(form, Mapping):
            yield from _types(form)


def _told(problem: Problem) -> str:
    if found := _MESSAGE.match(problem.pointer):
        number = int(found["place"]) + 1
        return _("Message %(number)s, %(reason)s") % {"number": number, "reason": sentences.said(problem.detail)}
    return sentences.said(problem.detail)
