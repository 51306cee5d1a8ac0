import pytest

from prompthub_kernel.errors import Invalid
from prompthub_kernel.variables import MAX_PROBLEMS, MAX_VARIABLES, MAX_WORK, VariablesSchema

SCHEMA = {
    "title": "Call opener",
    "type": "object",
    "required": ["company", "api_key"],
    "properties": {
        "company": {"type": "string", "minLength": 1, "description": "Who is calling"},
        "tone": {"enum": ["calm", "brisk"], "default": "calm"},
        "minutes": {"type": "integer", "minimum": 1, "default": 15},
        "api_key": {"type": "string", "minLength": 8, "x-secret": True},
        "caller_name": {"type": "string", "x-runtime": True},
        "products": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/product"}},
        "hours": {"additionalProperties": {"pattern": "^[0-9]+$"}},
    },
    "$defs": {
        "product": {
            "required": ["name"],
            "additionalProperties": False,
            "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "a/b~": {"type": "null"}},
        }
    },
}
GOOD = {"company": "Brandt", "api_key": "sk-12345678"}


def parse(**properties):
    return VariablesSchema.parse({"properties": properties})


def refusals(schema):
    with pytest.raises(Invalid) as refused:
        VariablesSchema.parse(schema)
    assert refused.value.code == "400.template_schema_invalid"
    return [(problem.pointer.removeprefix("/variables_schema"), problem.code) for problem in refused.value.problems]


def found(schema, values):
    return sorted((problem.pointer, problem.code) for problem in VariablesSchema.parse(schema).problems(values))


def test_a_schema_says_what_it_declares():
    parsed = VariablesSchema.parse(SCHEMA)
    assert parsed.names == set(SCHEMA["properties"])
    assert parsed.secret_names == {"api_key"}
    assert parsed.runtime_names == {"caller_name"}
    assert parsed.required == {"company", "api_key"}
    assert parsed.defaults == {"tone": "calm", "minutes": 15}


def test_no_schema_declares_no_variables():
    parsed = VariablesSchema.parse(None)
    assert parsed.schema == {"type": "object", "properties": {}, "additionalProperties": False}
    assert parsed == VariablesSchema.parse({})
    assert [problem.code for problem in parsed.problems({"a": 1})] == ["additionalProperties"]


def test_a_parsed_schema_parses_to_itself():
    parsed = VariablesSchema.parse(SCHEMA)
    assert parsed.schema == {**SCHEMA, "additionalProperties": False}
    assert VariablesSchema.parse(parsed.schema) == parsed
    assert VariablesSchema.parse(parsed.schema).digest_part() == parsed.digest_part()


def test_changing_what_was_sent_does_not_change_the_schema():
    sent = {"properties": {"a": {"enum": [1]}}}
    parsed = VariablesSchema.parse(sent)
    sent["properties"]["a"]["enum"].append(2)
    assert parsed.problems({"a": 2})


def test_descriptions_are_part_of_the_digest():
    assert parse(a={"description": "x"}).digest_part() != parse(a={"description": "y"}).digest_part()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (GOOD, []),
        ({**GOOD, "products": [{"name": "Aa", "a/b~": None}], "hours": {"mon": "9"}, "minutes": 10**30}, []),
        ({}, [("/variables/api_key", "required"), ("/variables/company", "required")]),
        ({**GOOD, "tone": "loud"}, [("/variables/tone", "enum")]),
        ({**GOOD, "tone": None}, [("/variables/tone", "enum")]),
        ({**GOOD, "minutes": "15"}, [("/variables/minutes", "type")]),
        ({**GOOD, "minutes": 0}, [("/variables/minutes", "minimum")]),
        ({**GOOD, "minutes": float("nan")}, [("/variables/minutes", "type")]),
        ({**GOOD, "x/y": 1}, [("/variables/x~1y", "additionalProperties")]),
        ({**GOOD, "caller_name": "Ann"}, [("/variables/caller_name", "x-runtime")]),
        ({**GOOD, "api_key": "short"}, [("/variables/api_key", "minLength")]),
        (
            {**GOOD, "products": [{"name": "a"}, {}, {"name": "A", "a/b~": 1}]},
            [
                ("/variables/products/0/name", "pattern"),
                ("/variables/products/1/name", "required"),
                ("/variables/products/2/a~1b~0", "type"),
            ],
        ),
        ({**GOOD, "products": [{"name": "A"}] * 4}, [("/variables/products", "maxItems")]),
        ({**GOOD, "hours": {"mon": "x"}}, [("/variables/hours/mon", "pattern")]),
        ({**GOOD, "company": "\ud800"}, [("/variables", "json")]),
        ({**GOOD, "company": b"x"}, [("/variables", "json")]),
    ],
)
def test_problems_name_the_place_and_the_keyword(values, expected):
    assert found(SCHEMA, values) == expected


