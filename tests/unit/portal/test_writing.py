"""What is said about a text while it is written."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from portal.presenters.writing import declared, notes
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema

SCHEMA = VariablesSchema.parse({"properties": {"company": {"type": "string"}, "tone": {"type": "string"}}})


def noted(text):
    return notes(body=PromptBody.parse(content_md=text, content_json=None), schema=SCHEMA)


def test_size_and_variables_are_counted():
    found = noted("Hi {{ company }}\nbye")

    assert (found.characters, found.lines, found.tokens) == (20, 2, 5)
    assert (found.used, found.unused, found.unknown, found.problems) == (("company",), ("tone",), (), ())


def test_names_nobody_declared_are_unknown():
    found = noted("{{ company }} {{ nobody }} {{ tone }}")

    assert found.unknown == ("nobody",)
    assert found.problems[0].code == "undeclared"
    assert found.unused == ()


def test_a_text_that_cannot_be_read_tells_why_and_nothing_of_its_names():
    found = noted("{% if %}")

    assert found.problems
    assert (found.used, found.unused, found.unknown) == ((), (), ())


@pytest.mark.parametrize(
    ("asked", "english", "german"),
    [
        ({"enum": ["warm", "brisk"]}, "one of warm, brisk", "eines von warm, brisk"),
        ({"enum": ["1", 1, None, True]}, 'one of "1", 1, null, true', 'eines von "1", 1, null, true'),
        ({"type": ["string", "null"]}, "text or nothing", "Text oder nichts"),
        ({"anyOf": [{"type": "integer"}, {"type": ["string", "integer"]}]}, "whole number or text", "ganze Zahl oder"),
        ({"const": "Grüße"}, "only Grüße", "nur Grüße"),
        ({"const": False}, "only false", "nur false"),
        ({"type": "boolean"}, "yes or no", "ja oder nein"),
        ({}, "", ""),
    ],
)
def test_what_a_variable_may_be_is_told_in_words_and_in_json(asked, english, german):
    [variable] = declared(VariablesSchema.parse({"properties": {"it": asked}}))
    assert variable.kind == english
    with override("de"):
        [variable] = declared(VariablesSchema.parse({"properties": {"it": asked}}))
    assert variable.kind.startswith(german)
