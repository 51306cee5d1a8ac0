"""Which elements of two sequences are the same ones: the ground under every comparison of texts and documents.

Short sequences go to cydifflib. In longer ones each element becomes one character and fast-diff-match-patch
compares the two strings. Its time is limited, but not for repetitive text, where it grows with the square of the
length; so the longest sequences are first cut at series of elements that are there exactly once on both sides (Bram
Cohen's patience diff).
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import cydifflib
import fast_diff_match_patch

SECONDS = 0.03
"""What aligning should take at most, for all blocks of one comparison; what is not aligned then counts as replaced."""
MAX_ELEMENTS = 6_000
"""Longest sequences that are compared without being cut; at worst 50 ms for each such pair."""
SHORT = 40_000
"""Product of two lengths up to which cydifflib is the quickest; at worst 2 ms (it is cubic for repetitive text)."""
MIN_ANCHORS = 0.01
"""Fewer places to cut at, for each element, and the sequences have only chance in common: a rewrite."""
MAX_CUTS = 8
"""How often what was cut is cut again."""

_WORDS = re.compile(r" ?[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\n|[^\S\n]+|.", re.DOTALL)
_SHORTEST_SECONDS = 0.001
_SYMBOLS = (range(0x100, 0xD800), range(0xE000, 0x110000))
_SAME, _DIFFERENT = True, False


class Run(NamedTuple):
    """``old[old_start:old_end]`` and ``new[new_start:new_end]``: the same elements, or one put for the other."""

    same: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


class _Match(NamedTuple):
    old: int
    new: int
    length: int


class _Limits(NamedTuple):
    seconds: float
    series: int
    cuts: int


def align(old: Sequence[Hashable], new: Sequence[Hashable], *, seconds: float = SECONDS, series: int = 1) -> list[Run]:
    """Both sequences as runs, alternately same and different, without gaps.

    ``series`` is how many elements in a row must be unique to be trusted as a place to cut: one line says enough,
    one word may be there by chance.
    """
    if len(old) * len(new) <= SHORT:
        matches = cydifflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return _runs(matches, len(old), len(new))
    limits = _Limits(seconds, series, MAX_CUTS)
    return _runs(_matches_of_common(old, new, limits), len(old), len(new))


def beginning(runs: Sequence[Run], *, most: int) -> tuple[list[Run], list[Run]]:
    """The first runs with at most so many elements on either side, the last of them cut to fit, and what is left."""
    old = new = most
    for place, run in enumerate(runs):
        old_end, new_end = min(run.old_end, run.old_start + old), min(run.new_end, run.new_start + new)
        if (old_end, new_end) != (run.old_end, run.new_end):
            begun = run._replace(old_end=old_end, new_end=new_end)
            return [*runs[:place], begun], [run._replace(old_start=old_end, new_start=new_end), *runs[place + 1 :]]
        old, new = old - (old_end - run.old_start), new - (new_end - run.new_start)
    return list(runs), []


def words(text: str) -> list[str]:
    """A text as words with the space before them, single signs, line ends and wider space; CJK sign by sign."""
    return _WORDS.findall(text)


def shared_ends(old: str, new: str) -> tuple[int, int]:
    """How many characters two texts share at the beginning, and of the rest at the end."""
    first = _shared(zip(old, new, strict=False))
    rest = min(len(old), len(new)) - first
    return first, min(rest, _shared(zip(reversed(old), reversed(new), strict=False)))


def _shared(pairs: Iterable[tuple[str, str]]) -> int:
    length = 0
    for left, right in pairs:
        if left != right:
            break
        length += 1
    return length


def _matches_of_common(old: Sequence[Hashable], new: Sequence[Hashable], limits: _Limits) -> Iterator[_Match]:
    """The matches, found without what only one side has, as GNU diff does.

    It cannot match, and without it a complete rewrite costs next to nothing.
    """
    common = set(old).intersection(new)
    symbols = dict(zip(common, map(chr, chain(*_SYMBOLS)), strict=False))
    olds = [index for index, element in enumerate(old) if element in common]
    news = [index for index, element in enumerate(new) if element in common]
    left, right = "".join([symbols[old[index]] for index in olds]), "".join([symbols[new[index]] for index in news])
    for at_old, at_new, length in _matches(left, right, _Match(0, 0, 0), limits):
        for index in range(length):
            yield _Match(olds[at_old + index], news[at_new + index], 1)


def _matches(old: str, new: str, at: _Match, limits: _Limits) -> Iterator[_Match]:
    """Substrings that are the same, in order; ``at`` says where the two strings begin in the whole."""
    if max(len(old), len(new)) <= MAX_ELEMENTS:
        yield from _compared(old, new, at, limits.seconds)
        return
    first, last = shared_ends(old, new)
    yield _Match(at.old, at.new, first)
    middle_old, middle_new = old[first : len(old) - last], new[first : len(new) - last]
    anchors = _anchors(middle_old, middle_new, limits.series) if limits.cuts else []
    if anchors or max(len(middle_old), len(middle_new)) <= MAX_ELEMENTS:
        ends = _Match(len(middle_old), len(middle_new), 0)
        for begin, end in pairwise([_Match(0, 0, 0), *anchors, ends]):
            here = _Match(at.old + first + begin.old, at.new + first + begin.new, 0)
            left, right = middle_old[begin.old : end.old], middle_new[begin.new : end.new]
            share = limits.seconds * (len(left) + len(right)) / (len(old) + len(new))
            yield from _matches(left, right, here, _Limits(share, limits.series, limits.cuts - 1))
    yield _Match(at.old + len(old) - last, at.new + len(new) - last, last)


def _compared(old: str, new: str, at: _Match, seconds: float) -> Iterator[_Match]:
    at_old, at_new = at.old, at.new
    for kind, length in fast_diff_match_patch.diff(
        old, new, timelimit=max(seconds, _SHORTEST_SECONDS), checklines=False, cleanup="No", counts_only=True
    ):
        if kind == "=":
            yield _Match(at_old, at_new, length)
        at_old += length if kind != "+" else 0
        at_new += length if kind != "-" else 0


def _anchors(old: str, new: str, length: int) -> list[_Match]:
    """The longest chain of substrings of a length that are there once on either side and stand in the same order."""
    olds = [old[index : index + length] for index in range(len(old) - length + 1)]
    news = [new[index : index + length] for index in range(len(new) - length + 1)]
    shared = set(olds).intersection(news)
    counted, places = Counter(olds), dict(zip(news, range(len(news)), strict=True))
    unique = {text for text, count in Counter(filter(shared.__contains__, news)).items() if count == counted[text] == 1}
    tails: list[int] = []  # the smallest place in ``new`` that ends a chain of each length
    ends: list[int] = []  # and the link it ends with
    links: list[tuple[int, int, int]] = []  # place in ``old``, place in ``new``, the link before
    for index, text in enumerate(olds):
        if text in unique:
            place = places[text]
            size = bisect(tails, place)
            tails[size : size + 1] = [place]
            ends[size : size + 1] = [len(links)]
            links.append((index, place, ends[size - 1] if size else -1))
    if len(ends) < MIN_ANCHORS * len(olds):
        return []
    found: list[_Match] = []
    link = ends[-1] if ends else -1
    while link >= 0:
        index, place, link = links[link]
        found.append(_Match(index, place, 0))
    return found[::-1]


def _runs(matches: Iterable[tuple[int, int, int]], old_length: int, new_length: int) -> list[Run]:
    runs: list[Run] = []
    old_start = new_start = old_end = new_end = 0  # of the run of same elements being followed
    for old, new, length in (*matches, _Match(old_length, new_length, 0)):
        if old != old_end or new != new_end:
            if old_end > old_start:
                runs.append(Run(_SAME, old_start, old_end, new_start, new_end))
            runs.append(Run(_DIFFERENT, old_end, old, new_end, new))
            old_start, new_start = old, new
        old_end, new_end = old + length, new + length
    if old_end > old_start:
        runs.append(Run(_SAME, old_start, old_end, new_start, new_end))
    return runs
