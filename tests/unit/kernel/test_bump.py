import pytest

from prompthub_kernel.body import BodyFormat
from prompthub_kernel.bump import (
    MAX_PROBLEMS,
    Bump,
    Member,
    changes,
    needed,
    previous,
    raised,
    require_bump,
    require_room,
    step,
)
from prompthub_kernel.errors import Invalid
from prompthub_kernel.semver import SemVer
from prompthub_kernel.variables import VariablesSchema


def member(properties=None, digest="1", body_format=BodyFormat.MARKDOWN, **more):
    return Member(digest, body_format, VariablesSchema.parse({"properties": properties or {}, **more}))


def compared(old, new, **more):
    """What changed from one set of variables to another: size, code and name."""
    found = changes({"p": member(old)}, {"p": member(new, **more)})
    return [(str(change.bump), change.reason.code, change.reason.pointer.rpartition("/")[2]) for change in found]


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({}, {}, []),
        ({"a": STRING}, {"a": {**STRING, "title": "A", "description": "b", "examples": ["c"], "x-hint": 1}}, []),
        ({"a": STRING}, {}, [("major", "variable_removed", "a")]),
        ({"a": STRING}, {"b": STRING}, [("major", "variable_renamed", "a")]),
        (
            {"a": STRING},
            {"b": INTEGER},
            [("major", "variable_removed", "a"), ("minor", "variable_added", "b")],
        ),
        (
            {"a": STRING, "b": STRING},
            {"c": STRING},
            [("major", "variable_removed", "a"), ("major", "variable_removed", "b"), ("minor", "variable_added", "c")],
        ),
        ({}, {"a": STRING}, [("minor", "variable_added", "a")]),
        ({"a": STRING}, {"a": INTEGER}, [("major", "variable_retyped", "a")]),
        ({"a": {"type": "number"}}, {"a": INTEGER}, [("major", "variable_retyped", "a")]),
        ({"a": INTEGER}, {"a": {"type": "number"}}, [("minor", "variable_widened", "a")]),
        ({"a": STRING}, {"a": {"type": ["string", "null"]}}, [("minor", "variable_widened", "a")]),
        ({"a": STRING}, {"a": {}}, [("minor", "variable_widened", "a")]),
        ({"a": STRING}, {"a": True}, [("minor", "variable_widened", "a")]),
        ({"a": {"enum": [1, 2]}}, {"a": {"enum": [2, 1, 3]}}, [("minor", "variable_widened", "a")]),
        ({"a": {"enum": [1, 2]}}, {"a": {"enum": [1]}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"const": 1}}, {"a": {"enum": [1, 2]}}, [("minor", "variable_widened", "a")]),
        ({"a": {"const": 1}}, {"a": {"enum": [True]}}, [("major", "variable_narrowed", "a")]),
        ({"a": STRING}, {"a": {**STRING, "maxLength": 9}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"maxLength": 9}}, {"a": {"maxLength": 10}}, [("minor", "variable_widened", "a")]),
        ({"a": {"maxLength": 9}}, {"a": {"maxLength": 8}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"minimum": 2}}, {"a": {"minimum": 1}}, [("minor", "variable_widened", "a")]),
        ({"a": {"multipleOf": 4}}, {"a": {"multipleOf": 2}}, [("minor", "variable_widened", "a")]),
        ({"a": {"multipleOf": 2}}, {"a": {"multipleOf": 4}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"pattern": "a"}}, {"a": {"pattern": "b"}}, [("major", "variable_narrowed", "a")]),
        (
            {"a": {"uniqueItems": True, "maxItems": 9}},
            {"a": {"uniqueItems": False, "maxItems": 9}},
            [("minor", "variable_widened", "a")],
        ),
        ({"a": {}}, {"a": {"uniqueItems": False}}, [("minor", "variable_widened", "a")]),
        ({"a": {"items": STRING}}, {"a": {"items": {}}}, [("minor", "variable_widened", "a")]),
        ({"a": {"prefixItems": [STRING]}}, {"a": {"items": STRING}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"items": STRING}}, {"a": {"prefixItems": [STRING]}}, [("minor", "variable_widened", "a")]),
        (
            {"a": {"properties": {"b": STRING}, "additionalProperties": False}},
            {"a": {"properties": {"b": STRING, "c": STRING}, "additionalProperties": False}},
            [("minor", "variable_widened", "a")],
        ),
        (
            {"a": {"properties": {"b": STRING}}},
            {"a": {"properties": {"b": STRING, "c": STRING}}},
            [("major", "variable_narrowed", "a")],
        ),
        ({"a": {"required": ["b", "c"]}}, {"a": {"required": ["c"]}}, [("minor", "variable_widened", "a")]),
        (
            {"a": {"dependentRequired": {"b": ["c"], "d": ["e"]}}},
            {"a": {"dependentRequired": {"b": []}}},
            [("minor", "variable_widened", "a")],
        ),
        ({"a": {"anyOf": [STRING]}}, {"a": {"anyOf": [STRING, INTEGER]}}, [("minor", "variable_widened", "a")]),
        ({"a": {"allOf": [STRING]}}, {"a": {"allOf": [STRING, INTEGER]}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"not": STRING}}, {"a": {}}, [("minor", "variable_widened", "a")]),
        ({"a": {"contains": STRING}}, {"a": {"contains": {}}}, [("major", "variable_narrowed", "a")]),
        ({"a": {"if": STRING, "then": False}}, {"a": {"then": False}}, [("minor", "variable_widened", "a")]),
        ({"a": {"if": STRING, "then": False}}, {"a": {"if": STRING}}, [("major", "variable_narrowed", "a")]),
        ({"a": True}, {"a": False}, [("major", "variable_retyped", "a")]),
        ({"a": {"default": 1}}, {"a": {"default": 2}}, [("patch", "default_changed", "a")]),
        ({"a": {}}, {"a": {"default": None}}, [("patch", "default_changed", "a")]),
        ({"a": {"default": None}}, {"a": {}}, [("major", "default_removed", "a")]),
        ({"a": STRING}, {"a": {**STRING, "x-secret": True}}, [("major", "variable_marked", "a")]),
        ({"a": STRING}, {"a": {**STRING, "x-runtime": True}}, [("major", "variable_marked", "a")]),
    ],
)
def test_each_change_of_a_variable_has_its_weight(old, new, found):
    assert compared(old, new) == found


