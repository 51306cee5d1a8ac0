"""The Liquid filters that exist in prompts, by name, each paid for by what it reads and builds.

They answer as python-liquid's do where that follows Shopify's Liquid, and as Shopify's do where it does not: lists
are written with ``true``, ``false`` and nothing for nil inside. ``date`` does not exist: a prompt does not read the
clock. A mapping is written as JSON.
"""

from __future__ import annotations

import html
import json
import math
import operator
import re
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from prompthub_kernel import operations
from prompthub_kernel.budget import MAX_DEPTH, Budget
from prompthub_kernel.jinja_lists import identity
from prompthub_kernel.operations import MISSING, Unrenderable, built, is_number

Function = Callable[..., Any]

_NUMBER = re.compile(r"\s*[-+]?\d{1,40}(\.\d{1,40})?\s*")
_MAX_NUMBER_LENGTH = 100
_FLATTENED = 5
_MAX_PRECISION = 20


def to_text(value: Any, budget: Budget) -> str:
    """A value as Liquid writes it: ``true``, nothing for nil, the elements of a list one after the other."""
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return operations.joined([to_text(element, budget) for element in _flat(value, budget, MAX_DEPTH)], "", budget)
    if isinstance(value, dict):
        return json_(budget, value)
    return str(value)


def truthy(value: Any) -> bool:
    """Everything but nil, false and names without a value."""
    return not (value is None or value is False or value is MISSING)


def _flat(values: Any, budget: Budget, levels: int) -> list[Any]:
    budget.tick(1 + len(values))
    flat: list[Any] = []
    for element in values:
        if levels and isinstance(element, list | tuple):
            flat += _flat(element, budget, levels - 1)
        else:
            flat.append(element)
    return flat


def _list(value: Any, budget: Budget) -> list[Any]:
    """What filters of lists work on: a list made flat, nothing, or one element."""
    if isinstance(value, list | tuple):
        return _flat(value, budget, _FLATTENED)
    return [] if value is MISSING else [value]


def _text(value: Any, budget: Budget) -> str:
    text = to_text(value, budget)
    budget.scan(len(text))
    return text


def _number(value: Any) -> Any:
    if is_number(value):
        return value
    if isinstance(value, str) and len(value) <= _MAX_NUMBER_LENGTH and _NUMBER.fullmatch(value):
        return float(value) if "." in value else operations.integer(int(value))
    return 0


def _exact(operation: Callable[[Any, Any], Any]) -> Function:
    """Arithmetic on numbers and texts that are numbers; decimal, so that 0.1 + 0.2 is 0.3."""

    def calculate(budget: Budget, value: Any, other: Any) -> Any:
        budget.tick(2)
        left, right = _number(value), _number(other)
        if isinstance(left, int) and isinstance(right, int):
            return operations.arithmetic(operation, left, right)
        return float(operation(Decimal(str(left)), Decimal(str(right))))

    return calculate


def _divided_by(budget: Budget, value: Any, other: Any) -> Any:
    left, right = _number(value), _number(other)
    whole = isinstance(left, int) and isinstance(right, int)
    return operations.arithmetic(operator.floordiv if whole else operator.truediv, left, right)


def _round(budget: Budget, value: Any, digits: Any = None) -> Any:
    places = 0 if digits is None or digits is MISSING else int(_number(digits))
    if places > _MAX_PRECISION:
        raise Unrenderable(f"a precision is at most {_MAX_PRECISION}")
    if places < 0:
        return 0
    return round(_number(value), places) if places else round(_number(value))


def _of_text(change: Callable[[str], str]) -> Function:
    return lambda budget, value: built(change(_text(value, budget)), budget)


def _append(budget: Budget, value: Any, other: Any) -> str:
    return operations.joined([to_text(value, budget), to_text(other, budget)], "", budget)


def _prepend(budget: Budget, value: Any, other: Any) -> str:
    return operations.joined([to_text(other, budget), to_text(value, budget)], "", budget)


