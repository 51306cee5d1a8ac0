import jsonschema
import referencing
from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.errors import Invalid
from prompthub_kernel.variables import VariablesSchema
from tests.property.effort import examples

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.0])
    | st.sampled_from(["", "a", "ab", "b7"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
SMALL = st.integers(0, 3)
ASSERTIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "minLength": SMALL,
        "maxLength": SMALL,
        "pattern": st.sampled_from(["^a", "b$", "^[a-z]*[0-9]?$", "(a|b)+"]),
        "minimum": st.integers(-3, 3),
        "exclusiveMaximum": st.integers(-3, 3),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minItems": SMALL,
        "maxItems": SMALL,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
        "minProperties": SMALL,
        "maxProperties": SMALL,
        "$ref": st.just("#/$defs/d"),
    },
)


def combined(inner):
    several = st.lists(inner, min_size=1, max_size=2)
    return ASSERTIONS | st.fixed_dictionaries(
        {},
        optional={
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "additionalProperties": inner,
            "prefixItems": several,
            "items": inner,
            "contains": inner,
            "minContains": SMALL,
            "maxContains": SMALL,
        },
    )


def schemas(parts):
    plain = ASSERTIONS.map(lambda part: {keyword: value for keyword, value in part.items() if keyword != "$ref"})
    return st.fixed_dictionaries(
        {"properties": st.dictionaries(NAMES, parts, max_size=3), "$defs": st.fixed_dictionaries({"d": plain})}
    )


PARTS = st.recursive(ASSERTIONS, combined, max_leaves=5)
BOOLEAN_PARTS = st.recursive(
    ASSERTIONS | st.booleans(),
    lambda inner: combined(inner) | st.fixed_dictionaries({"propertyNames": inner}),
    max_leaves=5,
)


def exists(values, pointer):
    for step in pointer.split("/")[2:]:
        if isinstance(values, list):
            values = values[int(step)]
        elif step in values:
            values = values[step]
        else:
            return False
    return True


def oracle(parsed):
    return jsonschema.Draft202012Validator(parsed.schema, registry=referencing.Registry())


@examples(150)
@given(schemas(BOOLEAN_PARTS), st.dictionaries(NAMES, VALUES, max_size=3))
def test_values_are_judged_as_jsonschema_judges_them(schema, values):
    parsed = VariablesSchema.parse(schema)
    problems = parsed.problems(values)
    assert (not problems) == oracle(parsed).is_valid(values)
    for problem in problems:
        missing = problem.code in {"required", "dependentRequired"}
        assert exists(values, problem.pointer) is not missing


@examples(150)
@given(schemas(PARTS), st.dictionaries(NAMES, VALUES, max_size=3))
def test_problems_are_those_jsonschema_finds(schema, values):
    parsed = VariablesSchema.parse(schema)
    ours = {(problem.pointer, problem.code) for problem in parsed.problems(values)}
    theirs = {
        ("".join(f"/{step}" for step in ("variables", *error.absolute_path)), error.validator)
        for error in oracle(parsed).iter_errors(values)
    }
    named_by_member = {"required", "dependentRequired", "additionalProperties"}
    assert {code for _, code in ours} == {code for _, code in theirs}
    assert {place for place in ours if place[1] not in named_by_member} == {
        place for place in theirs if place[1] not in named_by_member
    }


@examples(150)
@given(
    st.none()
    | VALUES
    | st.dictionaries(
        st.sampled_from(["properties", "$defs", "type", "required", "x-a", "if", "$ref"]) | st.text(), VALUES
    )
)
def test_anything_is_a_schema_or_invalid(schema):
    try:
        parsed = VariablesSchema.parse(schema)
    except Invalid as error:
        places = [problem.pointer for problem in error.problems]
        assert places
        assert all(place.startswith("/variables_schema") for place in places)
    else:
        assert VariablesSchema.parse(parsed.schema) == parsed
