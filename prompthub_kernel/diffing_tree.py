"""Two JSON documents as one tree, for people to read: each place with what became of it, moves included."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from prompthub_kernel.aligning import SECONDS
from prompthub_kernel.diffing import Word, word_changes
from prompthub_kernel.diffing_documents import Numbers

Change = Literal["equal", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the documents; ``old`` or ``new`` is None where it is not there (``change`` tells that from null).

    ``key`` is its name or index in the new document, or in the old one if it was removed. ``moved`` says how many
    entries of its list it went up (above 0) or down (below 0), among those that both lists have. An equal place
    has no ``children``; ``words`` are those of two strings.
    """

    change: Change
    key: str | int | None
    old: Any = None
    new: Any = None
    moved: int = 0
    children: tuple[Node, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def value(self) -> Any:
        """What stands there: the new value, for a removed place the old one."""
        return self.old if self.change == "removed" else self.new


def tree(*, old: Any, new: Any) -> Node:
    """The two documents as one; entries of lists are matched as :func:`prompthub_kernel.diffing.diff_document` does."""
    length = sum(map(_length, (old, new))) or 1
    return _Merging(SECONDS / length).node(None, old, new)


class _Merging:
    def __init__(self, seconds_each: float) -> None:
        self._numbers = Numbers()
        self._seconds_each = seconds_each

    def node(self, key: str | int | None, old: Any, new: Any, moved: int = 0) -> Node:
        if self._numbers.of(old) == self._numbers.of(new):
            return Node("equal", key, old, new, moved)
        children: tuple[Node, ...] = ()
        words: tuple[Word, ...] = ()
        if isinstance(old, dict) and isinstance(new, dict):
            children = tuple(self._members(old, new))
        elif isinstance(old, list) and isinstance(new, list):
            children = tuple(self._entries(old, new))
        elif isinstance(old, str) and isinstance(new, str):
            words = tuple(word_changes(old, new, self._seconds_each * (len(old) + len(new))))
        return Node("changed", key, old, new, moved, children, words)

    def _members(self, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Node]:
        gone = [Node("removed", key, value) for key, value in old.items() if key not in new]
        for key, value in new.items():
            yield self.node(key, old[key], value) if key in old else Node("added", key, None, value)
        yield from gone

    def _entries(self, old: list[Any], new: list[Any]) -> Iterator[Node]:
        """The new list's entries, and each removed one before what followed it."""
        gaps, moved, pairs = self._numbers.matched(old, new)
        origins = dict(_unmoved(gaps, len(new))) | moved | pairs
        rank = {index: position for position, index in enumerate(sorted(origins.values()))}
        lost = [index for index in range(len(old)) if index not in rank]
        order = [origins[index] for index in sorted(origins)]
        staying = _staying(order)
        seat = removed = 0
        for index, value in enumerate(new):
            if index not in origins:
                yield Node("added", index, None, value)
                continue
            origin = order[seat]
            while origin in staying and removed < len(lost) and lost[removed] < origin:
                yield Node("removed", lost[removed], old[lost[removed]])
                removed += 1
            yield self.node(index, old[origin], value, 0 if origin in staying else rank[origin] - seat)
            seat += 1
        yield from (Node("removed", index, old[index]) for index in lost[removed:])


def _unmoved(gaps: list[tuple[range, range]], length: int) -> Iterator[tuple[int, int]]:
    """New and old index of the entries between the gaps."""
    shift = start = 0
    for left, right in gaps:
        yield from ((index, index + shift) for index in range(start, right.start))
        start, shift = right.stop, left.stop - right.stop
    yield from ((index, index + shift) for index in range(start, length))


def _staying(order: list[int]) -> set[int]:
    """A longest rising part of some different numbers: what need not move to put them in order."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in order:
        place = bisect(tails, number)
        before[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    found: set[int] = set()
    last: int | None = tails[-1] if tails else None
    while last is not None:
        found.add(last)
        last = before[last]
    return found


def _length(document: Any) -> int:
    """How many characters its strings have."""
    if isinstance(document, str):
        return len(document)
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return sum(map(_length, parts))
