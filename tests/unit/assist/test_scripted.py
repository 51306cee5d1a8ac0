"""The scripted model: believable for the demo's prompts, and a show of everything that can go wrong."""

from __future__ import annotations

import json

import pytest

from assist.llm.scripted import FAULTS, Scripted
from prompthub import demo_texts
from tests import factories

pytestmark = pytest.mark.django_db
VALUES = {
    "company": "Acme Dental",
    "booking_key": "0123456789",
    "month": "May",
    "topics": ["tents"],
}
DEMO = {
    "front desk 1": (demo_texts.FRONT_DESK_1, "jinja2", demo_texts.FRONT_DESK_VARIABLES),
    "front desk 2": (demo_texts.FRONT_DESK_2, "jinja2", demo_texts.FRONT_DESK_VARIABLES),
    "orders": (demo_texts.ORDERS, "jinja2", demo_texts.ORDERS_VARIABLES),
    "newsletter": (demo_texts.NEWSLETTER, "liquid", demo_texts.NEWSLETTER_VARIABLES),
    "phone agent": (demo_texts.PHONE_AGENT, "jinja2", demo_texts.PHONE_AGENT_VARIABLES),
}


def prompt(text, engine, schema):
    given = {"content_md": text} if isinstance(text, str) else {"content_json": text}
    version = factories.make_template_version(**given, engine=engine, variables_schema=schema)
    values = {name: value for name, value in VALUES.items() if name in schema["properties"]}
    return factories.make_instance(template_version=version, variables=values)


@pytest.mark.parametrize("name", DEMO)
def test_a_prompt_of_the_demo_gets_a_believable_suggestion(name):
    instance = prompt(*DEMO[name])
    row = factories.make_suggestion(instance=instance, instruction="Be kind to {{ nervous }} callers.")
    assert (row.state, row.problems) == ("ready", [])
    assert len(row.changes.hunks) >= 1
    assert "Above all: be kind to nervous callers." in row.text.replace("  ", " ")
    assert len(row.notes.splitlines()) >= 2


def test_a_document_without_text_is_left_as_it_is():
    row = factories.make_suggestion(
        instance=factories.make_instance(template_version=factories.make_template_version(content_json={"a": 1}))
    )
    assert row.problems[0]["code"] == "unchanged"
    assert json.loads(row.base) == {"a": 1}


WANTED = {
    "[unavailable]": ("502.llm_unavailable", None),
    "[locked out]": ("502.llm_unavailable", None),
    "[breaks off]": ("502.llm_unavailable", None),
    "[malformed]": ("502.llm_answer_unusable", "malformed"),
    "[empty]": ("502.llm_answer_unusable", "empty"),
    "[refuses]": ("502.llm_answer_unusable", "refused"),
    "[too long]": ("502.llm_answer_unusable", "too_long"),
    "[drops variables]": ("502.llm_answer_unusable", "variable_dropped"),
}


@pytest.mark.parametrize("word", FAULTS)
def test_a_word_in_the_instruction_shows_a_fault(word):
    row = factories.make_suggestion(instruction=f"Be brief {word}.")
    code, problem = WANTED[word]
    assert (row.state, row.error_code) == ("failed", code)
    assert (row.problems[0]["code"] if row.problems else None) == problem


def test_it_takes_its_time_when_it_is_told_to(monkeypatch):
    paused = []
    monkeypatch.setattr("assist.llm.scripted.time.sleep", paused.append)
    factories.make_suggestion(port=Scripted(pause=0.5))
    assert len(paused) > 10
    assert set(paused) == {0.5}
