"""The variables of two sides beside each other. Of a secret it is told that it changed, never what it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from instances.comparing import Side
from portal.presenters.comparing import spans
from portal.presenters.documents import written
from prompthub_kernel.diffing import Word, word_changes
from prompthub_kernel.diffing_tree import Change

_ABSENT = object()
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One variable that is not the same on both sides; ``retyped`` when it became a value of another kind."""

    name: str
    change: Change
    old: str = ""
    new: str = ""
    words: tuple[Word, ...] = ()
    secret: bool = False
    retyped: bool = False

    @property
    def old_words(self) -> tuple[Word, ...]:
        """The words of the value before."""
        return tuple(word for word in self.words if word[0] != "added")

    @property
    def new_words(self) -> tuple[Word, ...]:
        """The words of the value after."""
        return tuple(word for word in self.words if word[0] != "removed")


@dataclass(frozen=True, slots=True)
class ValuesComparison:
    """``same`` counts the variables that are equal; ``secrets_changed`` when some secret got a new value since."""

    changes: tuple[ValueChange, ...]
    same: int
    secrets_changed: bool


def compare_values(*, base: Side, target: Side) -> ValuesComparison | None:
    """The variables of two sides; None when those of one are not known."""
    if base.variables is None or target.variables is None:
        return None
    names = sorted({*base.variables, *target.variables} - base.secrets - target.secrets)
    changes, same = [], 0
    for name in names:
        old, new = base.variables.get(name, _ABSENT), target.variables.get(name, _ABSENT)
        if old is not _ABSENT and new is not _ABSENT and _spelled(old) == _spelled(new):
            same += 1
        else:
            changes.append(_change(name, old, new))
    changes += [ValueChange(name, "added", secret=True) for name in sorted(target.secrets - base.secrets)]
    changes += [ValueChange(name, "removed", secret=True) for name in sorted(base.secrets - target.secrets)]
    revisions = {base.secret_revision, target.secret_revision}
    return ValuesComparison(tuple(changes), same, None not in revisions and len(revisions) > 1)


def _change(name: str, old: Any, new: Any) -> ValueChange:
    if old is _ABSENT:
        return ValueChange(name, "added", new=written(new))
    if new is _ABSENT:
        return ValueChange(name, "removed", old=written(old))
    left, right = written(old), written(new)
    words = spans(word_changes(left, right)) if len(left) + len(right) <= _LONGEST else ()
    return ValueChange(name, "changed", left, right, words, retyped=type(old) is not type(new))


def _spelled(value: Any) -> str:
    """One spelling of equal values: 1 and true are not equal."""
    return json.dumps(value, sort_keys=True)
