"""Charts as numbers: where each bar stands, in the units of an SVG's viewBox. Templates draw them, words stay words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from portal.presenters.words import OUTCOME

HEIGHT, COLUMN, GAP = 140, 44, 24
BAR_WIDTH, BAR_HEIGHT = 1000, 16


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle; ``outcome`` decides its colour and pattern."""

    x: int
    y: int
    width: int
    height: int
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Stack:
    """Bars upon or beside each other that belong to one day or target, with their counts for the table."""

    label: str
    bars: list[Bar]
    counts: list[int]
    x: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacks with the outcomes that occur in them; ``top`` is the highest total, at least 1."""

    stacks: list[Stack]
    outcomes: list[tuple[str, str | Promise]]
    top: int
    width: int
    height: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(stack.total for stack in self.stacks)


def columns(labels: Sequence[str], counts: Mapping[tuple[str, str], int]) -> Chart:
    """One column per label, its outcomes upon each other; ``counts`` by label and outcome."""
    outcomes, top = _outcomes(counts), _top(labels, counts)
    stacks = []
    for place, label in enumerate(labels):
        x, floor, bars = GAP + place * (COLUMN + GAP), HEIGHT, []
        numbers = [counts.get((label, outcome), 0) for outcome in outcomes]
        for outcome, number in zip(outcomes, numbers, strict=True):
            if number:
                height = max(2, round(number / top * HEIGHT))
                floor -= height
                bars.append(Bar(x, floor, COLUMN, height, outcome, number))
        stacks.append(Stack(label, bars, numbers, x))
    return Chart(stacks, _named(outcomes), top, GAP + len(labels) * (COLUMN + GAP), HEIGHT)


def rows(labels: Sequence[str], counts: Mapping[tuple[str, str], int]) -> Chart:
    """One bar per label, its outcomes beside each other; all on the scale of the longest."""
    outcomes, top = _outcomes(counts), _top(labels, counts)
    stacks = []
    for label in labels:
        x, bars = 0, []
        numbers = [counts.get((label, outcome), 0) for outcome in outcomes]
        for outcome, number in zip(outcomes, numbers, strict=True):
            if number:
                width = max(4, round(number / top * BAR_WIDTH))
                bars.append(Bar(x, 0, width, BAR_HEIGHT, outcome, number))
                x += width
        stacks.append(Stack(label, bars, numbers))
    return Chart(stacks, _named(outcomes), top, BAR_WIDTH, BAR_HEIGHT)


def _outcomes(counts: Iterable[tuple[str, str]]) -> list[str]:
    found = {outcome for _, outcome in counts}
    return [outcome for outcome in OUTCOME if outcome in found]


def _top(labels: Sequence[str], counts: Mapping[tuple[str, str], int]) -> int:
    totals = dict.fromkeys(labels, 0)
    for (label, _), number in counts.items():
        totals[label] = totals.get(label, 0) + number
    return max([1, *totals.values()])


def _named(outcomes: Sequence[str]) -> list[tuple[str, str | Promise]]:
    return [(outcome, OUTCOME[outcome].label) for outcome in outcomes]
