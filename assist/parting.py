"""A block of changed lines as single changes: a line that was rewritten, lines that were added, lines that went.

A difference calls neighbouring changed lines one hunk. Somebody who takes a suggestion change by change wants to keep a
rewritten line and leave the paragraph that was added below it, so the lines are paired by how alike they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cydifflib

from prompthub_kernel import diffing
from prompthub_kernel.aligning import words
from prompthub_kernel.diffing import Hunk, Line

ALIKE = 0.5
"""Share of words that two lines have in common for one to be the other, rewritten."""
MAX_PAIRS, MAX_CHARACTERS = 400, 20_000
"""Larger blocks are left whole: pairing takes the product of their lines, and is a rewrite anyhow."""

_Cut = tuple[int, int]  # how many of the removed lines, and of the added ones, come before it


def parted(*, hunk: Hunk) -> Iterator[Hunk]:
    """The same change in parts, in order; a hunk without equal lines around it is expected."""
    gone = [line.text for line in hunk.lines if line.kind == "removed"]
    come = [line.text for line in hunk.lines if line.kind == "added"]
    size = sum(map(len, gone)) + sum(map(len, come))
    if not gone or not come or len(gone) * len(come) > MAX_PAIRS or size > MAX_CHARACTERS:
        yield hunk
        return
    old, new = hunk.old_start - 1, hunk.new_start - 1
    (at_old, at_new), *cuts = _cuts(gone, come)
    for next_old, next_new in cuts:
        found = diffing.diff_text(old="".join(gone[at_old:next_old]), new="".join(come[at_new:next_new]), context=0)
        yield from (_moved(part, old + at_old, new + at_new) for part in found.hunks)
        at_old, at_new = next_old, next_new


def _cuts(gone: list[str], come: list[str]) -> list[_Cut]:
    """Where to cut: around each pair of lines that are alike, and between those that went alone or came alone."""
    found: list[_Cut] = [(0, 0)]
    for left, right in _pairs(gone, come):
        found += [(left, right), (left + 1, right + 1)]
    found.append((len(gone), len(come)))
    return sorted(set(found))


def _pairs(gone: list[str], come: list[str]) -> list[_Cut]:
    """Indexes of lines that are alike, in the order of both sides, as much alike in all as can be."""
    best = [[0.0] * (len(come) + 1) for _ in range(len(gone) + 1)]
    likeness = [[_likeness(left, right) for right in come] for left in gone]
    for left in reversed(range(len(gone))):
        for right in reversed(range(len(come))):
            paired = likeness[left][right] + best[left + 1][right + 1] if likeness[left][right] >= ALIKE else 0.0
            best[left][right] = max(paired, best[left + 1][right], best[left][right + 1])
    found, left, right = [], 0, 0
    while left < len(gone) and right < len(come):
        if best[left][right] == best[left + 1][right]:
            left += 1
        elif best[left][right] == best[left][right + 1]:
            right += 1
        else:
            found.append((left, right))
            left, right = left + 1, right + 1
    return found


def _likeness(left: str, right: str) -> float:
    one, other = words(left.strip()), words(right.strip())
    return float(cydifflib.SequenceMatcher(None, one, other, autojunk=False).ratio()) if one and other else 0.0


def _moved(hunk: Hunk, old: int, new: int) -> Hunk:
    """A hunk of some lines as one of the whole text, ``old`` and ``new`` lines further down."""

    def line(one: Line) -> Line:
        return one._replace(
            old_line=one.old_line and one.old_line + old,
            new_line=one.new_line and one.new_line + new,
        )

    return replace(
        hunk,
        old_start=hunk.old_start + old,
        new_start=hunk.new_start + new,
        lines=tuple(map(line, hunk.lines)),
    )