@pytest.mark.parametrize(
    ("schema", "values", "expected"),
    [
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, [("", "anyOf")]),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 1}, [("", "oneOf")]),
        ({"not": {"required": ["a"]}}, {"a": 1}, [("", "not")]),
        ({"allOf": [{"required": ["a"]}, {"minProperties": 2}]}, {}, [("", "minProperties"), ("/a", "required")]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, [("/b", "dependentRequired")]),
        (
            {"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"required": ["b"]}, "else": False},
            {"a": 1},
            [("/b", "required")],
        ),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False}, {}, [("", "falseSchema")]),
        ({"propertyNames": {"maxLength": 0}}, {"a": 1}, [("", "propertyNames")]),
        ({"maxProperties": 1}, {"a": 1, "b": 1}, [("", "maxProperties")]),
    ],
)
def test_rules_about_several_variables_hold(schema, values, expected):
    schema = {"properties": {"a": True, "b": True}, **schema}
    assert found(schema, values) == [("/variables" + pointer, code) for pointer, code in expected]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        (False, 1, [("", "falseSchema")]),
        ({"const": 1}, 2, [("", "const")]),
        ({"const": 1}, True, [("", "const")]),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/n"}]}, [], [("", "anyOf")]),
        ({"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/n"}]}, 1, [("", "oneOf")]),
        ({"not": {"$ref": "#/$defs/n"}}, 1, [("", "not")]),
        ({"prefixItems": [{"type": "string"}, {"$ref": "#/$defs/n"}], "items": False}, [1, "x", 2],
         [("/0", "type"), ("/1", "type"), ("/2", "falseSchema")]),
        ({"contains": {"$ref": "#/$defs/n"}}, ["x"], [("", "contains")]),
        ({"contains": {"const": 1}, "maxContains": 1}, [1, 1], [("", "maxContains")]),
        ({"contains": {"const": 1}, "minContains": 0}, [], []),
        ({"propertyNames": {"pattern": "^a"}}, {"b": 1}, [("", "propertyNames")]),
        ({"type": "array", "maxItems": 5, "uniqueItems": True}, [1, 1.0], [("", "uniqueItems")]),
        ({"format": "date"}, "2024-02-30", [("", "format")]),
        ({"format": "uuid"}, "01933b1e-7c7a-7d3a-8a5d-0123456789ab", []),
        ({"multipleOf": 2, "exclusiveMaximum": 3}, 3, [("", "exclusiveMaximum"), ("", "multipleOf")]),
        ({"properties": {"a%b é": {"type": "null"}}}, {"a%b é": 1}, [("/a%b é", "type")]),
    ],
)  # fmt: skip
def test_every_keyword_is_explained(variable, value, expected):
    schema = {"properties": {"v": variable}, "$defs": {"n": {"type": "number"}}}
    assert found(schema, {"v": value}) == [("/variables/v" + pointer, code) for pointer, code in expected]


def test_details_never_repeat_a_value():
    values = {"company": 987654321, "api_key": "hunter2", "tone": "hunter3", "products": "hunter4", "hunter": "hunter5"}
    details = [problem.detail for problem in VariablesSchema.parse(SCHEMA).problems(values)]
    assert len(details) == 5
    assert not any("hunter" in detail or "987654321" in detail for detail in details)


