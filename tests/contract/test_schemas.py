"""The contracts hold what they promise: examples pass or fail where they should, and nothing is left open."""

import json
import socket
from functools import partial

import pytest
import referencing
import referencing.exceptions

import contracts
from tests.hostile.timing import untraced

NAMES = sorted(path.name.removesuffix(".schema.json") for path in contracts.FOLDER.glob("*.schema.json"))
BODIES = [name for name in NAMES if name != "answers"]
EXAMPLES = contracts.FOLDER / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*/*.json"))
INVALID = sorted(path for path in (EXAMPLES / "invalid").glob("*/*.json") if path.stem != "problems")
CPU_SECONDS = 0.5


def label(path):
    return f"{path.parent.name}/{path.stem}"


def subschemas(schema, path=""):
    """Every subschema that is an object, with its pointer."""
    if isinstance(schema, dict):
        yield path, schema
        for keyword, held in schema.items():
            if keyword in {"properties", "$defs"}:
                for name, child in held.items():
                    yield from subschemas(child, f"{path}/{keyword}/{name}")
            elif keyword in {"allOf", "anyOf", "oneOf", "prefixItems"}:
                for index, child in enumerate(held):
                    yield from subschemas(child, f"{path}/{keyword}/{index}")
            elif keyword in {"items", "not", "if", "then", "else", "additionalProperties", "contains"}:
                yield from subschemas(held, f"{path}/{keyword}")


@pytest.mark.parametrize("path", VALID, ids=label)
def test_a_valid_example_has_no_problems(path):
    assert contracts.problems(path.parent.name, json.loads(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", INVALID, ids=label)
def test_an_invalid_example_fails_at_its_place(path):
    expected = json.loads((path.parent / "problems.json").read_text("utf-8"))[path.stem]
    found = contracts.problems(path.parent.name, json.loads(path.read_text("utf-8")))
    assert (expected["pointer"], expected["code"]) in {(problem.pointer, problem.code) for problem in found}


@pytest.mark.parametrize("name", ["prompt-template", "prompt-instance", "publish-request"])
def test_every_member_of_a_contract_of_the_seed_has_examples(name):
    valid = [json.loads(path.read_text("utf-8")) for path in VALID if path.parent.name == name]
    places = json.loads((EXAMPLES / "invalid" / name / "problems.json").read_text("utf-8")).values()
    members = set(contracts.load(name)["properties"])
    assert members <= {member for example in valid for member in example}
    assert members <= {place["pointer"].split("/")[1] for place in places if place["pointer"]} | {"content_md"}


def test_every_expected_problem_belongs_to_an_example():
    for listed in (EXAMPLES / "invalid").glob("*/problems.json"):
        examples = {path.stem for path in listed.parent.glob("*.json")} - {"problems"}
        assert set(json.loads(listed.read_text("utf-8"))) == examples


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_is_json_schema_2020_12_and_says_what_it_is_for(name):
    schema = contracts.load(name)
    contracts.validator(name).check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("name", BODIES)
def test_a_contract_of_a_body_leaves_nothing_open(name):
    for path, schema in subschemas(contracts.load(name)):
        if "properties" in schema and schema.get("type") == "object":
            assert schema.get("additionalProperties") is not None, f"{path} takes any member"
        types = [schema.get("type")] if isinstance(schema.get("type"), str) else schema.get("type", [])
        if "string" in types and "enum" not in schema:
            assert "maxLength" in schema, f"{path} takes strings of any length"
        if "array" in types and not path.endswith("/content_json"):
            assert "maxItems" in schema, f"{path} takes lists of any length"


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_refers_to_itself_alone(name):
    for path, schema in subschemas(contracts.load(name)):
        assert schema.get("$ref", "#").startswith("#"), f"{path} refers to another document"


def test_nothing_is_fetched(monkeypatch):
    def connect(*args, **kwargs):
        raise AssertionError("a contract opened a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(contracts, "load", lambda name: {"$ref": "http://127.0.0.1:1/schema.json"})
    with pytest.raises(referencing.exceptions.Unresolvable):
        contracts.validator.__wrapped__("remote").is_valid({})


def test_problems_carry_the_prefix_of_the_value():
    found = contracts.problems("prompt-instance", {"client": 1, "x": 1}, "/rows/0")
    assert {problem.pointer for problem in found} == {"/rows/0/client", "/rows/0/template_id", "/rows/0/x"}


def test_problems_never_repeat_a_value():
    found = contracts.problems("prompt-template", {"name": {"hunter": 1}, "engine": "hunter", "version": "hunter 2"})
    assert len(found) == 4
    assert not any("hunter" in problem.detail for problem in found)


def test_problems_are_capped():
    assert len(contracts.problems("publish-request", {f"k{n}": n for n in range(1000)})) == contracts.MAX_PROBLEMS


def test_a_false_schema_is_a_problem_too(monkeypatch):
    monkeypatch.setattr(contracts, "load", lambda name: {"properties": {"a": False}})
    (problem,) = contracts.problems("false", {"a": 1})
    assert problem.code == "falseSchema"


HOSTILE = {
    "a long name": "a" * 1_000_000,
    "a long name that ends wrongly": "a" * 1_000_000 + "!\n",
    "spaces": " " * 1_000_000,
    "dashes": "a" + "-" * 1_000_000,
    "newlines": "\n" * 1_000_000,
    "a list of several types": [entry for n in range(20_000) for entry in (n, str(n), [n])],
    "a list of objects": [{"a": n} for n in range(60_000)],
    "many members": {f"k{n}": n for n in range(60_000)},
    "nesting": json.loads("[" * 30 + "]" * 30),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_is_judged_at_once(name, value):
    schema = contracts.load(name)
    contracts.validator(name)
    for body in (value, dict.fromkeys(schema.get("properties", {}), value)):
        _, seconds = untraced(partial(contracts.problems, name, body))
        assert seconds <= CPU_SECONDS * max(1, len(schema.get("properties", {})) / 4)


def test_what_is_needed_together_is_named(monkeypatch):
    schema = {"dependentRequired": {"user": ["password"], "token": ["scope"]}}
    monkeypatch.setattr(contracts, "load", lambda name: schema)
    assert [(problem.pointer, problem.code) for problem in contracts.problems("dependent", {"user": 1})] == [
        ("/password", "dependentRequired")
    ]
