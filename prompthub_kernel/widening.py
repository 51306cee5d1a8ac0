"""Whether a variables schema takes everything that its predecessor took.

That is proved keyword by keyword and never guessed: a change that cannot be proved harmless counts as one that is not.
Only the keywords that :mod:`prompthub_kernel.schema_guard` lets through are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from prompthub_kernel.canonical import canonical_json

Plain: TypeAlias = Mapping[str, Any] | bool

_ONE = frozenset({"not", "if", "then", "else", "additionalProperties", "items", "contains", "propertyNames"})
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ANNOTATIONS = frozenset(
    {
        "$comment",
        "$schema",
        "$defs",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
    }
)
_AT_LEAST = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_AT_MOST = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_MEMBERS = frozenset({"properties", "additionalProperties"})
_ENTRIES = frozenset({"prefixItems", "items"})
_COUNTED = frozenset({"contains", "minContains", "maxContains"})
_CONDITION = frozenset({"if", "then", "else"})
_VALUES = frozenset({"enum", "const"})
_TOGETHER = _MEMBERS | _ENTRIES | _COUNTED | _CONDITION | _VALUES
"""Keywords whose meaning depends on another beside them."""
TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def plain(schema: Any, definitions: Mapping[str, Any]) -> Plain:
    """What a subschema asserts: annotations left out, what ``$ref`` refers to in its place."""
    if isinstance(schema, bool):
        return schema
    asserted: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _ONE:
            asserted[keyword] = plain(value, definitions)
        elif keyword in _SEVERAL:
            asserted[keyword] = [plain(part, definitions) for part in value]
        elif keyword == "properties":
            asserted[keyword] = {name: plain(part, definitions) for name, part in value.items()}
        elif keyword == "$ref":
            asserted[keyword] = plain(definitions[value.removeprefix("#/$defs/")], definitions)
        elif keyword not in _ANNOTATIONS and not keyword.startswith("x-"):
            asserted[keyword] = value
    return asserted


def same(old: Any, new: Any) -> bool:
    """Whether two JSON values are one and the same; ``True`` is not 1."""
    return canonical_json(old) == canonical_json(new)


def types(schema: Plain) -> frozenset[str]:
    """The types that a plain subschema's ``type`` takes; a number may be an integer."""
    if isinstance(schema, bool):
        return TYPES if schema else frozenset()
    named = schema.get("type", sorted(TYPES))
    found = frozenset([named] if isinstance(named, str) else named)
    return found | {"integer"} if "number" in found else found


def widens(old: Plain, new: Plain) -> bool:
    """Whether the new plain subschema takes every value that the old one takes; False also where it is unclear."""
    if new is True or old is False:
        return True
    if new is False:
        return False
    before: Mapping[str, Any] = {} if old is True else old
    return (
        _members_widen(before, new)
        and _entries_widen(before, new)
        and _values_widen(before, new)
        and ("contains" not in new or _equal(_COUNTED, before, new))
        and ("if" not in new or _equal(_CONDITION, before, new))
        and all(_keyword_widens(keyword, before, new) for keyword in new if keyword not in _TOGETHER)
    )


def _keyword_widens(keyword: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if keyword not in before:
        return keyword == "uniqueItems" and after[keyword] is False
    old, new = before[keyword], after[keyword]
    if keyword == "type":
        return types(before) <= types(after)
    if keyword in _AT_LEAST:
        return bool(new <= old)
    if keyword in _AT_MOST:
        return bool(new >= old)
    if keyword == "multipleOf" and isinstance(old, int) and isinstance(new, int):
        return old % new == 0
    if keyword == "uniqueItems":
        return old is True or new is False
    if keyword == "required":
        return set(new) <= set(old)
    if keyword == "dependentRequired":
        return all(set(needed) <= set(old.get(name, ())) for name, needed in new.items())
    if keyword in {"$ref", "propertyNames"}:
        return widens(old, new)
    if keyword in {"allOf", "anyOf"}:
        more = len(new) - len(old)
        fits = more == 0 or (more > 0 and keyword == "anyOf")
        return fits and all(widens(*pair) for pair in zip(old, new, strict=False))
    return same(old, new)


def _members_widen(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old, new = before.get("properties", {}), after.get("properties", {})
    others = before.get("additionalProperties", True), after.get("additionalProperties", True)
    named = all(widens(old.get(name, others[0]), new.get(name, others[1])) for name in {**old, **new})
    return named and widens(*others)


def _entries_widen(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old, new = before.get("prefixItems", []), after.get("prefixItems", [])
    rest = before.get("items", True), after.get("items", True)
    longest = max(len(old), len(new))
    first = zip([*old, *[rest[0]] * (longest - len(old))], [*new, *[rest[1]] * (longest - len(new))], strict=True)
    return all(widens(*pair) for pair in first) and widens(*rest)


def _values_widen(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old = _listed(before)
    return all(old is not None and old <= listed for listed in _lists(after))


def _lists(schema: Mapping[str, Any]) -> list[set[bytes]]:
    found = [set(map(canonical_json, schema["enum"]))] if "enum" in schema else []
    return [*found, {canonical_json(schema["const"])}] if "const" in schema else found


def _listed(schema: Mapping[str, Any]) -> set[bytes] | None:
    """The values that ``enum`` and ``const`` leave; None for any."""
    lists = _lists(schema)
    return set.intersection(*lists) if lists else None


def _equal(keywords: frozenset[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(
        (keyword in before) == (keyword in after) and (keyword not in after or same(before[keyword], after[keyword]))
        for keyword in keywords
    )