def test_details_say_what_is_allowed():
    details = {
        problem.detail for problem in VariablesSchema.parse(SCHEMA).problems({**GOOD, "tone": "x", "minutes": 0})
    }
    assert details == {"Allowed are: calm, brisk.", "This is less than 1."}


def test_what_is_allowed_is_spelled_as_in_json():
    [problem] = parse(a={"enum": [True, None, 1.5, "so", {"é": []}]}).problems({"a": 2})
    assert problem.detail == 'Allowed are: true, null, 1.5, so, {"é": []}.'


def test_problems_are_capped():
    assert len(parse(a={"items": {"type": "null"}}).problems({"a": [1] * 1000})) == MAX_PROBLEMS


def test_values_are_completed_with_copies_of_the_defaults():
    parsed = parse(a={"default": ["x"]}, b={"default": 1}, c={})
    complete = parsed.complete({"b": 2})
    complete["a"].append("y")
    assert parsed.complete({}) == {"a": ["x"], "b": 1}
    assert complete == {"a": ["x", "y"], "b": 2}


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({"$defs": {"d": {"default": "z"}}, "properties": {"a": {"$ref": "#/$defs/d"}}}, ["/$defs/d/default"]),
        (
            {"properties": {"a": {"default": {}, "properties": {"b": {"default": "q"}}}}},
            ["/properties/a/properties/b/default"],
        ),
        ({"properties": {"a": {"items": {"default": 1}}, "b": {"anyOf": [{"default": 1}]}}},
         ["/properties/a/items/default", "/properties/b/anyOf/0/default"]),
        ({"allOf": [{"properties": {"a": {"default": 1}}}], "properties": {"a": {}}},
         ["/allOf/0/properties/a/default"]),
    ],
)  # fmt: skip
def test_a_default_that_nothing_is_filled_in_with_can_be_refused(schema, places):
    parsed = VariablesSchema.parse(schema)
    with pytest.raises(Invalid) as refused:
        parsed.refuse_idle_defaults()
    assert refused.value.code == "400.template_schema_invalid"
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [
        ("/variables_schema" + place, "default") for place in places
    ]


def test_defaults_of_variables_are_not_idle():
    parsed = parse(a={"default": {"default": 1}, "const": {"default": 1}}, default={"default": 2}, c={})
    parsed.refuse_idle_defaults()
    assert parsed.complete({}) == {"a": {"default": 1}, "default": 2}


def test_a_required_variable_with_a_default_need_not_be_given():
    parsed = VariablesSchema.parse({"properties": {"a": {"default": 1}}, "required": ["a"]})
    assert parsed.require({}) == {"a": 1}


def test_require_raises_every_problem():
    with pytest.raises(Invalid) as refused:
        VariablesSchema.parse(SCHEMA).require({"tone": 1})
    assert refused.value.code == "422.variables_invalid"
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ([], [("", "type")]),
        ({"type": "array"}, [("/type", "const")]),
        ({"tone": {"type": "string"}}, [("/tone", "keyword")]),
        ({"additionalProperties": True}, [("/additionalProperties", "const")]),
        ({"additionalProperties": {}}, [("/additionalProperties", "const")]),
        ({"default": {}}, [("/default", "keyword")]),
        ({"enum": [{}]}, [("/enum", "keyword")]),
        ({"$ref": "#/$defs/a", "$defs": {"a": {}}}, [("/$ref", "keyword")]),
        ({"required": ["a"]}, [("/required/0", "required")]),
        ({"properties": {"a": {"type": "text"}}}, [("/properties/a/type", "anyOf")]),
        ({"properties": {"a": 3}}, [("/properties/a", "type")]),
        ({"properties": {"a": {"default": 1, "type": "string"}}}, [("/properties/a/default", "default")]),
        (
            {"properties": {"a": {"items": {"default": 1, "type": "null"}}}},
            [("/properties/a/items/default", "default")],
        ),
        ({"$defs": {"a": {"default": 1, "type": "null"}}}, [("/$defs/a/default", "default")]),
    ],
)
def test_a_schema_of_variables_is_an_object_schema_that_fits_itself(schema, expected):
    assert refusals(schema) == expected


