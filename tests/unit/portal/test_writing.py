"""What is said about a text while it is written."""

from __future__ import annotations

from portal.presenters.writing import notes
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
