from itertools import product

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompthub_kernel.body import BodyFormat
from prompthub_kernel.bump import Bump, Member, changes, needed, raised, require_bump, step
from prompthub_kernel.errors import Invalid
from prompthub_kernel.semver import SemVer
from prompthub_kernel.variables import VariablesSchema
from prompthub_kernel.widening import plain, widens
from tests.property.effort import examples
from tests.property.test_variables import NAMES, PARTS, SMALL, VALUES
from tests.property.versions import CLOSE_VERSIONS

TEXT = BodyFormat.TEXT


@st.composite
def revisions(draw, parts):
    """A subschema, and another made of it: keywords kept, dropped or taken from a third one."""
    old, other = draw(parts), draw(parts)
    new = {}
    for keyword in {**old, **other}:
        choice = draw(st.sampled_from("oooonx"))
        if choice == "o" and keyword in old:
            new[keyword] = old[keyword]
        elif choice == "n" and keyword in other:
            new[keyword] = other[keyword]
    return old, new


LEAVES = st.sampled_from(
    [True, False, {}, {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"minimum": 1}, {"maxLength": 1}]
)
FEW = st.lists(LEAVES, min_size=1, max_size=2)
SCALARS = st.sampled_from([0, 1, 2, True, "a", "ab", None])
KEYWORDS = {
    **dict.fromkeys(["minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], SMALL),
    **dict.fromkeys(["minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"], SMALL),
    **dict.fromkeys(
        ["items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"], LEAVES
    ),
    **dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], FEW),
    "type": st.sampled_from(["string", "integer", "number", ["string", "null"], ["number", "array"]]),
    "enum": st.lists(SCALARS, min_size=1, max_size=3),
    "const": SCALARS,
    "pattern": st.sampled_from(["a", "b"]),
    "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
    "uniqueItems": st.booleans(),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
    "properties": st.dictionaries(NAMES, LEAVES, max_size=2),
}
DEPENDENT = [
    ["enum", "const"], ["properties", "additionalProperties"], ["prefixItems", "items"], ["if", "then", "else"],
    ["contains", "minContains", "maxContains"], ["type", "minimum"],
]  # fmt: skip
GROUPS = [[keyword] for keyword in KEYWORDS] + DEPENDENT
EVERY = [
    None, True, False, -1, 0, 1, 2, 3, 4, 6, 0.5, 1.5, "", "a", "ab", "abc", [], [0], [1, 1], ["a", 2, 3], ["ab", "a"],
    {}, {"a": 1}, {"b": "a"}, {"a": "a", "b": 0}, {"a": 1, "b": "ab", "c": 0.5}, {"ab": None},
]  # fmt: skip


@st.composite
def pairs(draw):
    """Two subschemas of the same few keywords, each of them with or without each keyword."""
    group = draw(st.sampled_from(GROUPS))
    both = st.fixed_dictionaries({}, optional={keyword: KEYWORDS[keyword] for keyword in group})
    return draw(both), draw(both)


@examples(200)
@given(st.lists(pairs(), min_size=8, max_size=8))
def test_what_widens_takes_every_value_it_took(several):
    for old, new in several:
        if widens(plain(old, {}), plain(new, {})):
            before, after = jsonschema.Draft202012Validator(old), jsonschema.Draft202012Validator(new)
            assert [value for value in EVERY if before.is_valid(value) and not after.is_valid(value)] == []


@examples()
@given(revisions(PARTS))
def test_a_schema_widens_itself_and_its_own_annotations(pair):
    old = plain(pair[0], {"d": {"type": "string"}})
    titled = plain({**pair[0], "title": "x", "x-hint": 1, "default": None}, {"d": {"type": "string"}})
    assert titled == old
    assert widens(old, old)
    assert widens(old, True)
    assert widens(False, old)


@st.composite
def schemas(draw):
    """Two schemas of variables, the second made of the first."""
    old, new = {"properties": {}}, {"properties": {}}
    for name in draw(st.sets(NAMES)):
        before, after = draw(revisions(PARTS))
        where = draw(st.sampled_from(["both", "both", "both", "old", "new"]))
        if where != "new":
            old["properties"][name] = before
        if where != "old":
            new["properties"][name] = after
    for schema in (old, new):
        schema["$defs"] = {"d": {"type": "string", "minLength": draw(SMALL)}}
        schema["required"] = sorted(draw(st.sets(st.sampled_from(sorted(schema["properties"]) or ["a"]))))
        schema["required"] = [name for name in schema["required"] if name in schema["properties"]]
    if draw(st.booleans()):
        new["maxProperties"] = draw(SMALL)
    return old, new


@examples(80)
@given(schemas(), st.lists(st.dictionaries(NAMES, VALUES, max_size=3), min_size=1, max_size=5))
def test_whatever_is_not_major_takes_the_variables_it_took(pair, several):
    old, new = map(VariablesSchema.parse, pair)
    found = changes({"a": Member("1", TEXT, old)}, {"a": Member("1", TEXT, new)})
    if needed(found) < Bump.MAJOR:
        for values in several:
            assert old.problems(values) or not new.problems(values)


@examples(200)
@given(CLOSE_VERSIONS, st.sampled_from(Bump))
def test_the_lowest_version_that_would_do_is_lowest(old, bump):
    lowest = raised(old, bump)
    assert step(old, lowest) >= bump
    assert not lowest.pre
    assert lowest.variant == old.variant
    assert lowest.numbers > old.numbers
    higher = (SemVer(*numbers) for numbers in product(range(5), repeat=3))
    assert lowest.numbers == min(new.numbers for new in higher if new.numbers > old.numbers and step(old, new) >= bump)


@examples(200)
@given(CLOSE_VERSIONS, CLOSE_VERSIONS, st.sampled_from(["1", "2"]))
def test_a_version_is_refused_exactly_when_its_step_is_too_small(old, new, digest):
    schema = VariablesSchema.parse(None)
    after = {"a": Member("1", TEXT, schema), "b": Member("1", TEXT, schema)} if digest == "1" else {}
    found = changes({"a": Member("1", TEXT, schema)}, after)
    if step(old, new) >= needed(found):
        require_bump(old=old, new=new, found=found)
    else:
        with pytest.raises(Invalid) as refused:
            require_bump(old=old, new=new, found=found)
        assert refused.value.context["lowest"] == str(raised(old, needed(found)))
