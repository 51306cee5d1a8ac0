"""Where and why a value does not fit a schema, found one failure at a time.

jsonschema-rs says at once *that* a value does not fit, but it lists every failure before handing over the first,
with a copy of the value in each: a list of wrong entries takes seconds and gigabytes. Here a caller takes as many
failures as it wants, and subschemas are asked only whether they fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

import jsonschema_rs

from prompthub_kernel.pointer import pointer, split

Path = tuple[str | int, ...]

_BASE = "urn:prompthub:variables"
_SAYS_NOTHING_ALONE = frozenset({"$schema", "$defs", "then", "else", "minContains", "maxContains"})


class Failure(NamedTuple):
    """``keyword`` with its value ``expected`` is not satisfied at ``path`` of the value.

    What is missing or not expected has the path it would have.
    """

    path: Path
    keyword: str
    expected: Any


def compiled(schema: Mapping[str, Any], registry: jsonschema_rs.Registry | None = None) -> jsonschema_rs.Validator:
    """A validator that fetches nothing, asserts formats and matches patterns in linear time.

    Raises ``jsonschema_rs.ValidationError`` for a schema that cannot be used.
    """
    return jsonschema_rs.Draft202012Validator(
        dict(schema),
        registry=registry,
        validate_formats=True,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 21),
        offline=True,
    )


class Explanation:
    """Questions to one schema, which :func:`prompthub_kernel.schema_guard.examine` has accepted."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._registry = jsonschema_rs.Registry([(_BASE, dict(schema))], retriever=_refuse)
        self._asked: dict[Path, jsonschema_rs.Validator] = {}

    def fits(self, where: Path, value: Any) -> bool:
        """Whether a value fits the subschema at a path of the schema."""
        if where not in self._asked:
            self._asked[where] = compiled(_reference(where), self._registry)
        return self._asked[where].is_valid(value)

    def failures(self, value: Any, where: Path = (), path: Path = ()) -> Iterator[Failure]:
        """Every failure of a value against the subschema at ``where``; ``path`` is where the value stands."""
        schema: Any = self._schema
        for step in where:
            schema = schema[step]
        if schema is False:
            yield Failure(path, "falseSchema", None)
        elif schema is not True:
            for keyword, expected in schema.items():
                look = self._LOOKS.get(keyword, Explanation._asserted)
                yield from look(self, value, (*where, keyword), path, schema, expected)

    def _asserted(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        keyword = str(where[-1])
        if keyword in _SAYS_NOTHING_ALONE or keyword.startswith("x-"):
            return
        alone = {keyword: _referring(where, expected)}
        if not compiled(alone, self._registry).is_valid(value):
            yield Failure(path, keyword, expected)

    def _referred(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        yield from self.failures(value, tuple(split(expected[1:])), path)

    def _all(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        for index in range(len(expected)):
            yield from self.failures(value, (*where, index), path)

    def _chosen(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        branch = "then" if self.fits(where, value) else "else"
        if branch in schema:
            yield from self.failures(value, (*where[:-1], branch), path)

    def _required(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, Mapping):
            yield from (Failure((*path, name), "required", expected) for name in expected if name not in value)

    def _dependent(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, Mapping):
            for name in expected:
                if name in value:
                    missing = (other for other in expected[name] if other not in value)
                    yield from (Failure((*path, other), "dependentRequired", expected[name]) for other in missing)

    def _properties(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, Mapping):
            for name in expected:
                if name in value:
                    yield from self._part(value[name], (*where, name), (*path, name))

    def _additional(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, Mapping):
            for name in value:
                if name in schema.get("properties", {}):
                    continue
                if expected is False:
                    yield Failure((*path, name), "additionalProperties", expected)
                else:
                    yield from self._part(value[name], where, (*path, name))

    def _prefix(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, list | tuple):
            for index, element in enumerate(value[: len(expected)]):
                yield from self._part(element, (*where, index), (*path, index))

    def _items(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, list | tuple):
            for index in range(len(schema.get("prefixItems", ())), len(value)):
                yield from self._part(value[index], where, (*path, index))

    def _contained(self, value: Any, where: Path, path: Path, schema: Any, expected: Any) -> Iterator[Failure]:
        if isinstance(value, list | tuple):
            held = sum(self.fits(where, element) for element in value)
            if held > schema.get("maxContains", held):
                yield Failure(path, "maxContains", schema["maxContains"])
            elif held < schema.get("minContains", 1):
                yield Failure(path, "minContains" if held else "contains", expected)

    def _part(self, value: Any, where: Path, path: Path) -> Iterator[Failure]:
        if not self.fits(where, value):
            yield from self.failures(value, where, path)

    _LOOKS: ClassVar[dict[str, Any]] = {
        "$ref": _referred,
        "allOf": _all,
        "if": _chosen,
        "required": _required,
        "dependentRequired": _dependent,
        "properties": _properties,
        "additionalProperties": _additional,
        "prefixItems": _prefix,
        "items": _items,
        "contains": _contained,
    }


def _reference(where: Sequence[str | int]) -> dict[str, str]:
    return {"$ref": f"{_BASE}#{quote(pointer(where))}"}


def _referring(where: Path, expected: Any) -> Any:
    """The value of a keyword that can stand in another document: subschemas become references to their place."""
    if where[-1] in {"anyOf", "oneOf"}:
        return [_reference((*where, index)) for index in range(len(expected))]
    if where[-1] in {"not", "propertyNames"}:
        return _reference(where)
    return expected


def _refuse(uri: str) -> Any:
    raise LookupError("schemas are never fetched")
