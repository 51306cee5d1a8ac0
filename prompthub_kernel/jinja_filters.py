"""The Jinja2 filters and tests that exist in prompts, by name.

They answer as Jinja's own do, with three differences, all because prompts are plain text: ``tojson`` keeps
letters, signs and the order of keys as they are (Jinja's escapes them for HTML), ``wordwrap`` does not break at
hyphens, and nothing is ever escaped unasked. Anything that is not in these two tables does not exist: no
``attr``, no ``random``, no ``pprint``, nothing that would read Python's attributes or call anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prompthub_kernel import operations
from prompthub_kernel.budget import Budget
from prompthub_kernel.jinja_lists import LIST_FILTERS, attributes
from prompthub_kernel.jinja_text import TEXT_FILTERS, to_text
from prompthub_kernel.operations import MISSING, elements, is_number

Function = Callable[..., Any]


def _multiple(budget: Budget, value: Any, num: Any) -> bool:
    return bool(operations.arithmetic(lambda a, b: a % b, value, num) == 0)


def _letters(value: Any, budget: Budget) -> str:
    text = to_text(value, budget)
    budget.tick(len(text) >> 5)  # looked up in the Unicode tables one by one
    return text


_TESTS: dict[str, Function] = {
    "defined": lambda budget, value: value is not MISSING,
    "undefined": lambda budget, value: value is MISSING,
    "none": lambda budget, value: value is None,
    "boolean": lambda budget, value: isinstance(value, bool),
    "true": lambda budget, value: value is True,
    "false": lambda budget, value: value is False,
    "integer": lambda budget, value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda budget, value: isinstance(value, float),
    "number": lambda budget, value: is_number(value),
    "string": lambda budget, value: isinstance(value, str),
    "mapping": lambda budget, value: isinstance(value, dict),
    "sequence": lambda budget, value: isinstance(value, str | list | tuple | dict),
    "iterable": lambda budget, value: isinstance(value, str | list | tuple | dict),
    "lower": lambda budget, value: _letters(value, budget).islower(),
    "upper": lambda budget, value: _letters(value, budget).isupper(),
    "odd": lambda budget, value: operations.arithmetic(lambda a, b: a % b, value, 2) == 1,
    "even": lambda budget, value: _multiple(budget, value, 2),
    "divisibleby": _multiple,
    "eq": lambda budget, value, other: operations.equal(value, other, budget),
    "ne": lambda budget, value, other: not operations.equal(value, other, budget),
    "lt": lambda budget, value, other: operations.less(value, other, budget),
    "le": lambda budget, value, other: not operations.less(other, value, budget),
    "gt": lambda budget, value, other: operations.less(other, value, budget),
    "ge": lambda budget, value, other: not operations.less(value, other, budget),
    "in": lambda budget, value, seq: operations.contains(seq, value, budget),
}
_ALIASES = {
    "equalto": "eq", "==": "eq", "!=": "ne", "lessthan": "lt", "<": "lt", "<=": "le",
    "greaterthan": "gt", ">": "gt", ">=": "ge",
}  # fmt: skip
TESTS: Mapping[str, Function] = _TESTS | {alias: _TESTS[name] for alias, name in _ALIASES.items()}


def _map(budget: Budget, value: Any, *args: Any, attribute: Any = None, default: Any = MISSING) -> list[Any]:
    """``map("filter", …)`` or ``map(attribute="a.b", default=c)``."""
    if attribute is not None:
        return attributes(value, attribute, budget, default)
    function = FILTERS[args[0]]
    found = elements(value, budget)
    budget.tick(1 + len(found))
    return [function(budget, element, *args[1:]) for element in found]


def _kept(budget: Budget, found: Sequence[Any], keys: Sequence[Any], test: Sequence[Any], *, wanted: bool) -> list[Any]:
    budget.tick(1 + len(found))
    if not test:
        return [element for element, key in zip(found, keys, strict=True) if bool(key) is wanted]
    holds = TESTS[test[0]]
    pairs = zip(found, keys, strict=True)
    return [element for element, key in pairs if bool(holds(budget, key, *test[1:])) is wanted]


def _select(budget: Budget, value: Any, *args: Any) -> list[Any]:
    found = elements(value, budget)
    return _kept(budget, found, found, args, wanted=True)


def _reject(budget: Budget, value: Any, *args: Any) -> list[Any]:
    found = elements(value, budget)
    return _kept(budget, found, found, args, wanted=False)


def _selectattr(budget: Budget, value: Any, attribute: Any, *args: Any) -> list[Any]:
    return _kept(budget, elements(value, budget), attributes(value, attribute, budget), args, wanted=True)


def _rejectattr(budget: Budget, value: Any, attribute: Any, *args: Any) -> list[Any]:
    return _kept(budget, elements(value, budget), attributes(value, attribute, budget), args, wanted=False)


FILTERS: Mapping[str, Function] = {
    **TEXT_FILTERS,
    **LIST_FILTERS,
    "map": _map,
    "reject": _reject,
    "rejectattr": _rejectattr,
    "select": _select,
    "selectattr": _selectattr,
}
