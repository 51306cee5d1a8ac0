"""Two texts as the comparison page shows them: rows with numbers on both sides, words, unchanged lines folded.

The same two texts always give the same rows. What is too much for a page is counted, not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from typing import Any

from instances.comparing import Side
from prompthub_kernel import diffing
from prompthub_kernel.diffing import Hunk, Kind, Line, PromptDiff, Word

MAX_ROWS = 1_200
"""Rows of one page: more changed lines are counted, more unchanged ones are left to a page of their own."""
MAX_WORDS = 300
"""Word changes of one line; a line with more is shown as replaced altogether."""
CONTEXT = 3
SHORTEST_FOLD = 4
"""Fewer unchanged lines are shown: folding them would take as much room."""
WHOLE = 1_000_000
SIGNS: dict[Kind, str] = {"equal": "", "removed": "−", "added": "+"}
_SPACE = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its numbers, its words, and the number of the change it begins (0: none)."""

    kind: Kind
    old: int | None
    new: int | None
    words: tuple[Word, ...]
    change: int = 0
    endless: bool = False

    @property
    def sign(self) -> str:
        """What tells the row's kind without colour."""
        return SIGNS[self.kind]


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of the split view: one line on either side, or a gap."""

    left: Row | None
    right: Row | None

    @property
    def change(self) -> int:
        """The number of the change that begins here."""
        return max(side.change if side else 0 for side in (self.left, self.right))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring rows. ``folded`` ones did not change; of ``left_out`` lines there were too many to send."""

    rows: tuple[Row, ...]
    folded: bool = False
    left_out: int = 0

    @property
    def pairs(self) -> list[Pair]:
        """The rows side by side."""
        return list(_paired(self.rows))

    @property
    def count(self) -> int:
        """How many lines."""
        return len(self.rows) + self.left_out


@dataclass(frozen=True, slots=True)
class TextComparison:
    """Two texts, line by line. ``hidden`` counts changed lines that were too many to show; not ``complete`` where there
    are more that nobody counted.
    """

    stretches: tuple[Stretch, ...]
    changes: int
    added: int
    removed: int
    hidden: int
    warnings: Sequence[dict[str, Any]]
    complete: bool = True


def texts(
    *, old: str, new: str, ignore_space: bool = False, whole: bool = False, anchors: bool = True
) -> TextComparison:
    """The comparison of two texts; ``ignore_space`` counts any white space within a line as one space.

    ``whole`` shows more than a page's worth. Without ``anchors`` its changes have no numbers of their own.
    """
    if ignore_space:
        found = diffing.diff_text(old=_squeezed(old), new=_squeezed(new), context=CONTEXT)
    else:
        found = diffing.diff_text(old=old, new=new, context=CONTEXT)
    return _comparison(found, diffing.split_lines(old), diffing.split_lines(new), whole=whole, anchors=anchors)


def patch(*, base: Side, target: Side) -> str:
    """The unified diff of the two texts, as ``patch`` takes it; empty when nothing changed.

    Where more changed than a difference lists, all lines go and all the new ones come.
    """
    found = diffing.diff_text(old=base.text, new=target.text)
    if not found.complete:
        found = replace(found, hunks=(_everything(base.text, target.text),), complete=True)
    return found.unified(f"a/{base.word}", f"b/{target.word}")


def _everything(old: str, new: str) -> Hunk:
    gone = [Line("removed", number, None, text) for number, text in enumerate(diffing.split_lines(old), 1)]
    come = [Line("added", None, number, text) for number, text in enumerate(diffing.split_lines(new), 1)]
    return Hunk(min(1, len(gone)), len(gone), min(1, len(come)), len(come), (*gone, *come))


def spans(words: Iterable[Word]) -> tuple[Word, ...]:
    """The words of one line; a line with too many changes is one change."""
    listed = tuple(words)
    if len(listed) <= MAX_WORDS:
        return listed
    kinds = {kind for kind, _ in listed} - {"equal"}
    return tuple((kind, "".join(text for _, text in listed)) for kind in sorted(kinds))


