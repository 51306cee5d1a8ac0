"""The Jinja2 filters on lists, mappings and numbers that prompts may use, each paid for by what it visits."""
# ruff: noqa: FBT002 - filters take their arguments as Jinja's do

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prompthub_kernel import operations
from prompthub_kernel.budget import Budget
from prompthub_kernel.jinja_text import to_text
from prompthub_kernel.operations import MISSING, Unrenderable, built, elements, is_number

MAX_ATTRIBUTE = 200
"""Characters of an attribute such as ``"address.city"``."""
_MAX_DIGITS = 60
_MAX_PRECISION = 20


def _default(budget: Budget, value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    return default_value if value is MISSING or (boolean and not value) else value


def _join(budget: Budget, value: Any, d: Any = "", attribute: Any = None) -> str:
    texts = [to_text(element, budget) for element in attributes(value, attribute, budget)]
    return operations.joined(texts, to_text(d, budget), budget)


def _length(budget: Budget, value: Any) -> int:
    return 0 if value is MISSING else len(value)


def _first(budget: Budget, seq: Any) -> Any:
    return next(iter(elements(seq, budget)), MISSING)


def _last(budget: Budget, seq: Any) -> Any:
    found = elements(seq, budget)
    return found[-1] if found else MISSING


def attributes(value: Any, attribute: Any, budget: Budget, default: Any = MISSING) -> list[Any]:
    """The elements of a value, or what ``attribute`` (``"a.b"`` or an index) names in each of them."""
    found = elements(value, budget)
    budget.tick(1 + len(found))
    if attribute is None:
        return list(found)
    steps = _steps(attribute)
    budget.tick(len(found) * len(steps))
    named = [_follow(element, steps) for element in found]
    return named if default is MISSING else [default if element is MISSING else element for element in named]


def _steps(attribute: Any) -> list[str | int]:
    if isinstance(attribute, int):
        return [attribute]
    if not isinstance(attribute, str) or len(attribute) > MAX_ATTRIBUTE or "," in attribute:
        raise Unrenderable("an attribute is a name, names with dots between them, or an index")
    if any(part.startswith("_") for part in attribute.split(".")):
        raise Unrenderable("names that begin with an underscore cannot be read")
    return [int(part) if part.isascii() and part.isdigit() else part for part in attribute.split(".")]


def _follow(value: Any, steps: Iterable[str | int]) -> Any:
    for key in steps:
        value = operations.member(value, key)
    return value


def _folded(keys: Sequence[Any], case_sensitive: Any, budget: Budget) -> list[Any]:
    budget.build(sum(len(key) for key in keys if isinstance(key, str)))
    return [key.lower() if isinstance(key, str) and not case_sensitive else key for key in keys]


def _sort(
    budget: Budget, value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None
) -> list[Any]:
    keys = _folded(attributes(value, attribute, budget), case_sensitive, budget)
    return operations.in_order(elements(value, budget), keys, budget, reverse=bool(reverse))


def _dictsort(
    budget: Budget, value: Any, case_sensitive: Any = False, by: Any = "key", reverse: Any = False
) -> list[Any]:
    pairs = _items(budget, value)
    if by not in ("key", "value"):
        raise Unrenderable("dictsort goes by key or by value")
    keys = _folded([pair[by == "value"] for pair in pairs], case_sensitive, budget)
    return operations.in_order(pairs, keys, budget, reverse=bool(reverse))


def _unique(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    keys = _folded(attributes(value, attribute, budget), case_sensitive, budget)
    first: dict[str, Any] = {}
    for key, element in zip(keys, elements(value, budget), strict=True):
        # Texts are hashed with a secret; numbers are not, so numbers could be chosen to collide.
        first.setdefault(identity(key, budget), element)
    return list(first.values())


def identity(value: Any, budget: Budget) -> str:
    """A text that is the same for equal values only."""
    if isinstance(value, str):
        budget.build(len(value))
        return "s" + value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "v" + (str(int(value)) if isinstance(value, bool) else to_text(value, budget))


def _reverse(budget: Budget, value: Any) -> Any:
    if isinstance(value, str):
        return built(value[::-1], budget)
    found = elements(value, budget)
    budget.tick(1 + len(found))
    return list(reversed(found))


def _round(budget: Budget, value: Any, precision: Any = 0, method: Any = "common") -> float:
    if not is_number(value) or not is_number(precision) or abs(precision) > _MAX_PRECISION:
        raise Unrenderable(f"round needs a number and a precision of at most {_MAX_PRECISION}")
    if method == "common":
        return float(round(value, precision))
    if method not in ("ceil", "floor"):
        raise Unrenderable("the methods of round are common, ceil and floor")
    factor = 10**precision
    return float((math.ceil if method == "ceil" else math.floor)(value * factor) / factor)


def _int(budget: Budget, value: Any, default: Any = 0, base: Any = 10) -> Any:
    budget.tick(2)
    try:
        if isinstance(value, str):
            return operations.integer(_parsed_int(value, operations.index(base)))
        return operations.integer(int(value))
    except (TypeError, ValueError, OverflowError):
        return default


def _parsed_int(text: str, base: int) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError
    try:
        return int(text, base)
    except ValueError:
        return int(float(text))


def _float(budget: Budget, value: Any, default: Any = 0.0) -> Any:
    try:
        if isinstance(value, str) and len(value) > _MAX_DIGITS:
            return default
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if math.isfinite(number) else default


def _abs(budget: Budget, value: Any) -> Any:
    return abs(value)


def _extreme(budget: Budget, value: Any, case_sensitive: Any, attribute: Any, position: int) -> Any:
    keys = _folded(attributes(value, attribute, budget), case_sensitive, budget)
    ordered = operations.in_order(elements(value, budget), keys, budget, reverse=bool(position))
    return ordered[0] if ordered else MISSING


def _min(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
    return _extreme(budget, value, case_sensitive, attribute, 0)


def _max(budget: Budget, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
    return _extreme(budget, value, case_sensitive, attribute, 1)


def _sum(budget: Budget, iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    total = start
    for number in attributes(iterable, attribute, budget):
        total = operations.arithmetic(lambda a, b: a + b, total, number)
    return total


def _list(budget: Budget, value: Any) -> list[Any]:
    return list(attributes(value, None, budget))


def _items(budget: Budget, value: Any) -> list[Any]:
    if value is MISSING:
        return []
    if not isinstance(value, dict):
        raise Unrenderable("only a mapping has items, keys and values")
    budget.tick(1 + len(value))
    return list(value.items())


def _keys(budget: Budget, value: Any) -> list[Any]:
    return [key for key, _ in _items(budget, value)]


def _values(budget: Budget, value: Any) -> list[Any]:
    return [element for _, element in _items(budget, value)]


LIST_FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _abs,
    "count": _length,
    "d": _default,
    "default": _default,
    "dictsort": _dictsort,
    "first": _first,
    "float": _float,
    "int": _int,
    "items": _items,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": _list,
    "max": _max,
    "min": _min,
    "reverse": _reverse,
    "round": _round,
    "sort": _sort,
    "sum": _sum,
    "unique": _unique,
}
MAPPING_CALLS: Mapping[str, Callable[..., Any]] = {"items": _items, "keys": _keys, "values": _values}
"""The only calls there are: ``a.items()``, ``a.keys()`` and ``a.values()`` without arguments."""
