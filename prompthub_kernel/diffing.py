"""What changed between two texts or two documents: for people, for programs, and as a patch.

Lines first, then words inside the lines that were replaced. :func:`apply` turns the old text and the difference
into the new text again, exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Literal, NamedTuple

from prompthub_kernel.aligning import SECONDS, Run, align, words
from prompthub_kernel.diffing_documents import Differences, compare
from prompthub_kernel.errors import Conflict
from prompthub_kernel.hidden_characters import hidden_characters

Kind = Literal["equal", "removed", "added"]
Word = tuple[Kind, str]
MAX_WARNINGS = 100
_ALIKE = 3
"""Replaced text counts as changed when a third of the shorter side's words stayed; else as removed and added."""
_SERIES = 8
"""Words, signs and spaces in a row: enough to know a place in a long text by."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Line(NamedTuple):
    """A line of a hunk, with its line end if it has one; ``words`` says what changed within it, when it is known.

    Line numbers count from 1; ``old_line`` is ``None`` for an added line, ``new_line`` for a removed one.
    """

    kind: Kind
    old_line: int | None
    new_line: int | None
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring changes with the equal lines around them, as in a unified diff.

    ``old_start`` and ``new_start`` are the numbers of the hunk's first line on either side, or, if it has no line
    on that side, of the line before it.
    """

    old_start: int
    new_start: int
    lines: tuple[Line, ...]

    @property
    def old_count(self) -> int:
        """How many lines of the old text the hunk covers."""
        return sum(line.kind != "added" for line in self.lines)

    @property
    def new_count(self) -> int:
        """How many lines of the new text the hunk covers."""
        return sum(line.kind != "removed" for line in self.lines)


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """Seed 000's ``{added, removed, changed}``, with hunks and warnings.

    Of texts, ``added`` and ``removed`` list ``{"line", "text"}``, ``changed`` lists ``{"line", "old_line", "old",
    "new", "words"}`` where old and new may span lines and ``words`` are ``[kind, text]`` pairs. Of documents they
    list pointers and values (:func:`diff_document`). ``warnings`` list hidden characters that the new text brings
    in: ``{"line", "column", "kind", "character"}``.
    """

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    hunks: tuple[Hunk, ...]
    warnings: list[dict[str, Any]]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.hunks or self.added or self.removed or self.changed)

    def to_json(self) -> dict[str, Any]:
        """The shape of the API's answers."""
        return {
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "hunks": [_hunk_json(hunk) for hunk in self.hunks],
            "warnings": self.warnings,
        }

    def unified(self, old_label: str, new_label: str) -> str:
        """A unified diff that ``patch`` understands; empty when nothing changed."""
        if not self.hunks:
            return ""
        head = f"--- {_CONTROL.sub(' ', old_label)}\n+++ {_CONTROL.sub(' ', new_label)}\n"
        return head + "".join(_unified_hunk(hunk) for hunk in self.hunks)


def diff_text(*, old: str, new: str, context: int = 3) -> PromptDiff:
    """The difference of two texts by lines, and by words inside replaced lines; ``context`` equal lines around.

    Aligning is bounded in time: a rewrite too tangled to align in some 50 ms is reported as removed and added.
    """
    found = Differences([], [], [])
    lines = list(_lines(split_lines(old), split_lines(new), found))
    return PromptDiff(found.added, found.removed, found.changed, tuple(_hunks(lines, context)), _warnings(lines))


def diff_document(*, old: Any, new: Any, context: int = 3) -> PromptDiff:
    """The difference of two JSON documents.

    ``added`` and ``removed`` list ``{"pointer", "value"}``; ``changed`` lists ``{"pointer", "old_pointer", "old",
    "new", "words"}``: pointers into the new and the old document, and word changes when both values are strings.
    Equal values of a list that only moved have ``"moved": true``. Chat messages are matched by what they say, then
    by role. Hunks are those of the indented JSON (:meth:`PromptBody.source`).
    """
    text = diff_text(old=_indented(old), new=_indented(new), context=context)
    found = compare(old, new)
    texts = [change for change in found.changed if isinstance(change["old"], str) and isinstance(change["new"], str)]
    length = sum(len(change["old"]) + len(change["new"]) for change in texts)
    for change in texts:
        seconds = SECONDS * (len(change["old"]) + len(change["new"])) / length
        change["words"] = [list(word) for word in word_changes(change["old"], change["new"], seconds)]
    return PromptDiff(found.added, found.removed, found.changed, text.hunks, text.warnings)


