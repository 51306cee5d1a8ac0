"""The variables of a template, declared by a JSON Schema 2020-12 object schema.

Beside the standard keywords a variable may say ``x-secret: true`` (its value is never written into text) or
``x-runtime: true`` (the provider fills it in; it is left in the text as written).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, Self

import jsonschema_rs
import orjson

from prompthub_kernel import schema_guard
from prompthub_kernel.canonical import MAX_DEPTH, canonical_json
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.schema_explaining import Explanation, compiled
from prompthub_kernel.schema_guard import Examined
from prompthub_kernel.schema_words import sentence
from prompthub_kernel.strict_json import storable_problem

MAX_SCHEMA_BYTES = 64 * 1024
MAX_VARIABLES = 200
MAX_WORK = 50_000_000
"""Bytes of each value times the weight of its schema; at 3 to 4 ns each, a fifth of a second at worst."""
MAX_PROBLEMS = schema_guard.MAX_PROBLEMS

RESERVED = frozenset({
    "and", "or", "not", "in", "is", "if", "elif", "else", "endif", "for", "endfor", "contains",
    "true", "false", "none", "True", "False", "None", "null", "nil", "empty", "blank",
    "loop", "forloop", "tablerowloop", "self", "super", "varargs", "kwargs",
})  # fmt: skip
"""Names that mean something in Jinja2 or Liquid; names beginning with two underscores are reserved too."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ROOT_KEYWORDS = schema_guard.KEYWORDS - {"$ref", "default", "enum", "const"} | {"$schema", "$defs"}
_MARKS = {"x-secret": ("default", "const", "enum", "examples"), "x-runtime": ("default",)}
"""Marks of a variable, and what may not stand beside them: it would show the secret, or never be used."""
_NUL = b"\\u0000"
"""How JSON writes NUL, which no database stores; an escaped backslash before ``u0000`` looks alike."""
_IN_SCHEMA = ("variables_schema",)
_IN_VALUES = ("variables",)


