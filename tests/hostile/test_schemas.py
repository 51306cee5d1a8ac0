"""Schemas that would cost, fetch or hang, and values that would: each is refused at once."""

import json
import re
import tracemalloc

import pytest

from prompthub_kernel.errors import Invalid
from prompthub_kernel.schema_explaining import Explanation
from prompthub_kernel.variables import VariablesSchema
from tests.hostile.timing import untraced

CPU_SECONDS = 0.25
MEMORY = 64 * 1024 * 1024


def variable(schema, **definitions):
    return {"properties": {"a": schema}, "$defs": definitions}


def nested(keyword, depth, wrap=lambda schema: schema):
    schema = {}
    for _ in range(depth):
        schema = {keyword: wrap(schema)}
    return schema


def doubling(keyword, depth, width):
    definitions = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * width} for n in range(depth)}
    return variable({"$ref": "#/$defs/d0"}, **definitions, **{f"d{depth}": {"type": "string"}})


HOSTILE = {
    "pattern with look-ahead": variable({"pattern": "^(?=a)(?=.*b)"}),
    "pattern with a back-reference": variable({"pattern": "(a+)\\1"}),
    "pattern of huge repetition": variable({"pattern": "a{100000}"}),
    "pattern of nested repetition": variable({"pattern": "((a{100}){100}){100}"}),
    "pattern of a unicode class repeated": variable({"pattern": "\\p{L}{1000}"}),
    "pattern too long": variable({"pattern": "a" * 501}),
    "pattern only RE2 understands": variable({"pattern": "\\Qa\\E"}),
    "pattern that is none": variable({"pattern": "("}),
    "many patterns that compile large": {"$defs": {f"d{n}": {"pattern": f".{{{900 + n % 100}}}"} for n in range(2000)}},
    "remote reference": variable({"$ref": "http://127.0.0.1:1/schema.json"}),
    "reference to a file": variable({"$ref": "file:///etc/passwd"}),
    "reference to the meta-schema": variable({"$ref": "https://json-schema.org/draft/2020-12/schema"}),
    "reference into properties": variable({"$ref": "#/properties/a"}),
    "reference to an anchor": variable({"$ref": "#here"}),
    "reference to nowhere": variable({"$ref": "#/$defs/nowhere"}),
    "dynamic reference": variable({"$dynamicRef": "#meta"}),
    "$id": variable({"$id": "http://127.0.0.1:1/", "$ref": "other.json"}),
    "$anchor": variable({"$anchor": "here"}),
    "another $schema": {"$schema": "http://127.0.0.1:1/schema"},
    "an older $schema": {"$schema": "http://json-schema.org/draft-07/schema#"},
    "$schema below the root": variable({"$schema": "http://127.0.0.1:1/schema"}),
    "$defs below the root": variable({"$defs": {"b": {}}}),
    "$vocabulary": {"$vocabulary": {"http://127.0.0.1:1/": True}},
    "recursion to itself": variable({"$ref": "#/$defs/b"}, b={"items": {"$ref": "#/$defs/b"}}),
    "recursion in a circle": variable({}, b={"$ref": "#/$defs/c"}, c={"anyOf": [{"$ref": "#/$defs/b"}]}),
    "recursion to the root": variable({"$ref": "#"}),
    "chain of references": {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(1500)} | {"d1500": {}}},
    "chain of references, last one first": {
        "$defs": {"d1500": {}} | {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in reversed(range(1500))}
    },
    "allOf explosion": doubling("allOf", 20, 2),
    "anyOf explosion": doubling("anyOf", 6, 8),
    "oneOf explosion": doubling("oneOf", 5, 10),
    "deep nesting": variable(nested("not", 25)),
    "deep nesting of lists": variable(nested("allOf", 25, lambda schema: [schema])),
    "nesting no stack survives": variable(nested("items", 20_000)),
    "huge enum": variable({"enum": list(range(501))}),
    "uniqueItems without a bound": variable({"type": "array", "uniqueItems": True}),
    "uniqueItems with a large bound": variable({"uniqueItems": True, "maxItems": 1_000_000}),
    "unevaluatedProperties": variable({"unevaluatedProperties": False}),
    "patternProperties": variable({"patternProperties": {"^(a+)+$": {}}}),
    "dependentSchemas": variable({"dependentSchemas": {"a": {}}}),
    "contentSchema": variable({"contentSchema": {}}),
    "format regex": variable({"format": "regex"}),
    "too large": variable({"description": "x" * 70_000}),
    "thousands of wrong parts": {"properties": {f"p{n}": {"type": "q"} for n in range(3000)}},
    "thousands of wrong entries": variable({"type": ["q"] * 9000}),
    "thousands of repeated names": {"required": ["a"] * 9000},
    "thousands of unknown keywords": variable({f"k{n}": 1 for n in range(5000)}),
    "NaN": variable({"minimum": float("nan")}),
    "half a surrogate pair": variable({"title": "\ud800"}),
    "not JSON": variable({"default": {1, 2}}),
}