def _replacing(count: int) -> Function:
    def replace(budget: Budget, value: Any, old: Any, new: Any = "") -> str:
        return operations.replaced(to_text(value, budget), to_text(old, budget), to_text(new, budget), count, budget)

    return replace


def _removing(count: int) -> Function:
    replace = _replacing(count)
    return lambda budget, value, old: replace(budget, value, old, "")


def _line_ends(value: Any, new: str, budget: Budget) -> str:
    plain = operations.replaced(to_text(value, budget), "\r\n", "\n", -1, budget)
    return operations.replaced(plain, "\n", new, -1, budget)


def _split(budget: Budget, value: Any, separator: Any) -> list[str]:
    text, mark = _text(value, budget), to_text(separator, budget)
    if not mark:
        budget.tick(len(text))
        return list(text)
    if not text or text == mark:
        return []
    operations.search(len(text), len(mark), budget)
    found = text.split(None if mark == " " else mark)
    budget.tick(len(found))
    return found


def _slice(budget: Budget, value: Any, start: Any, length: Any = 1) -> Any:
    whole = value if isinstance(value, list | tuple) else to_text(value, budget)
    first = operations.index(start)
    count = 1 if length is MISSING else operations.index(length)
    end = None if first < 0 <= first + count else first + count
    cut = operations.part(whole, first, end, None, budget)
    return cut if isinstance(cut, str) else list(cut)


def _truncate(budget: Budget, value: Any, length: Any = 50, end: Any = "...") -> str:
    text, ending, limit = _text(value, budget), to_text(end, budget), operations.index(_number(length))
    return text if len(text) <= limit else built(text[: max(limit - len(ending), 0)] + ending, budget)


def _truncatewords(budget: Budget, value: Any, count: Any = 15, end: Any = "...") -> str:
    limit = max(operations.index(_number(count)), 1)
    words = _words(value, budget)
    if len(words) <= limit:
        return operations.joined(words, " ", budget)
    return operations.joined(words[:limit], " ", budget) + to_text(end, budget)


def _words(value: Any, budget: Budget) -> list[str]:
    text = _text(value, budget)
    budget.tick(len(text) >> 4)
    return text.split()


def _squish(budget: Budget, value: Any) -> str:
    return operations.joined(_words(value, budget), " ", budget)


def _size(budget: Budget, value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict) else 0


def _default(budget: Budget, value: Any, default: Any = "", *, allow_false: Any = False) -> Any:
    if value is False:
        return value if allow_false is True else default
    if value is None or value is MISSING:
        return default
    return default if isinstance(value, str | list | dict) and not value else value


def _first(budget: Budget, value: Any) -> Any:
    if isinstance(value, dict):
        return next(iter(value.items()), None)
    return value[0] if isinstance(value, list | tuple) and value else None


def _last(budget: Budget, value: Any) -> Any:
    return value[-1] if isinstance(value, list | tuple) and value else None


def _join(budget: Budget, value: Any, separator: Any = " ") -> str:
    texts = [to_text(element, budget) for element in _list(value, budget)]
    return operations.joined(texts, to_text(separator, budget), budget)


def _key(element: Any, key: Any, budget: Budget) -> Any:
    budget.tick()
    value = operations.member(element, key) if isinstance(element, list | tuple | dict) else MISSING
    return None if value is MISSING else value


def _map(budget: Budget, value: Any, key: Any) -> list[Any]:
    return [_key(element, key, budget) for element in _list(value, budget)]


def _concat(budget: Budget, value: Any, other: Any) -> list[Any]:
    if not isinstance(other, list | tuple):
        raise Unrenderable("concat needs a list")
    budget.tick(len(other))
    return [*_list(value, budget), *other]


def _reverse(budget: Budget, value: Any) -> list[Any]:
    return _list(value, budget)[::-1]


def _sorted(value: Any, key: Any, budget: Budget, fold: Callable[[Any], Any]) -> list[Any]:
    found = _list(value, budget)
    keys = [fold(element if key is None else _key(element, key, budget)) for element in found]
    present = [position for position, word in enumerate(keys) if word is not None]
    ordered = operations.in_order([found[at] for at in present], [keys[at] for at in present], budget)
    return ordered + [found[at] for at, word in enumerate(keys) if word is None]


