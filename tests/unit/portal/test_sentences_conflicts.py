"""What the solver tells is told in the language of the page, whatever it is about."""

from __future__ import annotations

import random
import re

import pytest
from django.utils import translation

from portal import sentences, sentences_conflicts
from prompthub_kernel.errors import Invalid
from prompthub_kernel.solving import solve
from tests.unit.kernel.test_solving import Shelf, ladder, needs, pigeons, refused

ENGLISH = re.compile(
    r"\b(needs?|every|cannot|which|because|and|or|from|to|your|version of|more|together|steps)\b", re.IGNORECASE
)
RANGES = ["*", "^1", "^2", "~1.1", ">=1.1 <3", "1.0.0", "2.0.0", "^3", "1.x", "^1-gpt4", "^1 || ^3", "^1.1.0-rc.1"]
VERSIONS = ["1.0.0", "1.1.0", "1.2.0!", "2.0.0", "2.1.0", "2.2.0", "3.0.0!", "1.0.0-gpt4", "1.1.0-rc.1"]


def explained(seed):
    """The explanation of a shelf that somebody filled at random; nothing where it has a solution."""
    dice = random.Random(seed)
    names = ["a", "b", "c", "d", "e"]

    def wanted(most):
        return {name: dice.choice(RANGES) for name in dice.sample([*names, "gone"], dice.randint(0, most))}

    shelf = Shelf(
        **{name: {one: wanted(2) for one in dice.sample(VERSIONS, dice.randint(1, 6))} for name in names}, gone={}
    )
    try:
        solve(needs(wanted(4)), shelf, bundle=dice.choice(["", "@acme/a"]))
    except Invalid as error:
        return error.context.get("explanation", [])
    return []


def test_whatever_the_solver_says_is_taken_apart():
    told = {sentence for seed in range(1_500) for sentence in explained(seed)}
    told |= {one for shelf, root in (pigeons(5), pigeons(6)) for one in refused(root, shelf).context["explanation"]}
    told |= set(refused({"r000": "*"}, ladder(10, 10), limit=700).context["explanation"])
    assert len(told) > 500
    assert [sentence for sentence in told if sentences_conflicts.said(sentence, say=str) is None] == []


def test_nothing_of_it_stays_english():
    with translation.override("de"):
        said = [sentences.said(one) for seed in range(300) for one in explained(seed)]
    assert [sentence for sentence in said if ENGLISH.search(re.sub(r"@\S+", "", sentence))] == []


@pytest.mark.parametrize("known", [*sentences_conflicts.CLAUSES, *sentences_conflicts.WHO, *sentences_conflicts.WHOLE])
def test_every_clause_is_translated(known):
    with translation.override("de"):
        assert translation.gettext(known) != known


@pytest.mark.parametrize(
    "other", ["Because it rains, we stay.", "And because", "Because .", "n8n answered 503.", "Because @a/b needs, x."]
)
def test_what_others_say_is_left_as_it_is(other):
    assert sentences_conflicts.said(other, say=str) is None
    assert sentences.said(other) == other
