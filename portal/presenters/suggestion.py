"""A model's suggestion as its page shows it: change by change, so that each can be taken by itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assist import texts
from assist.models import Suggestion
from assist.states import OPEN, SuggestionState
from assist.switches import Standing
from instances.comparing import Kind, Level, Side
from portal.presenters import showing
from portal.presenters.comparing import Row, Stretch, spans
from portal.presenters.showing import Shown
from portal.presenters.words import State
from prompthub_kernel.diffing import Hunk, split_lines

AROUND = 2
"""Unchanged lines shown before and after a change."""

REASONS_AT_MOST = 10

S = SuggestionState
STATES: dict[str, State] = {
    S.ASKED: State(gettext_lazy("waiting"), "note"),
    S.RUNNING: State(gettext_lazy("being written"), "note"),
    S.READY: State(gettext_lazy("ready"), "good"),
    S.FAILED: State(gettext_lazy("failed"), "bad"),
    S.ACCEPTED: State(gettext_lazy("accepted"), "calm"),
    S.REJECTED: State(gettext_lazy("rejected"), "calm"),
    S.STALE: State(gettext_lazy("outdated"), "warn"),
}
QUICK: dict[str, tuple[str | Promise, str]] = {
    "clear": (gettext_lazy("Clearer"), "Make it clearer and easier to follow. Keep every rule."),
    "short": (gettext_lazy("Shorter"), "Make it shorter. Say each thing once, and leave no rule out."),
    "practices": (
        gettext_lazy("Best practices"),
        "Apply best practices for prompts: a role, concrete rules, what to do when unsure, and the form of the answer.",
    ),
    "friendly": (gettext_lazy("Friendlier"), "Make the tone warmer and friendlier without making it longer."),
}
"""Instructions that are asked for by one button: what it says, and what the model is asked in the models' language."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change that can be taken by itself, by the name ``assist.refine.accept`` knows it by.

    Its rows can be gone to by number, unless the same change is drawn by structure as well.
    """

    key: str
    number: int
    stretch: Stretch
    chosen: bool


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """``state`` is as it is now. ``changes`` and ``shown`` (the same, by structure) are there when there is a text."""

    row: Suggestion
    state: SuggestionState
    word: State
    changes: Sequence[Change] = ()
    shown: Shown | None = None

    @property
    def open(self) -> bool:
        """Whether the model has not finished."""
        return self.state in OPEN

    @property
    def reasons(self) -> list[str]:
        """Of a failed one the problems that its sentence does not tell already."""
        said = [problem["detail"] for problem in self.row.problems if problem["detail"] != self.row.error_detail]
        return said[:REASONS_AT_MOST]

    @property
    def barred(self) -> bool:
        """Whether the model cannot be asked at all as it is set up: whoever asks again is told the same."""
        return self.row.error_code == "502.llm_unavailable" and not self.row.retryable

    @property
    def seen(self) -> str:
        """What a page that shows this has seen."""
        return seen(self.row)


@dataclass(frozen=True, slots=True)
class Line:
    """One of a prompt's earlier suggestions."""

    key: object
    instruction: str
    who: str
    at: datetime
    word: State


def page(*, suggestion: Suggestion, chosen: Collection[str] | None = None) -> SuggestionPage:
    """A suggestion; all of its changes are chosen unless said otherwise."""
    state = suggestion.standing
    if not suggestion.text:
        return SuggestionPage(suggestion, state, STATES[state])
    lines, hunks = split_lines(suggestion.base), suggestion.changes.hunks
    structure = _structure(suggestion)
    ends = [0, *(_end(hunk) for hunk in hunks)]
    starts = [*(_start(hunk) for hunk in hunks), len(lines)]
    changes = [
        Change(
            key=(key := texts.change_id(hunk)),
            number=number,
            stretch=Stretch(
                _rows(
                    hunk,
                    lines,
                    after=ends[number - 1],
                    before=starts[number],
                    number=0 if structure else number,
                )
            ),
            chosen=chosen is None or key in chosen,
        )
        for number, hunk in enumerate(hunks, 1)
    ]
    return SuggestionPage(suggestion, state, STATES[state], changes, structure)


def seen(row: Suggestion) -> str:
    """What somebody has seen of a suggestion: the same until something comes."""
    return f"{row.standing}-{len(row.progress)}-{row.tries}"


def line(row: Suggestion) -> Line:
    """A suggestion in a list."""
    return Line(row.pk, row.instruction, row.created_by_label, row.created_at, STATES[row.standing])


def model_name(found: Standing) -> str:
    """Which model is asked, in words."""
    makers = {
        "openai": _("OpenAI-compatible"),
        "anthropic": "Anthropic",
        "scripted": _("demonstration"),
        "null": _("none"),
    }
    maker = makers.get(found.provider, found.provider)
    return f"{found.model} ({maker})" if found.model else str(maker)


def _start(hunk: Hunk) -> int:
    """How many lines of the old text stand before a change."""
    return hunk.old_start - bool(hunk.old_count)


def _end(hunk: Hunk) -> int:
    return _start(hunk) + hunk.old_count


def _rows(hunk: Hunk, lines: list[str], *, after: int, before: int, number: int) -> tuple[Row, ...]:
    """The lines of a change with a few around it, none of which belong to its neighbours."""
    start, end = _start(hunk), _end(hunk)
    moved = hunk.new_start - bool(hunk.new_count) - start
    grown = moved + hunk.new_count - hunk.old_count
    rows = [_equal(lines, at, moved) for at in range(max(after, start - AROUND), start)]
    for place, one in enumerate(hunk.lines):
        words = spans((kind, text.removesuffix("\n")) for kind, text in one.words)
        text = words or (("equal", one.text.removesuffix("\n")),)
        rows.append(Row(one.kind, one.old_line, one.new_line, text, change=0 if place else number))
    return tuple(rows + [_equal(lines, at, grown) for at in range(end, min(before, end + AROUND))])


def _equal(lines: list[str], at: int, moved: int) -> Row:
    return Row("equal", at + 1, at + 1 + moved, (("equal", lines[at].removesuffix("\n")),))


def _structure(suggestion: Suggestion) -> Shown | None:
    """The same by structure, for documents and conversations; None for text."""
    if suggestion.instance.template_version.content_md is not None:
        return None
    base, target = (
        Side(word=str(Kind.DRAFT), kind=Kind.DRAFT, name="", level=Level.SOURCE, text=text, document=_document(text))
        for text in (suggestion.base, suggestion.text)
    )
    return showing.show(base=base, target=target, format=suggestion.instance.template_version.format)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