@pytest.mark.parametrize("name", ["for", "if", "loop", "not", "True", "none", "forloop", "self", "__class__"])
def test_names_the_engines_use_are_reserved(name):
    assert refusals({"properties": {name: {}}}) == [(f"/properties/{name}", "propertyNames")]


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a.b", "a b", "é", "a\n", "a" * 65])
def test_a_name_is_an_identifier(name):
    assert refusals({"properties": {name: {}}}) == [(f"/properties/{name}", "propertyNames")]


def test_names_as_people_give_them_are_fine():
    assert parse(context={}, set={}, _x1={}, **{"a" * 64: {}}).names == {"context", "set", "_x1", "a" * 64}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ({"x-secret": True}, [("/type", "x-secret")]),
        ({"x-secret": True, "type": ["string", "null"]}, [("/type", "x-secret")]),
        ({"x-secret": True, "type": "string", "default": "s"}, [("/default", "x-secret")]),
        ({"x-secret": True, "type": "string", "examples": ["s"]}, [("/examples", "x-secret")]),
        ({"x-secret": True, "type": "string", "enum": ["s"]}, [("/enum", "x-secret")]),
        ({"x-secret": "yes", "type": "string"}, [("/x-secret", "type")]),
        ({"x-secret": True, "type": "string", "x-runtime": True}, [("/x-runtime", "x-secret")]),
        ({"x-runtime": True, "default": "x"}, [("/default", "x-runtime")]),
        ({"properties": {"b": {"x-secret": True}}}, [("/properties/b/x-secret", "x-secret")]),
        ({"items": {"x-runtime": True}}, [("/items/x-runtime", "x-runtime")]),
    ],
)
def test_a_mark_stands_only_where_it_is_kept(variable, expected):
    assert refusals({"properties": {"a": variable}}) == [
        ("/properties/a" + pointer, code) for pointer, code in expected
    ]


def test_a_secret_cannot_hide_behind_a_reference():
    schema = {"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string", "x-secret": True}}}
    assert refusals(schema) == [("/$defs/s/x-secret", "x-secret")]


def test_what_the_provider_fills_in_cannot_be_required():
    schema = {"properties": {"a": {"x-runtime": True}}, "required": ["a"]}
    assert refusals(schema) == [("/properties/a", "x-runtime")]


def test_the_number_of_variables_is_limited():
    variables = {f"v{n}": {} for n in range(MAX_VARIABLES + 1)}
    assert refusals({"properties": variables}) == [("/properties", "maxProperties")]


def test_annotations_of_ones_own_begin_with_x():
    assert parse(a={"x-order": 3, "x-widget": {"rows": 5}}).names == {"a"}


def test_a_large_text_beside_a_costly_pattern_is_fine():
    parsed = parse(note={"type": "string"}, code={"type": "string", "pattern": "^[^<>]{1,200}$"})
    assert parsed.problems({"note": "x" * 1_000_000, "code": "y"}) == []
    assert [problem.code for problem in parsed.problems({"note": 3, "code": "y" * 20_000})] == ["schema"]
    assert [problem.code for problem in parsed.problems({"code": "y" * (MAX_WORK // 1000)})] == ["maxLength"]


@pytest.mark.parametrize(
    ("limits", "values", "code"),
    [
        ({}, [1], "contains"),
        ({"minContains": 2}, [None], "minContains"),
        ({"minContains": 2}, [1], "contains"),
        ({"maxContains": 1}, [None, None], "maxContains"),
        ({"minContains": 0, "maxContains": 0}, [None], "maxContains"),
    ],
)
def test_too_many_of_a_kind_are_not_told_as_missing(limits, values, code):
    schema = VariablesSchema.parse({"properties": {"a": {"contains": {"type": "null"}} | limits}})
    [problem] = schema.problems({"a": values})
    assert (problem.pointer, problem.code) == ("/variables/a", code)