def test_a_new_variable_that_is_required_is_major_unless_it_has_a_default():
    assert compared({}, {"a": STRING}, required=["a"]) == [("major", "variable_required", "a")]
    assert compared({}, {"a": {**STRING, "default": "b"}}, required=["a"]) == [("minor", "variable_added", "a")]


def test_a_variable_that_becomes_required_is_major_and_the_other_way_minor():
    optional, required = member({"a": STRING}), member({"a": STRING}, required=["a"])
    (narrower,) = changes({"p": optional}, {"p": required})
    (wider,) = changes({"p": required}, {"p": optional})
    assert (narrower.bump, narrower.reason.code) == (Bump.MAJOR, "variable_required")
    assert (wider.bump, wider.reason.code) == (Bump.MINOR, "variable_widened")


def test_what_a_reference_refers_to_is_compared():
    reference = {"a": {"$ref": "#/$defs/d"}}
    old = member(reference, **{"$defs": {"d": {"maxLength": 5}}})
    (narrower,) = changes({"p": old}, {"p": member(reference, **{"$defs": {"d": {"maxLength": 4}}})})
    (wider,) = changes({"p": old}, {"p": member(reference, **{"$defs": {"d": {"maxLength": 6, "title": "D"}}})})
    assert (narrower.reason.code, wider.reason.code) == ("variable_narrowed", "variable_widened")


def test_rules_over_all_variables_are_not_compared_but_major():
    old, ruled = member({"a": STRING}), member({"a": STRING}, minProperties=1)
    assert [change.reason.code for change in changes({"p": old}, {"p": ruled})] == ["rules_changed"]
    assert [change.reason.code for change in changes({"p": ruled}, {"p": old})] == ["rules_removed"]
    more = member({"a": STRING, "b": STRING}, minProperties=1)
    assert needed(changes({"p": ruled}, {"p": more})) is Bump.MAJOR
    assert changes({"p": ruled}, {"p": member({"a": {**STRING, "title": "A"}}, minProperties=1)}) == []


def test_prompts_come_go_and_change():
    old = {"gone": member(), "text": member(), "shape": member(), "same": member()}
    new = {
        "same": member(),
        "text": member(digest="2", body_format=BodyFormat.TEXT),
        "shape": member(body_format=BodyFormat.CHAT),
        "styles/new": member({"a": STRING}, required=["a"]),
    }
    found = [(str(change.bump), change.reason.code, change.reason.pointer) for change in changes(old, new)]
    assert found == [
        ("major", "prompt_removed", "/members/gone"),
        ("major", "format_changed", "/members/shape"),
        ("minor", "prompt_added", "/members/styles~1new"),
        ("patch", "text_changed", "/members/text"),
    ]


def test_without_changes_a_patch_will_do():
    assert needed(changes({"p": member()}, {"p": member()})) is Bump.PATCH


