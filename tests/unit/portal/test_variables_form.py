"""The form made from a template's schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.forms.schema_fields import (
    ChoiceField,
    JsonTextField,
    ListField,
    NumberField,
    SecretField,
    TextField,
)
from portal.forms.variables import VariablesForm
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.variables import VariablesSchema

SCHEMA = {
    "properties": {
        "company": {"type": "string", "maxLength": 60, "title": "Company", "description": "Who calls."},
        "story": {"type": "string"},
        "tone": {"type": "string", "enum": ["warm", "brisk"], "default": "warm"},
        "count": {"type": "integer", "default": 3},
        "rate": {"type": "number"},
        "loud": {"type": "boolean"},
        "fixed": {"const": 7},
        "mixed": {"enum": [1, "1", True, None]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}, "default": [1, 2]},
        "nested": {"type": "object", "properties": {"a": {"type": "integer"}}},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "union": {"type": ["string", "null"]},
        "shared": {"$ref": "#/$defs/word"},
        "key": {"type": "string", "x-secret": True},
        "person": {"type": "string", "x-runtime": True},
    },
    "required": ["company", "key"],
    "$defs": {"word": {"type": "string", "enum": ["a", "b"]}},
}


def form(given=None, *, schema=SCHEMA, values=None, secrets=(), as_json=False):
    data = None if given is None else {"revision": "1", **given}
    return VariablesForm(
        data,
        schema=VariablesSchema.parse(schema),
        values=values or {},
        secrets_set=frozenset(secrets),
        as_json=as_json,
    )


def filled(given, **more):
    made = form({f"variable-{name}": value for name, value in given.items()}, **more)
    assert made.is_valid(), made.errors
    return made.variables


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("company", TextField),
        ("story", TextField),
        ("tone", ChoiceField),
        ("count", NumberField),
        ("rate", NumberField),
        ("loud", ChoiceField),
        ("fixed", ChoiceField),
        ("mixed", JsonTextField),
        ("tags", ListField),
        ("numbers", ListField),
        ("nested", JsonTextField),
        ("either", JsonTextField),
        ("union", JsonTextField),
        ("shared", ChoiceField),
        ("key", SecretField),
    ],
)
def test_each_kind_of_variable_has_its_control(name, kind):
    assert type(form().fields[f"variable-{name}"]) is kind


def test_labels_help_and_defaults_come_from_the_schema():
    fields = form().fields

    assert (fields["variable-company"].label, fields["variable-company"].help_text) == ("Company", "Who calls.")
    assert fields["variable-count"].widget.attrs["placeholder"] == "3"
    assert fields["variable-tone"].widget.choices[0] == ("", "as the template says: warm")
    assert fields["variable-numbers"].widget.attrs["placeholder"] == "1\n2"


def test_what_the_provider_fills_in_is_not_asked():
    made = form()

    assert "variable-person" not in made.fields
    assert made.runtime_names == ["person"]


def test_what_was_typed_becomes_json():
    assert filled(
        {
            "company": "Acme",
            "story": "one\r\ntwo",
            "tone": '"brisk"',
            "count": " 12345678901234567890 ",
            "rate": "1.5",
            "loud": "false",
            "fixed": "7",
            "mixed": "null",
            "tags": "a\r\n\r\nb ",
            "numbers": "4\n5",
            "nested": '{"a": 1}',
            "either": "3",
            "shared": '"b"',
        }
    ) == {
        "company": "Acme",
        "story": "one\ntwo",
        "tone": "brisk",
        "count": 12345678901234567890,
        "rate": 1.5,
        "loud": False,
        "fixed": 7,
        "mixed": None,
        "tags": ["a", "b "],
        "numbers": [4, 5],
        "nested": {"a": 1},
        "either": 3,
        "shared": "b",
    }


def test_what_is_left_empty_is_not_given_and_what_was_empty_stays_so():
    assert filled({"company": "", "count": "", "tags": "\n"}) == {}
    assert filled({"story": "", "tags": ""}, values={"story": "", "tags": []}) == {"story": "", "tags": []}


TOO_LONG = "Numbers are finite; integers have at most 20 digits."


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("count", "three", "This is not a whole number."),
        ("rate", "NaN", "This is not a number."),
        ("rate", "true", "This is not a number."),
        ("numbers", "1\n\nx", "Line 3: This is not a whole number."),
        ("nested", '{"a": \n', "This is not JSON: line"),
        ("nested", "Infinity", "This is not JSON."),
        ("tone", '"loud"', "This is not one of the values allowed."),
        ("count", "9" * 21, TOO_LONG),
        ("count", "-" + "9" * 21, TOO_LONG),
        ("count", "9" * 5000, TOO_LONG),
        ("rate", "9" * 21, TOO_LONG),
        ("rate", "1e999", TOO_LONG),
        ("numbers", "1\n" + "9" * 21, f"Line 2: {TOO_LONG}"),
        ("nested", '{"a": ' + "9" * 21 + "}", TOO_LONG),
        ("nested", '{"a": ' + "9" * 5000 + "}", TOO_LONG),
        ("either", "9" * 21, TOO_LONG),
    ],
)
def test_what_cannot_be_read_is_told_beside_its_field(name, typed, sentence):
    made = form({f"variable-{name}": typed})

    assert not made.is_valid()
    assert made.errors[f"variable-{name}"][0].startswith(sentence)


PLACES = {
    "obj": {"type": "object", "required": ["street"], "properties": {"no/1": {"type": "integer"}, "street": {}}},
    "all": {"type": "array", "items": {"type": ["object", "null"]}},
    "nums": {"type": "array", "items": {"type": "integer", "maximum": 5}},
}


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("obj", '{"no/1": 1}', "street: This is needed."),
        ("obj", '{"no/1": "x", "street": 1}', "no/1: Expected integer."),
        ("all", "[null, 1]", "entry 2: Expected object or null."),
        ("nums", "1\n9", "entry 2: This is more than 5."),
    ],
)
def test_what_is_wrong_within_a_value_is_told_with_its_place(name, typed, told):
    made = form({f"variable-{name}": typed}, schema={"type": "object", "properties": PLACES})
    assert made.is_valid(), made.errors
    made.tell(Invalid("422.variables_invalid", "x", problems=made.schema.problems(made.variables)))

    assert made.errors[f"variable-{name}"] == [told]
    with override("de"):
        again = form({f"variable-{name}": typed}, schema={"type": "object", "properties": PLACES})
        assert again.is_valid()
        again.tell(Invalid("422.variables_invalid", "x", problems=made.schema.problems(made.variables)))
        [german] = again.errors[f"variable-{name}"]
    assert not {"Expected", "This", "object", "entry"} & set(german.split())


def test_a_secret_is_never_shown_and_kept_replaced_or_taken_away():
    shown = form({"variable-key": "hunter2-secret"}, secrets=["key"])
    shown.is_valid()
    page = str(shown)

    assert "hunter2-secret" not in page
    assert 'type="password"' in page
    assert filled({"key": ""}, secrets=["key"]) == {}
    assert filled({"key": "new"}, secrets=["key"]) == {"key": "new"}
    removed = form({"variable-key": "", "remove-key": "on"}, secrets=["key"])
    assert removed.is_valid()
    assert removed.variables == {"key": None}
    assert "remove-key" not in form().fields


def test_resetting_a_variable_leaves_it_to_the_template():
    assert filled({"count": "9", "tone": '"brisk"'}) == {"count": 9, "tone": "brisk"}
    made = form({"variable-count": "9", "variable-tone": '"brisk"', "reset": "count"}, values={"count": 9})
    assert made.is_valid()
    assert made.variables == {"tone": "brisk"}


def test_rows_say_what_differs_from_the_default():
    rows = {row.name: row for row in form(values={"count": 9, "tone": "warm", "story": "x"}).rows()}

    assert (rows["count"].differs, rows["count"].default) == (True, "3")
    assert not rows["tone"].differs
    assert not rows["story"].differs
    assert rows["company"].required
    page = render_to_string("portal/parts/variable.html", {"row": rows["count"]})
    assert 'name="reset" value="count"' in page


def test_all_values_can_be_written_as_one_json_text():
    made = form(values={"company": "Acme", "count": 9}, secrets=["key"], as_json=True)
    assert json.loads(made["variables_json"].value()) == {"company": "Acme", "count": 9}
    assert [name for name in made.fields if name.startswith("variable-")] == ["variable-key"]

    made = form({"variables_json": '{"company": ""}', "variable-key": "k"}, as_json=True)
    assert made.is_valid()
    assert made.variables == {"company": "", "key": "k"}
    assert made.json_field is not None
    assert form().json_field is None


@pytest.mark.parametrize("text", ["[1]", '{"key": "secret"}', "{"])
def test_a_json_text_that_is_no_set_of_open_values_is_refused(text):
    made = form({"variables_json": text}, as_json=True)

    assert not made.is_valid()
    assert "variables_json" in made.errors
    assert "secret" not in str(made.errors["variables_json"]).replace("Secrets", "")


def test_an_empty_json_text_gives_nothing():
    made = form({"variables_json": ""}, as_json=True)

    assert made.is_valid()
    assert made.variables == {}


def test_coded_problems_stand_beside_their_fields_and_say_so_to_screen_readers():
    made = form({"variable-count": "3"})
    assert made.is_valid()
    problems = [Problem("/variables/count", "minimum", "too small"), Problem("/variables", "json", "all wrong")]

    made.tell(Invalid("422.variables_invalid", "x", problems=problems))

    assert made.errors["variable-count"] == ["too small"]
    assert made.non_field_errors() == ["/variables: all wrong"]
    row = next(row for row in made.rows() if row.name == "count")
    page = render_to_string("portal/parts/variable.html", {"row": row})
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_variable-count-error"' in page


def test_stored_values_that_nobody_asks_for_are_named():
    assert form(values={"gone": 1}).undeclared == ["gone"]


def test_a_value_its_control_cannot_show_is_edited_as_json():
    made = form(values={"tags": ["two\nlines"], "count": "not a number"})

    assert type(made.fields["variable-tags"]) is JsonTextField
    assert type(made.fields["variable-count"]) is JsonTextField


def test_choices_of_one_label_are_edited_as_json():
    made = form(schema={"properties": {"x": {"enum": [1, "1"]}}})

    assert type(made.fields["variable-x"]) is JsonTextField


INTEGERS = st.integers(-(10**20) + 1, 10**20 - 1)  # no door takes more digits
VALUES = {
    "story": st.text("ab\n \t", min_size=1, max_size=12),
    "count": INTEGERS,
    "rate": st.floats(allow_nan=False, allow_infinity=False),
    "loud": st.booleans(),
    "tags": st.lists(st.text("ab \n", min_size=0, max_size=4), min_size=1, max_size=3),
    "nested": st.dictionaries(st.sampled_from("ab"), st.none() | INTEGERS, max_size=2),
    "either": st.text("a1", min_size=1, max_size=3) | INTEGERS,
}


@given(values=st.fixed_dictionaries({}, optional=VALUES))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_showing_and_saving_changes_no_value(values: dict[str, Any]):
    shown = form(values=values)
    typed = {
        f"variable-{name}": str(shown[f"variable-{name}"].value() or "").replace("\n", "\r\n")
        for name in VALUES
        if shown[f"variable-{name}"].value() is not None
    }

    saved = form(typed, values=values)

    assert saved.is_valid(), saved.errors
    assert json.dumps(saved.variables, sort_keys=True) == json.dumps(values, sort_keys=True)


def test_a_secret_among_the_open_values_is_refused_and_not_shown_again():
    made = form({"variables_json": '{"company": "Acme", "key": "k-4711"}'}, as_json=True)
    assert not made.is_valid()
    assert "Secrets have fields of their own: key." in str(made.errors)
    assert "k-4711" not in str(made)
    assert "Acme" in str(made)
