"""What changed between two JSON documents, place by place."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable
from itertools import chain
from typing import Any, NamedTuple

from prompthub_kernel.aligning import align
from prompthub_kernel.pointer import pointer

Path = tuple[str | int, ...]
Gap = tuple[range, range]


class Differences(NamedTuple):
    """Entries as :class:`prompthub_kernel.diffing.PromptDiff` describes them."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]


def compare(old: Any, new: Any) -> Differences:
    """Every place where two documents differ.

    Entries of a list are the same when they are equal, wherever they stand; what is left between two equal entries
    is paired in order, messages of a role with messages of that role, wherever those stand.
    """
    comparison = _Comparison()
    comparison.values(old, new, (), ())
    return comparison.found


class Matched(NamedTuple):
    """Which entries of two lists belong together, new index to old index.

    Entries outside of ``gaps`` are equal and in order; of those inside, ``moved`` are equal but stand elsewhere,
    ``pairs`` took each other's place.
    """

    gaps: list[Gap]
    moved: dict[int, int]
    pairs: dict[int, int]


class Numbers:
    """The same number for equal values: each part of a document is looked at once, however deep it lies.

    Values are known by their identity: the documents must live as long as this does.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._numbered: dict[int, int] = {}

    def of(self, value: Any) -> int:
        """The number of a JSON value."""
        if not isinstance(value, dict | list):
            return self._numbers.setdefault((isinstance(value, bool), value), len(self._numbers))
        if id(value) not in self._numbered:
            parts: Iterable[Hashable]
            if isinstance(value, dict):
                parts = frozenset((key, self.of(part)) for key, part in value.items())
            else:
                parts = tuple(self.of(part) for part in value)
            self._numbered[id(value)] = self._numbers.setdefault((type(value), parts), len(self._numbers))
        return self._numbered[id(value)]

    def matched(self, old: list[Any], new: list[Any]) -> Matched:
        """Which entries of two lists belong together."""
        olds, news = [self.of(value) for value in old], [self.of(value) for value in new]
        gaps = [
            (range(run.old_start, run.old_end), range(run.new_start, run.new_end))
            for run in align(olds, news)
            if not run.same
        ]
        moved = _moves(olds, news, gaps)
        return Matched(gaps, moved, _pairs(old, new, gaps, moved))


class _Comparison:
    def __init__(self) -> None:
        self.found = Differences([], [], [])
        self.numbers = Numbers()

    def values(self, old: Any, new: Any, at_old: Path, at_new: Path) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._objects(old, new, at_old, at_new)
        elif isinstance(old, list) and isinstance(new, list):
            self._lists(old, new, at_old, at_new)
        elif self.numbers.of(old) != self.numbers.of(new):
            self.found.changed.append(_change(at_old, at_new, old, new))

    def _objects(self, old: dict[str, Any], new: dict[str, Any], at_old: Path, at_new: Path) -> None:
        for key, value in old.items():
            if key in new:
                self.values(value, new[key], (*at_old, key), (*at_new, key))
            else:
                self._removed((*at_old, key), value)
        for key, value in new.items():
            if key not in old:
                self._added((*at_new, key), value)

    def _lists(self, old: list[Any], new: list[Any], at_old: Path, at_new: Path) -> None:
        gaps, moved, pairs = self.numbers.matched(old, new)
        taken = {*moved.values(), *pairs.values()}
        for left, right in gaps:
            for index in left:
                if index not in taken:
                    self._removed((*at_old, index), old[index])
            for index in right:
                here = (*at_new, index)
                if index in moved:
                    there = (*at_old, moved[index])
                    self.found.changed.append(_change(there, here, new[index], new[index]) | {"moved": True})
                elif index in pairs:
                    self.values(old[pairs[index]], new[index], (*at_old, pairs[index]), here)
                else:
                    self._added(here, new[index])

    def _removed(self, at: Path, value: Any) -> None:
        self.found.removed.append({"pointer": pointer(at), "value": value})

    def _added(self, at: Path, value: Any) -> None:
        self.found.added.append({"pointer": pointer(at), "value": value})


def _change(at_old: Path, at_new: Path, old: Any, new: Any) -> dict[str, Any]:
    return {"pointer": pointer(at_new), "old_pointer": pointer(at_old), "old": old, "new": new}


def _moves(olds: list[int], news: list[int], gaps: list[Gap]) -> dict[int, int]:
    """New index to old index of entries that both lists have, but not in the same order."""
    lost: dict[int, deque[int]] = defaultdict(deque)
    for left, _ in gaps:
        for index in left:
            lost[olds[index]].append(index)
    come = (index for _, right in gaps for index in right)
    return {index: lost[news[index]].popleft() for index in come if lost.get(news[index])}


def _pairs(old: list[Any], new: list[Any], gaps: list[Gap], moved: dict[int, int]) -> dict[int, int]:
    """New index to old index of entries that took each other's place: within a gap, then messages across gaps."""
    found: dict[int, int] = {}
    elsewhere = set(moved.values())
    everywhere = chain.from_iterable(left for left, _ in gaps), chain.from_iterable(right for _, right in gaps)
    within: list[tuple[Iterable[int], Iterable[int]]] = [*gaps, everywhere]
    for number, (left, right) in enumerate(within):
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for index in left:
            if index not in elsewhere and (number < len(gaps) or _role(old[index])):
                waiting[_kind(old[index])].append(index)
        for index in right:
            kind = _kind(new[index])
            if index not in moved and index not in found and waiting.get(kind):
                found[index] = waiting[kind].popleft()
                elsewhere.add(found[index])
    return found


def _kind(value: Any) -> Hashable:
    """Entries of one kind may take each other's place: messages of one role, else values of one type."""
    return type(value), _role(value)


def _role(value: Any) -> str | None:
    role = value.get("role") if isinstance(value, dict) else None
    return role if isinstance(role, str) else None