@dataclass(frozen=True, slots=True)
class VariablesSchema:
    """A checked schema and what follows from it. Shared between callers: read it, do not change it.

    ``schema`` is what was given with ``type``, ``properties`` and ``additionalProperties: false`` filled in.
    """

    schema: Mapping[str, Any]
    names: frozenset[str]
    secret_names: frozenset[str]
    runtime_names: frozenset[str]
    required: frozenset[str]
    defaults: dict[str, Any]
    _validator: jsonschema_rs.Validator = field(repr=False, compare=False)
    _examined: Examined = field(repr=False, compare=False)
    _canonical: list[bytes] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def parse(cls, schema: Mapping[str, Any] | None) -> VariablesSchema:
        """The schema made of what was sent; ``None`` declares no variables.

        Raises :class:`Invalid` ``400.template_schema_invalid`` with pointers below ``/variables_schema`` for
        everything :mod:`prompthub_kernel.schema_guard` refuses, for names a template could not use, for
        secrets that would be readable in the schema, and for defaults that do not fit their own schema.
        """
        if not isinstance(schema, Mapping | None):
            raise _invalid([Problem(pointer(_IN_SCHEMA), "type", sentence("type", "object"))])
        try:
            source = json.dumps(dict(schema or {}), allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise _invalid([Problem(pointer(_IN_SCHEMA), "json", "The schema is not JSON.")]) from None
        return _parsed(source)

    @classmethod
    def _made(cls, schema: dict[str, Any]) -> Self:
        examined = _check(schema)
        schema = {"type": "object", "properties": {}, **schema, "additionalProperties": False}
        variables: dict[str, Any] = schema["properties"]
        marked = {name: variable for name, variable in variables.items() if isinstance(variable, dict)}
        defaults = {name: variable["default"] for name, variable in marked.items() if "default" in variable}
        made = cls(
            schema=schema,
            names=frozenset(variables),
            secret_names=frozenset(name for name, variable in marked.items() if variable.get("x-secret")),
            runtime_names=frozenset(name for name, variable in marked.items() if variable.get("x-runtime")),
            required=frozenset(schema.get("required", ())),
            defaults=defaults,
            _validator=_validator(schema),
            _examined=examined,
        )
        if problems := list(islice(_default_problems(schema), MAX_PROBLEMS)):
            raise _invalid(problems)
        return made

    def refuse_idle_defaults(self) -> None:
        """Raises ``400.template_schema_invalid`` for a default that nothing is filled in with.

        Only a variable as a whole gets its default, not what is inside it or behind a ``$ref``. A schema that was
        stored with one is read all the same.
        """
        idle = [
            _schema_problem((*path, "default"), "default", "Only a variable as a whole has a default.")
            for path, subschema in schema_guard.subschemas(self.schema)
            if "default" in subschema and (len(path) != 2 or path[0] != "properties")
        ]
        if idle:
            raise _invalid(idle[:MAX_PROBLEMS])

    def problems(self, values: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with the values after defaults are filled in, at most :data:`MAX_PROBLEMS`.

        Pointers begin with ``/variables``; codes are JSON Schema keywords, and ``x-runtime`` for a value given
        to a name that the provider fills in. Details never repeat a value.
        """
        complete = {**self.defaults, **values}
        if not self.runtime_names.isdisjoint(complete):
            given = sorted(self.runtime_names & complete.keys())
            return [_problem((name,), "x-runtime", "The provider fills this in.") for name in given]
        try:
            written = _written(complete)
            if _NUL in written and (found_nul := storable_problem(complete, pointer(_IN_VALUES))) is not None:
                return [found_nul]
            work = self._work(complete, len(written))
            if work > MAX_WORK:
                return [_problem((), "maxLength", "The values are too large for this schema.")]
            if self._validator.is_valid(complete):
                return []
        except (Invalid, ValueError):
            return [_problem((), "json", "The values are not JSON.")]
        found: list[Problem] = []
        if work * self._examined.cost.height <= MAX_WORK:  # explaining asks again at every level
            failures = islice(Explanation(self.schema).failures(complete), MAX_PROBLEMS)
            found = [_problem(path, keyword, sentence(keyword, expected)) for path, keyword, expected in failures]
        unexplained = _problem((), "schema", "The values do not fit the schema; they are too large to say where.")
        return list(dict.fromkeys(found)) or [unexplained]

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values with the schema's defaults for names that were not given."""
        return {**copy.deepcopy(self.defaults), **values}

    def require(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The complete values. Raises :class:`Invalid` ``422.variables_invalid`` with every problem."""
        if problems := self.problems(values):
            raise Invalid("422.variables_invalid", problems[0].detail, problems=problems)
        return self.complete(values)

    def digest_part(self) -> bytes:
        """What the schema adds to the digest of a template version."""
        if not self._canonical:
            self._canonical.append(canonical_json(self.schema))
        return self._canonical[0]

    def _work(self, values: dict[str, Any], size: int) -> int:
        """Bytes of the values, ``size`` together, times what each byte can cost."""
        weight, weights = self._examined.cost.weight, self._examined.weights
        if (most := size * weight) <= MAX_WORK:
            return most
        shared = weight - max(weights.values(), default=0)
        return sum(len(_written(value)) * (weights.get(name, 0) + shared) for name, value in values.items())


@lru_cache(maxsize=256)
def _parsed(source: str) -> VariablesSchema:
    if len(source) > MAX_SCHEMA_BYTES:
        detail = f"The schema is larger than {MAX_SCHEMA_BYTES} bytes."
        raise _invalid([Problem(pointer(_IN_SCHEMA), "maxLength", detail)])
    return VariablesSchema._made(json.loads(source))  # noqa: SLF001  one module


def _check(schema: dict[str, Any]) -> Examined:
    """What an acceptable schema costs; raises :class:`Invalid` for any other."""
    try:
        written = canonical_json(schema)
    except Invalid as error:
        raise _invalid([Problem(pointer(_IN_SCHEMA), "json", error.detail)]) from None
    if _NUL in written and (found := storable_problem(schema, pointer(_IN_SCHEMA), max_depth=MAX_DEPTH)) is not None:
        raise _invalid([found])
    examined = schema_guard.examine(schema, at=_IN_SCHEMA)
    problems = examined.problems or list(islice(_rule_problems(schema), MAX_PROBLEMS))
    if problems:
        raise _invalid(problems)
    return examined


def _rule_problems(schema: dict[str, Any]) -> Iterator[Problem]:
    """What a set of variables may not be, beyond what no schema may be."""
    for keyword in schema:
        if keyword not in _ROOT_KEYWORDS and not keyword.startswith("x-"):
            yield _schema_problem((keyword,), "keyword", "This keyword is not supported for the variables as a whole.")
    if schema.get("type", "object") != "object":
        yield _schema_problem(("type",), "const", "Variables are an object.")
    if schema.get("additionalProperties", False) is not False:
        yield _schema_problem(("additionalProperties",), "const", "Every variable is declared by name.")
    variables: dict[str, Any] = schema.get("properties", {})
    if len(variables) > MAX_VARIABLES:
        yield _schema_problem(("properties",), "maxProperties", sentence("maxProperties", MAX_VARIABLES))
    for name, variable in variables.items():
        yield from _variable_problems(name, variable, name in schema.get("required", ()))
    for index, name in enumerate(schema.get("required", ())):
        if name not in variables:
            yield _schema_problem(("required", index), "required", "No variable of this name is declared.")
    for path in _misplaced_marks(schema):
        yield _schema_problem(path, str(path[-1]), "Only a variable as a whole can be marked so.")


def _variable_problems(name: str, variable: Any, required: bool) -> Iterator[Problem]:  # noqa: FBT001  positional by nature
    path = ("properties", name)
    if not _NAME.fullmatch(name):
        yield _schema_problem(path, "propertyNames", "A name is a letter or _, then letters, digits and _, at most 64.")
    elif name in RESERVED or name.startswith("__"):
        yield _schema_problem(path, "propertyNames", "This name is reserved by a template engine.")
    if not isinstance(variable, dict):
        return
    for mark, forbidden in _MARKS.items():
        if not isinstance(variable.get(mark, False), bool):
            yield _schema_problem((*path, mark), "type", sentence("type", "boolean"))
        elif variable.get(mark):
            for keyword in forbidden:
                if keyword in variable:
                    yield _schema_problem((*path, keyword), mark, f"A variable with {mark} has no {keyword}.")
    if variable.get("x-secret") is True and variable.get("type") != "string":
        yield _schema_problem((*path, "type"), "x-secret", "A secret is a string.")
    if variable.get("x-runtime") is True and variable.get("x-secret") is True:
        yield _schema_problem((*path, "x-runtime"), "x-secret", "The provider cannot fill in a secret of ours.")
    if variable.get("x-runtime") is True and required:
        yield _schema_problem(path, "x-runtime", "What the provider fills in cannot be required.")


def _misplaced_marks(schema: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    for path, subschema in schema_guard.subschemas(schema):
        if len(path) != 2 or path[0] != "properties":
            yield from ((*path, mark) for mark in ("x-secret", "x-runtime") if mark in subschema)


def _default_problems(schema: dict[str, Any]) -> Iterator[Problem]:
    explanation = Explanation(schema)
    for path, subschema in schema_guard.subschemas(schema):
        if "default" in subschema and not explanation.fits(path, subschema["default"]):
            yield _schema_problem((*path, "default"), "default", "The default does not fit its own schema.")


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    try:
        return compiled(schema)
    except jsonschema_rs.ValidationError as error:
        where = tuple(error.instance_path)
        raise _invalid([_schema_problem(where, error.kind.name, "This part of the schema cannot be used.")]) from None


def _written(value: Any) -> bytes:
    """The value as JSON. Raises :class:`Invalid` for what is none."""
    try:
        return orjson.dumps(value)
    except TypeError:  # integers of more than 64 bits, or not JSON at all
        return canonical_json(value)


def _problem(path: Sequence[str | int], code: str, detail: str) -> Problem:
    return Problem(pointer((*_IN_VALUES, *path)), code, detail)


def _schema_problem(path: Sequence[str | int], code: str, detail: str) -> Problem:
    return Problem(pointer((*_IN_SCHEMA, *path)), code, detail)


def _invalid(problems: list[Problem]) -> Invalid:
    return Invalid("400.template_schema_invalid", problems[0].detail, problems=problems)
