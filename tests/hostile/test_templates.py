"""Every hostile template is refused or stopped, at the same place each time; every benign one says what it should."""

from __future__ import annotations

import pytest

from prompthub_kernel.body import PromptBody
from prompthub_kernel.budget import MAX_OUTPUT_BYTES, MAX_TICKS, MAX_WORKING_BYTES, Budget
from prompthub_kernel.errors import Invalid
from prompthub_kernel.rendering import render
from prompthub_kernel.variables import VariablesSchema
from tests.hostile.benign_templates import BENIGN, VALUES
from tests.hostile.benign_templates import SCHEMA as BENIGN_SCHEMA
from tests.hostile.hostile_templates import SCHEMA, hostile_templates, values

CODES = {
    "syntax", "guard", "undeclared", "secret", "runtime", "reserved", "number", "size", "tags", "tokens", "nesting",
    "budget", "evaluation", "maxLength",
}  # fmt: skip
LIMITS = (MAX_TICKS, MAX_OUTPUT_BYTES, MAX_WORKING_BYTES)


@pytest.fixture
def budgets(monkeypatch):
    """Every budget that a rendering is given."""
    made: list[Budget] = []
    monkeypatch.setattr("prompthub_kernel.rendering.Budget", lambda: made.append(Budget()) or made[-1])
    return made


def attempt(template, given):
    body = PromptBody.parse(content_md=template.source, content_json=None, engine=template.engine)
    return render(body=body, variables=VariablesSchema.parse(SCHEMA), values=given)


def test_the_corpus_has_300_hostile_templates_in_both_engines():
    found = hostile_templates()
    assert len(found) >= 300
    assert {template.engine for template in found} == {"jinja2", "liquid"}
    assert len({template.name for template in found}) == len(found)


@pytest.mark.slow
def test_every_hostile_template_is_refused_or_stopped_with_a_code_and_within_the_budget(budgets):
    given = values()
    rendered, uncoded, overspent = [], [], []
    for template in hostile_templates():
        try:
            attempt(template, given)
        except Invalid as error:
            if error.code not in ("400.template_schema_invalid", "422.variables_invalid") or not error.problems:
                uncoded.append(template.name)
            uncoded += [template.name for problem in error.problems if problem.code not in CODES]
        else:
            rendered.append(template.name)
    for budget in budgets:
        # Nothing is ever paid back.
        left = (budget.ticks, budget.output_bytes, budget.working_bytes)
        if any(rest > limit for rest, limit in zip(left, LIMITS, strict=True)):
            overspent.append(left)
    assert (rendered, uncoded, overspent) == ([], [], [])
    assert budgets


def test_a_template_is_stopped_at_the_same_tick_every_time(budgets):
    template = next(template for template in hostile_templates() if "nested loops" in template.name)
    for _ in range(3):
        with pytest.raises(Invalid):
            attempt(template, values())
    assert len({(budget.ticks, budget.output_bytes, budget.working_bytes) for budget in budgets}) == 1
    assert budgets[0].ticks < 0


def test_the_problem_says_on_which_line_a_template_was_stopped():
    source = "one\ntwo\n{% for i in numbers %}\n{% for j in numbers %}x{% endfor %}\n{% endfor %}"
    body = PromptBody.parse(content_md=source, content_json=None)
    with pytest.raises(Invalid) as caught:
        render(body=body, variables=VariablesSchema.parse(SCHEMA), values=values())
    problem = caught.value.problems[0]
    assert caught.value.code == "400.template_schema_invalid"
    assert (problem.pointer, problem.code) == ("/content_md", "budget")
    assert problem.detail.startswith(("line 3:", "line 4:"))


def test_there_are_60_benign_templates():
    assert len(BENIGN) >= 60


@pytest.mark.parametrize("template", BENIGN, ids=lambda template: f"{template.engine}: {template.source[:60]}")
def test_a_benign_template_says_exactly_what_it_should(template):
    body = PromptBody.parse(content_md=template.source, content_json=None, engine=template.engine)
    rendered = render(body=body, variables=VariablesSchema.parse(BENIGN_SCHEMA), values=VALUES)
    assert rendered.text() == template.text
