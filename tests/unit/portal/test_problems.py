"""Coded errors, told to people."""

from __future__ import annotations

import pytest
from django import forms

from portal import problems
from prompthub_kernel.errors import CODES, Conflict, Invalid, Problem, PromptHubError


class Sample(forms.Form):
    name = forms.CharField()
    tone = forms.CharField()


FIELDS = {"/name": "name", "/variables/tone": "tone"}


def told(error):
    form = Sample({"name": "a", "tone": "b"})
    problems.into_form(form, error, fields=FIELDS)
    return {field: list(sentences) for field, sentences in form.errors.items()}


def test_a_problem_goes_to_the_field_it_is_about():
    error = Invalid(
        "422.variables_invalid",
        problems=[Problem("/variables/tone", "enum", "must be formal"), Problem("/name", "unique", "is taken")],
    )
    assert told(error) == {"tone": ["must be formal"], "name": ["is taken"]}


def test_a_deeper_pointer_goes_to_the_field_that_holds_it():
    error = Invalid("422.variables_invalid", problems=[Problem("/variables/tone/0/x", "type", "must be a text")])
    assert told(error) == {"tone": ["entry 1, x: must be a text"]}


def test_what_fits_no_field_is_told_at_the_top():
    error = Invalid(
        "422.request_invalid",
        problems=[Problem("/other", "unknown", "is not known"), Problem("", "type", "is not right")],
    )
    assert told(error) == {"__all__": ["/other: is not known", "is not right"]}


def test_an_error_without_problems_is_told_at_the_top():
    assert told(Conflict("409.draft_stale", "Somebody was faster.")) == {"__all__": ["Somebody was faster."]}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_title_and_says_what_to_do_next(code):
    raised = CODES[code].raised_as or PromptHubError
    error = raised(code)
    assert problems.title(error)
    assert problems.next_step(error).endswith(".")