def _comparison(found: PromptDiff, olds: list[str], news: list[str], *, whole: bool, anchors: bool) -> TextComparison:
    stretches: list[Stretch] = []
    at_old = at_new = change = hidden = 0
    room = WHOLE if whole else MAX_ROWS
    lines = [line for hunk in found.hunks for line in hunk.lines]
    for hunk in found.hunks:
        start_old, start_new = hunk.old_start - bool(hunk.old_count), hunk.new_start - bool(hunk.new_count)
        if not hidden:
            stretches += _unchanged(news, at_old, at_new, start_new - at_new, room)
        at_old, at_new = start_old + hunk.old_count, start_new + hunk.new_count
        rows: list[Row] = []
        for equal, group in groupby(hunk.lines, key=lambda line: line.kind == "equal"):
            block = list(group)
            change += not equal
            shown = block[: max(room - len(rows), 0)]
            hidden += 0 if equal else len(block) - len(shown)
            number = change if anchors and not equal else 0
            rows += [_row(line, number if position == 0 else 0, olds, news) for position, line in enumerate(shown)]
        room -= len(rows)
        stretches.append(Stretch(tuple(rows)))
    if found.hunks and found.complete and not hidden:
        stretches += _unchanged(news, at_old, at_new, len(news) - at_new, room)
    counts = [sum(line.kind == kind for line in lines) for kind in ("added", "removed")]
    seen = tuple(stretch for stretch in stretches if stretch.count)
    return TextComparison(seen, change, counts[0], counts[1], hidden, found.warnings, found.complete)


def _unchanged(news: list[str], at_old: int, at_new: int, count: int, room: int) -> Iterator[Stretch]:
    """The lines between two hunks."""
    if count > room:
        yield Stretch((), folded=True, left_out=count)
    elif count > 0:
        yield Stretch(
            tuple(
                Row("equal", at_old + index + 1, at_new + index + 1, (("equal", _bare(news[at_new + index])),))
                for index in range(count)
            ),
            folded=count >= SHORTEST_FOLD,
        )


def _row(line: Line, change: int, olds: list[str], news: list[str]) -> Row:
    """A line as a row; its own text is taken where white space was ignored."""
    kept = news[line.new_line - 1] if line.kind == "equal" and line.new_line else line.text
    words = spans((kind, bare) for kind, text in line.words if (bare := _bare(text))) or (("equal", _bare(kept)),)
    source, number = (olds, line.old_line) if line.kind == "removed" else (news, line.new_line)
    endless = line.kind != "equal" and number == len(source) and not source[-1].endswith("\n")
    return Row(line.kind, line.old_line, line.new_line, words, change, endless)


def _paired(rows: Iterable[Row]) -> Iterator[Pair]:
    for equal, group in groupby(rows, key=lambda row: row.kind == "equal"):
        block = list(group)
        if equal:
            yield from (Pair(row, row) for row in block)
            continue
        removed, added = [[row for row in block if row.kind == kind] for kind in ("removed", "added")]
        yield from _facing(removed, added)


def _facing(removed: list[Row], added: list[Row]) -> Iterator[Pair]:
    """Lines that became one another face each other: those whose words are known, in order."""
    known = [[len(row.words) > 1 for row in rows] for rows in (removed, added)]
    if sum(known[0]) != sum(known[1]):
        yield from (Pair(left, right) for left, right in zip_longest(removed, added))
        return
    at = 0
    for left, by_words in zip(removed, known[0], strict=True):
        if not by_words:
            yield Pair(left, None)
            continue
        while not known[1][at]:
            yield Pair(None, added[at])
            at += 1
        yield Pair(left, added[at])
        at += 1
    yield from (Pair(None, row) for row in added[at:])


def _bare(text: str) -> str:
    return text.removesuffix("\n").replace("\r", "␍")


def _squeezed(text: str) -> str:
    """The same lines with their white space made one space, and none at either end."""
    return "".join(
        _SPACE.sub(" ", line.removesuffix("\n")).strip() + line[len(line.removesuffix("\n")) :]
        for line in diffing.split_lines(text)
    )
