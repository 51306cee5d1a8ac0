"""The gallery shows every part in every state, each drawn with the arguments that its template says it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Node
from django.template.base import FilterExpression, Variable
from django.template.loader import get_template
from django.test import RequestFactory

import portal
from portal import components

PARTS = Path(portal.__file__).parent / "templates" / "portal" / "parts"
SAID = re.compile(r"\{% comment %\}(.*?)\{% endcomment %\}|\{#(.*?)#\}", re.DOTALL)
MAKING = ("asvar", "target_var", "countervar", "var_name", "variable")
INCLUDED = re.compile(r'portal/parts/(\w+)\.html"')
FROM_THE_PAGE = {"request", "csrf_token", "forloop", "now", "True", "False", "None"}
"""What every template knows without being told."""
ALIKE = {"button": {"primary", "allowed"}}
"""A control that is allowed looks as if nobody had asked."""
MADE = {make().template: make for make in components.PARTS}


def said(name: str) -> str:
    """The comment at the top of a part."""
    found = SAID.match((PARTS / f"{name}.html").read_text(encoding="utf-8"))
    assert found is not None, f"{name} does not begin by saying what it is"
    return found[1] or found[2]


def words(name: str) -> set[str]:
    """Those of its comment, and of the parts whose arguments it takes over."""
    others = re.findall(r"(\w+)\.html", said(name))
    return set(re.findall(r"\w+", said(name))).union(*(words(other) for other in others))


def asked(name: str) -> set[str]:
    """What a template asks its caller for: names that it reads and does not make itself."""
    read, made = set(), set()
    for node in get_template(f"portal/parts/{name}.html").template.nodelist.get_nodes_by_type(Node):
        made |= set(getattr(node, "loopvars", ())) | set(getattr(node, "extra_context", ()))
        made |= {word for where in MAKING if isinstance(word := getattr(node, where, None), str)}
        for found in _expressions(vars(node)):
            variable = found.var if isinstance(found, FilterExpression) else found
            if isinstance(variable, Variable) and variable.lookups:
                read.add(variable.lookups[0])
    return read - made - FROM_THE_PAGE


def _expressions(given):
    """The variables in a node's own arguments, however deep they stand in lists and conditions."""
    for value in given.values() if isinstance(given, dict) else given:
        if isinstance(value, FilterExpression):
            yield value
            yield from (argument for _, arguments in value.filters for _, argument in arguments)
        elif isinstance(value, Variable):
            yield value
        elif isinstance(value, dict | list | tuple):
            yield from _expressions(value)
        elif hasattr(value, "first") or type(value).__name__ == "TemplateLiteral":
            yield from _expressions(vars(value))


def drawn(part):
    request = RequestFactory().get("/-/components/")
    request.user = AnonymousUser()
    states = components._drawn(part, request).states
    return {name: re.sub(r'value="\w{64}"', "", str(html)) for name, html in states}


def shown_parts():
    """Parts of the gallery, and those that they include: these are drawn with them."""
    found = set(MADE)
    waiting = set(found)
    while waiting:
        inside = set(INCLUDED.findall((PARTS / f"{waiting.pop()}.html").read_text(encoding="utf-8")))
        waiting |= inside - found
        found |= inside
    return found


def test_no_part_is_missing_and_none_is_made_up():
    on_disk = {path.stem for path in PARTS.glob("*.html")}
    assert on_disk - shown_parts() == set(), "the gallery does not draw it"
    assert shown_parts() - on_disk == set()
    assert len(MADE) == len(components.PARTS), "two examples of one part"


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_state_is_drawn_and_is_a_state_of_its_own(name, db):
    part = MADE[name]()
    pictures = drawn(part)
    assert list(pictures) == list(part.states)
    assert part.states
    twice = {state for state, html in pictures.items() if list(pictures.values()).count(html) > 1}
    assert twice == ALIKE.get(name, set()), "these look alike"


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_part_is_given_what_it_says_it_takes(name):
    for state, given in MADE[name]().states.items():
        assert set(given) - words(name) - FROM_THE_PAGE == set(), state


@pytest.mark.parametrize("name", sorted(path.stem for path in PARTS.glob("*.html")))
def test_a_part_says_everything_it_asks_for(name):
    assert asked(name) - words(name) == set()


def test_a_part_that_asks_for_more_is_seen():
    assert {"label", "control", "href"} <= asked("button")
    assert asked("hits") == {"title", "hits"}