def apply(*, old: str, diff: PromptDiff) -> str:
    """The new text. Raises :class:`Conflict` ``409.state_conflict`` when the difference starts from another text."""
    source, result, at = split_lines(old), list[str](), 0
    for hunk in diff.hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        expected = [line.text for line in hunk.lines if line.kind != "added"]
        if start < at or source[start : start + len(expected)] != expected:
            raise Conflict("409.state_conflict", "This difference was not made from this text.")
        result += source[at:start]
        result += [line.text for line in hunk.lines if line.kind != "removed"]
        at = start + len(expected)
    return "".join(result + source[at:])


def split_lines(text: str) -> list[str]:
    """The lines of a text, each with its line feed; nothing else ends a line, and joining them gives the text."""
    return _LINE.findall(text)


def _lines(old: list[str], new: list[str], found: Differences) -> Iterator[Line]:
    """All lines in the order of a unified diff; what changed is noted in ``found``."""
    runs = align(old, new)
    replaced = sum(_length(old, new, run) for run in runs if not run.same) or 1
    for run in runs:
        if run.same:
            for offset in range(run.old_end - run.old_start):
                number = run.old_start + offset
                yield Line("equal", number + 1, run.new_start + offset + 1, old[number])
        else:
            seconds = SECONDS * _length(old, new, run) / replaced
            yield from _replaced(old, new, run, seconds, found)


def _length(old: list[str], new: list[str], run: Run) -> int:
    return sum(map(len, old[run.old_start : run.old_end])) + sum(map(len, new[run.new_start : run.new_end]))


def _replaced(old: list[str], new: list[str], run: Run, seconds: float, found: Differences) -> Iterator[Line]:
    """A block of replaced lines, piece by piece: all its removed lines, then all its added ones."""
    olds, news = old[run.old_start : run.old_end], new[run.new_start : run.new_end]
    at_old, at_new = run.old_start, run.new_start
    removed: list[Line] = []
    added: list[Line] = []
    for piece in _pieces(word_changes("".join(olds), "".join(news), seconds)):
        left, right = _side(piece, "removed"), _side(piece, "added")
        old_texts, new_texts = split_lines(left), split_lines(right)
        if left == right:  # the lines were too tangled to be aligned, their words were not
            yield from (*removed, *added)
            removed, added = [], []
            yield from (Line("equal", at_old + n, at_new + n, text) for n, text in enumerate(old_texts, 1))
        elif _alike(piece, left, right):
            change = {"line": at_new + 1, "old_line": at_old + 1, "old": left, "new": right}
            found.changed.append({**change, "words": [list(word) for word in piece]})
            parts = zip(old_texts, _by_line(piece, "removed"), strict=True)
            removed += [Line("removed", at_old + n, None, text, part) for n, (text, part) in enumerate(parts, 1)]
            parts = zip(new_texts, _by_line(piece, "added"), strict=True)
            added += [Line("added", None, at_new + n, text, part) for n, (text, part) in enumerate(parts, 1)]
        else:
            removed += [Line("removed", at_old + n, None, text) for n, text in enumerate(old_texts, 1)]
            added += [Line("added", None, at_new + n, text) for n, text in enumerate(new_texts, 1)]
            found.removed.extend({"line": at_old + n, "text": text} for n, text in enumerate(old_texts, 1))
            found.added.extend({"line": at_new + n, "text": text} for n, text in enumerate(new_texts, 1))
        at_old += len(old_texts)
        at_new += len(new_texts)
    yield from (*removed, *added)