@pytest.mark.parametrize(
    ("old", "new", "size"),
    [
        ("1.2.3", "2.0.0", "major"), ("1.2.3", "3.5.1", "major"), ("1.2.3", "1.3.0", "minor"),
        ("1.2.3", "1.2.4", "patch"), ("1.2.3", "1.2.3", "patch"), ("1.2.3", "1.2.2", "patch"),
        ("0.2.3", "1.0.0", "major"), ("0.2.3", "0.3.0", "major"), ("0.2.3", "0.2.4", "minor"),
        ("0.0.3", "0.0.4", "major"), ("0.0.0", "0.0.1", "major"), ("1.2.3", "2.0.0-rc.1", "major"),
    ],
)  # fmt: skip
def test_a_step_has_a_size(old, new, size):
    assert str(step(SemVer.parse(old), SemVer.parse(new))) == size


@pytest.mark.parametrize(
    ("old", "sizes"),
    [
        ("1.2.3", ["1.2.4", "1.3.0", "2.0.0"]),
        ("0.2.3", ["0.2.4", "0.2.4", "0.3.0"]),
        ("0.0.3", ["0.0.4", "0.0.4", "0.0.4"]),
        ("1.2.3-gpt4+x", ["1.2.4-gpt4", "1.3.0-gpt4", "2.0.0-gpt4"]),
    ],
)
def test_the_lowest_version_of_each_size_is_told(old, sizes):
    assert [str(raised(SemVer.parse(old), bump)) for bump in Bump] == sizes


@pytest.mark.parametrize(
    ("old", "sizes"),
    [
        ("1.2.999999999", ["1.3.0", "1.3.0", "2.0.0"]),
        ("1.999999999.999999999-gpt4", ["2.0.0-gpt4", "2.0.0-gpt4", "2.0.0-gpt4"]),
        ("0.999999999.1", ["0.999999999.2", "0.999999999.2", "1.0.0"]),
        ("999999999.2.3", ["999999999.2.4", "999999999.3.0", None]),
        ("999999999.999999999.999999999", [None, None, None]),
    ],
)
def test_a_version_that_is_told_can_be_read(old, sizes):
    found = [raised(SemVer.parse(old), bump) for bump in Bump]
    assert [one and str(one) for one in found] == sizes
    assert all(SemVer.parse(str(one)) == one for one in found if one)


def test_where_no_version_is_left_none_is_told():
    top, found = SemVer.parse("999999999.0.0"), changes({"a": member()}, {})
    with pytest.raises(Invalid) as refused:
        require_bump(old=top, new=SemVer.parse("999999999.1.0"), found=found)
    assert refused.value.context == {"needed": "major", "given": "minor", "previous": "999999999.0.0"}
    assert refused.value.detail.endswith("no version is high enough.")
    with pytest.raises(Invalid) as refused:
        require_room(new=top, above=SemVer.parse("999999999.1.0"), found=found, lowest=None)
    assert refused.value.context == {"needed": "major", "given": "minor", "next": "999999999.1.0"}
    assert "the highest version" in refused.value.detail


@pytest.mark.parametrize(
    ("version", "measured"),
    [
        ("2.0.0", "1.9.0"), ("2.0.0-rc.2", "1.9.0"), ("1.2.4", "1.2.3"), ("1.0.0", None), ("2.1.0", "2.0.0"),
        ("2.0.0-gpt4", "1.5.0-gpt4"), ("2.0.0-claude", None),
    ],
)  # fmt: skip
def test_a_version_is_measured_against_the_finished_one_before_it_of_its_variant(version, measured):
    versions = ["1.2.3", "1.9.0", "2.0.0-rc.1", "2.0.0", "1.5.0-gpt4"]
    found = previous(SemVer.parse(version), map(SemVer.parse, versions))
    assert (str(found) if found else None) == measured


def test_a_version_that_is_too_low_is_refused_with_the_reasons_and_the_lowest_that_would_do():
    found = changes({"a": member({"x": STRING}), "b": member()}, {"a": member(), "b": member(digest="2")})
    with pytest.raises(Invalid) as refused:
        require_bump(old=SemVer.parse("1.2.3-gpt4"), new=SemVer.parse("1.3.0-gpt4"), found=found)
    assert refused.value.code == "422.bump_too_small"
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [
        ("/members/a/variables_schema/properties/x", "variable_removed")
    ]
    assert "2.0.0-gpt4" in refused.value.detail
    assert refused.value.context == {
        "needed": "major", "given": "minor", "previous": "1.2.3-gpt4", "lowest": "2.0.0-gpt4",
    }  # fmt: skip


def test_reasons_are_capped():
    found = changes({f"p{n}": member() for n in range(MAX_PROBLEMS + 1)}, {})
    with pytest.raises(Invalid) as refused:
        require_bump(old=SemVer(1, 0, 0), new=SemVer(1, 0, 1), found=found)
    assert len(refused.value.problems) == MAX_PROBLEMS