def _sort(budget: Budget, value: Any, key: Any = None) -> list[Any]:
    return _sorted(value, key, budget, lambda word: word)


def _sort_natural(budget: Budget, value: Any, key: Any = None) -> list[Any]:
    return _sorted(value, key, budget, lambda word: None if word is None else _text(word, budget).lower())


def _uniq(budget: Budget, value: Any, key: Any = None) -> list[Any]:
    first: dict[str, Any] = {}
    for element in _list(value, budget):
        first.setdefault(identity(element if key is None else _key(element, key, budget), budget), element)
    return list(first.values())


def _compact(budget: Budget, value: Any, key: Any = None) -> list[Any]:
    found = _list(value, budget)
    return [one for one in found if (one if key is None else _key(one, key, budget)) not in (None, MISSING)]


def _where(budget: Budget, value: Any, key: Any, wanted: Any = None) -> list[Any]:
    return [element for element in _list(value, budget) if _fits(_key(element, key, budget), wanted, budget)]


def _reject(budget: Budget, value: Any, key: Any, wanted: Any = None) -> list[Any]:
    return [element for element in _list(value, budget) if not _fits(_key(element, key, budget), wanted, budget)]


def _fits(value: Any, wanted: Any, budget: Budget) -> bool:
    return truthy(value) if wanted is None or wanted is MISSING else operations.equal(value, wanted, budget)


def _sum(budget: Budget, value: Any, key: Any = None) -> Any:
    add, total = _exact(operator.add), 0
    for element in _list(value, budget):
        total = add(budget, total, element if key is None else _key(element, key, budget))
    return total


def json_(budget: Budget, value: Any) -> str:
    """A value as compact JSON; letters and the order of keys are kept."""
    budget.build(operations.weigh(value, budget))
    return built(json.dumps(None if value is MISSING else value, ensure_ascii=False, allow_nan=False), budget)


def _url_encode(budget: Budget, value: Any) -> str:
    text = _text(value, budget)
    budget.tick(len(text) >> 3)
    return built(urllib.parse.quote_plus(text), budget)


FILTERS: Mapping[str, Function] = {
    "abs": lambda budget, value: abs(_number(value)),
    "append": _append,
    "at_least": lambda budget, value, other: max(_number(value), _number(other)),
    "at_most": lambda budget, value, other: min(_number(value), _number(other)),
    "capitalize": _of_text(str.capitalize),
    "ceil": lambda budget, value: operations.integer(math.ceil(_number(value))),
    "compact": _compact,
    "concat": _concat,
    "default": _default,
    "divided_by": _divided_by,
    "downcase": _of_text(str.lower),
    "escape": _of_text(lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")),
    "first": _first,
    "floor": lambda budget, value: operations.integer(math.floor(_number(value))),
    "join": _join,
    "json": json_,
    "last": _last,
    "lstrip": _of_text(str.lstrip),
    "map": _map,
    "minus": _exact(operator.sub),
    "modulo": _exact(operator.mod),
    "newline_to_br": lambda budget, value: _line_ends(value, "<br />\n", budget),
    "plus": _exact(operator.add),
    "prepend": _prepend,
    "reject": _reject,
    "remove": _removing(-1),
    "remove_first": _removing(1),
    "replace": _replacing(-1),
    "replace_first": _replacing(1),
    "reverse": _reverse,
    "round": _round,
    "rstrip": _of_text(str.rstrip),
    "size": _size,
    "slice": _slice,
    "sort": _sort,
    "sort_natural": _sort_natural,
    "split": _split,
    "squish": _squish,
    "strip": _of_text(str.strip),
    "strip_newlines": lambda budget, value: _line_ends(value, "", budget),
    "sum": _sum,
    "times": _exact(operator.mul),
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "uniq": _uniq,
    "upcase": _of_text(str.upper),
    "url_encode": _url_encode,
    "where": _where,
}