def measured(call):
    result, used = untraced(call)
    tracemalloc.start()
    try:
        call()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert used <= CPU_SECONDS
    assert peak <= MEMORY
    return result


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_schema_is_refused_at_once(schema):
    def refuse():
        with pytest.raises(Invalid) as refused:
            VariablesSchema.parse(schema)
        return refused.value

    refused = measured(refuse)
    assert refused.code == "400.template_schema_invalid"
    assert 0 < len(refused.problems) <= 50
    assert all(problem.pointer.startswith("/variables_schema") for problem in refused.problems)


def test_a_refusal_opens_no_connection(monkeypatch):
    import socket

    def connect(*args, **kwargs):
        raise AssertionError("a schema opened a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    for name in ("remote reference", "another $schema", "$id", "reference to the meta-schema"):
        with pytest.raises(Invalid):
            VariablesSchema.parse(HOSTILE[name])


def test_an_unguarded_reference_would_not_be_fetched_either():
    with pytest.raises(ValueError, match="never fetched"):
        Explanation({"$ref": "http://127.0.0.1:1/schema.json"})


COSTLY = {
    "a pattern that hangs a backtracking engine": ({"pattern": "^(a+)+$"}, "a" * 5000 + "b"),
    "a pattern with many states": ({"pattern": "(a|b)*a(a|b){400}c"}, "abbab" * 100_000),
    "many wrong entries": ({"items": {"type": "string"}}, [1] * 300_000),
    "one wrong entry among many": ({"items": {"type": "string"}}, [*["x"] * 100_000, 1]),
    "many wrong entries, many alternatives": ({"items": {"anyOf": [{"type": "string"}] * 50}}, [1] * 300_000),
    "many names too many": ({"additionalProperties": False}, {f"n{n}": 1 for n in range(60_000)}),
    "many entries to compare": ({"uniqueItems": True, "maxItems": 1000}, [[n] for n in range(100_000)]),
    "a long text among alternatives": ({"anyOf": [{"const": n} for n in range(500)]}, "x" * 1_000_000),
    "many repetitions of a mixed list": ({"contains": {"const": 1}}, [0, "0"] * 100_000),
}


@pytest.mark.parametrize(("schema", "value"), COSTLY.values(), ids=COSTLY.keys())
def test_a_costly_value_is_judged_at_once(schema, value):
    parsed = VariablesSchema.parse({"properties": {"a": schema}})
    problems = measured(lambda: parsed.problems({"a": value}))
    assert 0 < len(problems) <= 50
    assert all(problem.pointer.startswith("/variables") for problem in problems)


def test_a_pattern_that_backtracks_elsewhere_is_fine_here():
    assert re.compile("^(a+)+$")
    assert VariablesSchema.parse({"properties": {"a": {"pattern": "^(a+)+$"}}}).problems({"a": "a" * 100_000}) == []


def test_refusals_repeat_nothing_of_the_schema():
    with pytest.raises(Invalid) as refused:
        VariablesSchema.parse({"properties": {"a": {"pattern": "hunter(", "type": "hunter"}, "b": {"$ref": "hunter"}}})
    assert "hunter" not in json.dumps([problem.detail for problem in refused.value.problems])
