"""Which JSON Schemas a user may write: a schema is code, and this decides what it may cost.

Only keywords that are listed, only references to ``#/$defs/…``, no recursion, only regular expressions that
are regular languages (RE2), and two bounds: the schema's size with every reference written out, and its
*weight*, the greatest amount of work that one byte of a value can cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jsonschema_rs
import re2

from prompthub_kernel.errors import Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.schema_words import sentence

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SIZE = 5_000
"""Subschemas, and a tenth of the instructions of compiled patterns, every ``$ref`` written out."""
MAX_INSTRUCTIONS = 50_000
"""Instructions of all compiled patterns, each pattern once: what compiling them costs."""
MAX_NESTING = 24
"""Subschemas inside subschemas, every ``$ref`` written out."""
MAX_ENUM = 500
MAX_UNIQUE_ITEMS = 1_000
MAX_PATTERN_LENGTH = 500
MAX_PROBLEMS = 50
FORMATS = frozenset({
    "date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid",
})  # fmt: skip

_ANNOTATIONS = frozenset(
    {"$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
)
_ASSERTIONS = frozenset({
    "type", "enum", "const", "minLength", "maxLength", "pattern", "format",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems", "uniqueItems", "minContains", "maxContains",
    "required", "dependentRequired", "minProperties", "maxProperties",
})  # fmt: skip
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_PARTS = ("properties", "additionalProperties", "prefixItems", "items")
_EVERY_PART = ("contains", "propertyNames")
KEYWORDS = _ANNOTATIONS | _ASSERTIONS | {*_SAME_VALUE, *_PARTS, *_EVERY_PART, "$ref"}
"""All keywords a subschema may use, besides annotations of its own that begin with ``x-``."""

_LOCAL_REF = re.compile(r"#/\$defs/([A-Za-z0-9_.-]{1,64})")
_METASCHEMA = jsonschema_rs.Draft202012Validator({"$ref": DIALECT}, offline=True)


class Cost(NamedTuple):
    """What a schema costs: ``size`` once, ``weight`` for each byte of a value, ``height`` in levels of nesting."""

    size: int = 1
    weight: int = 1
    height: int = 1


class Examined(NamedTuple):
    """What was found out about a schema: its problems, its cost, and the weight of each property of its root."""

    problems: list[Problem]
    cost: Cost = Cost()
    weights: Mapping[str, int] = MappingProxyType({})


def examine(schema: Mapping[str, Any], *, at: tuple[str, ...]) -> Examined:
    """What a schema costs, and at most :data:`MAX_PROBLEMS` reasons to refuse it.

    ``at`` is where the schema stands in the request. The root may hold ``$defs`` and ``$schema`` too.
    """
    try:
        _METASCHEMA.validate(dict(schema))
    except jsonschema_rs.ValidationError as error:  # the first one: all of them could be very many
        where = pointer((*at, *error.instance_path))
        return Examined([Problem(where, str(error.schema_path[-1]), "This is not JSON Schema.")])
    examination = _Examination(schema, at)
    try:
        return Examined(examination.problems, examination.root(), examination.weights)
    except _EnoughError:
        return Examined(examination.problems)


class _EnoughError(Exception):
    """The schema is refused already; going on would only cost."""


class _Examination:
    """One walk over a schema that already satisfies the meta-schema."""

    def __init__(self, schema: Mapping[str, Any], at: tuple[str, ...]) -> None:
        self.problems: list[Problem] = []
        self._schema = schema
        self._at = at
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})
        self._known: dict[str, Cost] = {}
        self._open: set[str] = set()
        self._instructions = 0
        self.weights: dict[str, int] = {}

    def root(self) -> Cost:
        if self._schema.get("$schema", DIALECT) != DIALECT:
            self._refuse(("$schema",), "$schema", f"The only dialect is {DIALECT}.")
        for name in self._definitions:
            self._definition(name, 1)
        rest = {key: value for key, value in self._schema.items() if key not in {"$schema", "$defs"}}
        cost = self._cost(rest, (), 0)
        if cost.size > MAX_SIZE and not self.problems:
            self._refuse((), "cost", f"With its references written out the schema is larger than {MAX_SIZE}.")
        return cost

    def _refuse(self, path: tuple[str | int, ...], code: str, detail: str) -> None:
        self.problems.append(Problem(pointer((*self._at, *path)), code, detail))
        if len(self.problems) == MAX_PROBLEMS:
            raise _EnoughError

    def _cost(self, schema: Any, path: tuple[str | int, ...], depth: int) -> Cost:
        if isinstance(schema, bool):
            return Cost()
        if depth > MAX_NESTING:
            self._refuse(path, "nesting", f"Schemas are nested more than {MAX_NESTING} levels deep.")
            return Cost()
        choices, instructions = self._assertions(schema, path)
        size, weight = 1 + choices + instructions // 10, 1 + choices + instructions
        heaviest = highest = 0
        for keyword, where, child in _children(schema):
            cost = self._cost(child, (*path, *where), depth + 1)
            size, highest = size + cost.size, max(highest, cost.height)
            if where[0] == "properties" and not path:
                self.weights[str(where[1])] = cost.weight
            if keyword in _PARTS:  # no byte of a value lies in two parts
                heaviest = max(heaviest, cost.weight)
            else:
                weight += cost.weight
        if "$ref" in schema:
            cost = self._reference(schema["$ref"], (*path, "$ref"), depth + 1)
            size, weight, highest = size + cost.size, weight + cost.weight, max(highest, cost.height)
        return Cost(size, weight + heaviest, highest + 1)

    def _reference(self, reference: str, path: tuple[str | int, ...], depth: int) -> Cost:
        match = _LOCAL_REF.fullmatch(reference)
        if match is None:
            self._refuse(path, "$ref", "A reference is #/$defs/ and a name, nothing else.")
        elif match[1] not in self._definitions:
            self._refuse(path, "$ref", "There is no such definition.")
        elif match[1] in self._open:
            self._refuse(path, "$ref", "A schema may not contain itself.")
        else:
            cost = self._definition(match[1], depth)
            if depth + cost.height <= MAX_NESTING + 1:
                return cost
            self._refuse(path, "nesting", f"Schemas are nested more than {MAX_NESTING} levels deep.")
        return Cost()

    def _definition(self, name: str, depth: int) -> Cost:
        if name not in self._known:
            self._open.add(name)
            self._known[name] = self._cost(self._definitions[name], ("$defs", name), depth)
            self._open.discard(name)
        return self._known[name]

    def _assertions(self, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> tuple[int, int]:
        """Check what stands in this schema itself; how many choices and pattern instructions it has."""
        for keyword in schema:
            if keyword not in KEYWORDS and not keyword.startswith("x-"):
                self._refuse((*path, keyword), "keyword", "This keyword is not supported.")
        if schema.get("format", "date") not in FORMATS:
            self._refuse((*path, "format"), "format", f"Formats are {', '.join(sorted(FORMATS))}.")
        if schema.get("uniqueItems") and schema.get("maxItems", MAX_UNIQUE_ITEMS + 1) > MAX_UNIQUE_ITEMS:
            self._refuse(
                (*path, "uniqueItems"), "uniqueItems", f"uniqueItems needs maxItems of at most {MAX_UNIQUE_ITEMS}."
            )
        choices = len(schema.get("enum", ()))
        if choices > MAX_ENUM:
            self._refuse((*path, "enum"), "enum", sentence("maxItems", MAX_ENUM))
        return choices, self._pattern(schema["pattern"], (*path, "pattern")) if "pattern" in schema else 0

    def _pattern(self, pattern: str, path: tuple[str | int, ...]) -> int:
        if len(pattern) > MAX_PATTERN_LENGTH:
            self._refuse(path, "pattern", sentence("maxLength", MAX_PATTERN_LENGTH))
            return 0
        try:
            instructions = int(re2.compile(pattern, _RE2).programsize)
        except re2.error:
            self._refuse(path, "pattern", "This is not an RE2 regular expression (no look-around, no back-references).")
            return 0
        self._instructions += instructions
        if self._instructions > MAX_INSTRUCTIONS:
            self._refuse(path, "cost", f"The patterns compile to more than {MAX_INSTRUCTIONS} instructions.")
            raise _EnoughError
        return instructions


def _re2_options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return options


_RE2 = _re2_options()


def _children(schema: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...], Any]]:
    """Each subschema that stands directly in this one: keyword, path from here, subschema."""
    for keyword in (*_SAME_VALUE, *_PARTS, *_EVERY_PART):
        held = schema.get(keyword)
        if isinstance(held, list):
            for index, child in enumerate(held):
                yield keyword, (keyword, index), child
        elif keyword == "properties":
            for name, child in (held or {}).items():
                yield keyword, (keyword, name), child
        elif held is not None:
            yield keyword, (keyword,), held


def subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Every subschema that is an object, the root first, with its path; for schemas that :func:`examine` accepts."""
    yield from _within(schema, ())
    for name, definition in schema.get("$defs", {}).items():
        yield from _within(definition, ("$defs", name))


def _within(schema: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    if isinstance(schema, Mapping):
        yield path, schema
        for _, where, child in _children(schema):
            yield from _within(child, (*path, *where))