def word_changes(old: str, new: str, seconds: float = SECONDS) -> list[Word]:
    """Two texts as words that are equal, removed or added; white space between two replaced words is replaced too."""
    if not old or not new:
        return [("removed", old)] if old else [("added", new)]
    olds, news = words(old), words(new)
    result: list[Word] = []
    gone = come = ""
    runs = align(olds, news, seconds=seconds, series=_SERIES)
    for position, run in enumerate(runs):
        left = "".join(olds[run.old_start : run.old_end])
        between = run.same and gone and come and position + 1 < len(runs) and left.isspace() and "\n" not in left
        if run.same and not between:
            result += _changed(gone, come)
            result.append(("equal", left))
            gone = come = ""
        else:
            gone += left
            come += "".join(news[run.new_start : run.new_end])
    return result + _changed(gone, come)


def _changed(gone: str, come: str) -> list[Word]:
    changes: tuple[Word, ...] = (("removed", gone), ("added", come))
    return [change for change in changes if change[1]]


def _pieces(changes: list[Word]) -> Iterator[list[Word]]:
    """The changes, cut wherever both sides stand at the beginning of a line."""
    piece: list[Word] = []
    for kind, text in changes:
        rest = text
        if kind == "equal":
            while "\n" in rest:
                line, rest = rest.split("\n", 1)
                yield [*piece, (kind, line + "\n")]
                piece = []
        elif not piece and "\n" in rest:
            whole, rest = rest[: rest.rindex("\n") + 1], rest[rest.rindex("\n") + 1 :]
            yield [(kind, whole)]
        if rest:
            piece.append((kind, rest))
    if piece:
        yield piece


def _side(piece: Sequence[Word], kind: Kind) -> str:
    return "".join([text for found, text in piece if found in {"equal", kind}])


def _by_line(piece: Sequence[Word], kind: Kind) -> list[tuple[Word, ...]]:
    """The words of one side, line by line."""
    lines: list[list[Word]] = [[]]
    for found, text in piece:
        if found in {"equal", kind}:
            for line in split_lines(text):
                lines[-1].append((found, line))
                if line.endswith("\n"):
                    lines.append([])
    return [tuple(line) for line in lines if line]


def _alike(piece: Sequence[Word], left: str, right: str) -> bool:
    stayed = sum(_signs(text) for kind, text in piece if kind == "equal")
    return 0 < min(_signs(left), _signs(right)) <= stayed * _ALIKE


def _signs(text: str) -> int:
    return sum(map(len, text.split()))


def _hunks(lines: list[Line], context: int) -> Iterator[Hunk]:
    changed = [index for index, line in enumerate(lines) if line.kind != "equal"]
    gaps = (index for index in range(1, len(changed)) if changed[index] - changed[index - 1] > 2 * context + 1)
    for begin, end in pairwise([0, *gaps, len(changed)] if changed else []):
        first, last = max(0, changed[begin] - context), changed[end - 1] + context
        before = lines[first - 1] if first else Line("equal", 0, 0, "")
        held = tuple(lines[first : last + 1])
        old_start = next((line.old_line for line in held if line.old_line is not None), before.old_line)
        new_start = next((line.new_line for line in held if line.new_line is not None), before.new_line)
        yield Hunk(old_start or 0, new_start or 0, held)


def _warnings(lines: list[Line]) -> list[dict[str, Any]]:
    found = (
        {"line": line.new_line, "column": hidden.column, "kind": hidden.kind, "character": hidden.character}
        for line in lines
        if line.kind == "added"
        for hidden in hidden_characters(line.text)
    )
    return list(islice(found, MAX_WARNINGS))


def _hunk_json(hunk: Hunk) -> dict[str, Any]:
    return {
        "old_start": hunk.old_start,
        "old_count": hunk.old_count,
        "new_start": hunk.new_start,
        "new_count": hunk.new_count,
        "lines": [{**line._asdict(), "words": [list(word) for word in line.words]} for line in hunk.lines],
    }


def _unified_hunk(hunk: Hunk) -> str:
    old, new = (
        str(start) if count == 1 else f"{start},{count}"
        for start, count in ((hunk.old_start, hunk.old_count), (hunk.new_start, hunk.new_count))
    )
    signs = {"equal": " ", "removed": "-", "added": "+"}
    missing = "\n\\ No newline at end of file\n"
    lines = (signs[line.kind] + (line.text if line.text.endswith("\n") else line.text + missing) for line in hunk.lines)
    return f"@@ -{old} +{new} @@\n" + "".join(lines)


def _indented(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
