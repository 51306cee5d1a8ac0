"""The tables of the reference say what the product does."""

from __future__ import annotations

import re

import pytest

from docs import tables
from prompthub_kernel.body import PromptBody
from prompthub_kernel.rendering import render
from prompthub_kernel.variables import VariablesSchema

CALLS = "calls, on a mapping"
ROUND = {"jinja2": "{{% for a in [1] %}}{{% for b in [1] %}}{{{{ {fact} }}}}{{% endfor %}}{{% endfor %}}"}
ROUND["liquid"] = "{{% for a in rows %}}{{% for b in rows %}}{{{{ {fact} }}}}{{% endfor %}}{{% endfor %}}"


def listed(engine, kind):
    """The words of one row of the template languages."""
    [row] = re.findall(rf"^\| {engine} \| {kind} \| (.*) \|$", tables.languages(), re.MULTILINE)
    return re.findall(r"`([^`]+)`", row)


def rendered(source, engine):
    schema = {"type": "object", "properties": {"rows": {"type": "array"}, "given": {"type": "object"}}}
    return render(
        body=PromptBody.parse(content_md=source, content_json=None, engine=engine),
        variables=VariablesSchema.parse(schema),
        values={"rows": [1], "given": {"a": 1}},
    ).text()


@pytest.mark.parametrize("engine", ["Jinja2", "Liquid"])
def test_raw_is_listed_and_leaves_what_is_in_it(engine):
    assert "raw" in listed(engine, "tags")
    assert rendered("{% raw %}{{ a }}{% endraw %}", engine.lower()) == "{{ a }}"


def test_every_call_that_is_listed_can_be_made():
    answers = {call: rendered(f"{{{{ given{call}|tojson }}}}", "jinja2") for call in listed("Jinja2", CALLS)}
    assert answers == {".items()": '[["a", 1]]', ".keys()": '["a"]', ".values()": "[1]"}


@pytest.mark.parametrize("engine", ["Jinja2", "Liquid"])
def test_every_part_of_a_loop_that_is_listed_can_be_read(engine):
    for fact in listed(engine, "in a loop"):
        asked = f"{fact}.index" if fact.endswith("parentloop") else fact
        rendered(ROUND[engine.lower()].format(fact=asked), engine.lower())


def test_addresses_are_listed_with_the_methods_they_answer(client, db):
    """Of those whose views name no permissions; tests/architecture/test_doors.py sees to the others."""
    rows = re.findall(r"^\| (\w+) \| `(/(?:login|logout|language)/)` \|", tables.addresses(), re.MULTILINE)
    assert set(rows) == {("GET", "/login/"), ("POST", "/login/"), ("POST", "/logout/"), ("POST", "/language/")}
    for path in ("/login/", "/logout/", "/language/"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            assert (client.generic(method, path).status_code != 405) == ((method, path) in rows), (method, path)
