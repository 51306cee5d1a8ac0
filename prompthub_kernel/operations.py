"""What templates may do with values, each operation paid for before it is done.

Values are JSON values only (``str int float bool None list dict``, tuples inside), copied before a template sees
them, so no attribute, method or subclass of Python's is ever within reach. Reading ``a.b`` means reading a key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from prompthub_kernel.budget import MAX_DEPTH, MAX_INTEGER_BITS, Budget, BudgetSpent

_INTEGER_LIMIT = 1 << MAX_INTEGER_BITS
_REACH = (1 << 63) - 1


class Unrenderable(Exception):
    """The template asks for something that makes no sense with these values, such as adding a word to a number."""


class Missing:
    """The value of a name that was not given: empty as text, false in a condition, nothing to loop over."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "Undefined"


MISSING: Final = Missing()


def copied(value: Any, budget: Budget, depth: int = 0) -> Any:
    """A deep copy of a JSON value. Raises :class:`Unrenderable` for anything that is not one."""
    kind = type(value)
    if kind is str:
        storable(value)
        return value
    if value is None or kind is bool:
        return value
    if kind is int:
        return integer(value)
    if kind is float and math.isfinite(value):
        return value
    if depth >= MAX_DEPTH:
        raise Unrenderable(f"a value is nested deeper than {MAX_DEPTH}")
    if kind is list or kind is tuple:
        budget.tick(len(value))
        return [copied(element, budget, depth + 1) for element in value]
    if kind is dict:
        budget.tick(2 * len(value))
        if not all(type(key) is str for key in value):
            raise Unrenderable("a key is not text")
        return {key: copied(element, budget, depth + 1) for key, element in value.items()}
    raise Unrenderable("a value is not JSON")


def unstorable(text: str) -> str:
    """What a text holds that no database stores, in words; nothing for nearly every text."""
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "half of a surrogate pair"
    return ""


def storable(text: str) -> None:
    """Let a text pass that every database stores. Raises :class:`Unrenderable` for any other."""
    if fault := unstorable(text):
        raise Unrenderable(f"a text holds {fault}")


def weigh(value: Any, budget: Budget, depth: int = 0) -> int:
    """How many characters the texts inside a value have, 8 for anything else; pays for the walk.

    A value may hold the same list many times over; it is paid for as often as it is met.
    """
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, list | tuple | dict):
        return 8
    if depth >= MAX_DEPTH:
        raise Unrenderable(f"a value is nested deeper than {MAX_DEPTH}")
    budget.tick(1 + len(value))
    total = 2 + 4 * len(value)
    if isinstance(value, dict):
        total += sum(map(len, map(str, value)))
        return total + sum(weigh(element, budget, depth + 1) for element in value.values())
    return total + sum(weigh(element, budget, depth + 1) for element in value)


def integer(value: int) -> int:
    """The integer, if it has at most 128 bits. Raises :class:`BudgetSpent`."""
    if not -_INTEGER_LIMIT < value < _INTEGER_LIMIT:
        raise BudgetSpent(f"an integer has more than {MAX_INTEGER_BITS} bits")
    return value


def index(value: Any) -> int:
    """An integer argument, brought into what sequences can be asked for."""
    if isinstance(value, float | bool) or not isinstance(value, int):
        raise Unrenderable("an integer is needed here")
    return max(-_REACH, min(_REACH, value))


def is_number(value: Any) -> bool:
    """Whether a value is a number; ``true`` and ``false`` count as 1 and 0, as they do in both languages."""
    return isinstance(value, int | float)


def arithmetic(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """``operation`` on two numbers; text is never multiplied or formatted by an operator."""
    if not (is_number(left) and is_number(right)):
        raise Unrenderable("only numbers can be calculated with")
    try:
        outcome = operation(left, right)
    except ZeroDivisionError:
        raise Unrenderable("a number is divided by zero") from None
    if isinstance(outcome, int):
        return integer(outcome)
    if not math.isfinite(outcome):
        raise Unrenderable("a number is too large to calculate with")
    return outcome


def add(left: Any, right: Any, budget: Budget) -> Any:
    """``+``: the sum of numbers, or two texts or two lists one after the other."""
    if isinstance(left, str) and isinstance(right, str):
        budget.build(len(left) + len(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        budget.tick(len(left) + len(right))
        return left + right
    return arithmetic(lambda a, b: a + b, left, right)


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """``==`` on JSON values."""
    if isinstance(left, str) and isinstance(right, str):
        budget.scan(min(len(left), len(right)))
    elif isinstance(left, list | tuple | dict) and isinstance(right, list | tuple | dict):
        budget.scan(weigh(left, budget))
        budget.scan(weigh(right, budget))
    return bool(left == right)


def less(left: Any, right: Any, budget: Budget) -> bool:
    """``<`` between two numbers or two texts."""
    if isinstance(left, str) and isinstance(right, str):
        budget.scan(min(len(left), len(right)))
    elif not (is_number(left) and is_number(right)):
        raise Unrenderable("only two numbers or two texts can be put in order")
    return bool(left < right)


def search(length: int, sought: int, budget: Budget) -> None:
    """Pay for looking through ``length`` characters for a text of ``sought`` characters.

    CPython searches in linear time, except that short texts are searched by trying every place
    (``Objects/stringlib/fastsearch.h``): there the worst case is the product of both lengths.
    """
    tries = sought if length < 2_500 else 100 if length < 30_000 else 8
    budget.tick(1 + (length * (1 + min(sought, tries)) >> 10))


def contains(container: Any, value: Any, budget: Budget) -> bool:
    """Whether a text holds a text, a list an element, a mapping a key."""
    if isinstance(container, str):
        if not isinstance(value, str):
            raise Unrenderable("only text can be looked for in text")
        search(len(container), len(value), budget)
        return value in container
    if isinstance(container, dict):
        return isinstance(value, str) and value in container
    if isinstance(container, list | tuple):
        budget.tick(1 + (len(container) >> 1))
        return any(equal(element, value, budget) for element in container)
    if container is MISSING:
        return False
    raise Unrenderable("only text, lists and mappings can be searched")


def member(value: Any, key: Any) -> Any:
    """``value.key`` and ``value[key]``: a key of a mapping or an index of a sequence, else :data:`MISSING`."""
    if isinstance(key, str):
        if key.startswith("__"):
            raise Unrenderable("names that begin with two underscores cannot be read")
        if isinstance(value, dict):
            return value.get(key, MISSING)
    elif isinstance(key, int) and not isinstance(key, bool) and isinstance(value, list | tuple | str):
        try:
            return value[index(key)]
        except IndexError:
            return MISSING
    if value is MISSING:
        raise Unrenderable("a part of something that has no value is read")
    return MISSING


def elements(value: Any, budget: Budget) -> Sequence[Any]:
    """What a loop goes through: the elements of a list, the keys of a mapping, the characters of a text."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str | dict):
        budget.tick(1 + (len(value) >> 1))
        return list(value)
    if value is MISSING:
        return ()
    raise Unrenderable("only lists, mappings and texts can be looped over")


def part(value: Any, start: Any, stop: Any, step: Any, budget: Budget) -> Any:
    """``value[start:stop:step]`` of a text or a list."""
    if not isinstance(value, str | list | tuple):
        raise Unrenderable("only texts and lists can be cut")
    bounds = [None if bound is None else index(bound) for bound in (start, stop, step)]
    if bounds[2] == 0:
        raise Unrenderable("the step of a cut is zero")
    span = slice(*bounds)
    length = len(range(*span.indices(len(value))))
    if isinstance(value, str):
        budget.build(length)
    else:
        budget.tick(1 + length)
    return value[span]


def joined(texts: Sequence[str], separator: str, budget: Budget) -> str:
    """Texts one after the other with a separator between them."""
    budget.tick(1 + len(texts))
    budget.build(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


def replaced(text: str, old: str, new: str, count: int, budget: Budget) -> str:
    """``text`` with ``old`` replaced by ``new``, at most ``count`` times (-1: every time)."""
    search(2 * len(text), len(old), budget)
    found = text.count(old) if count < 0 else min(text.count(old), count)
    budget.tick(1 + (found >> 3))
    budget.build(max(len(text) + found * (len(new) - len(old)), 0))
    return text.replace(old, new, count)


def built(text: str, budget: Budget) -> str:
    """Pay for a text that was just made and cannot be more than a few times as long as what was paid to read."""
    budget.build(len(text))
    return text


def in_order(values: Sequence[Any], keys: Sequence[Any], budget: Budget, *, reverse: bool = False) -> list[Any]:
    """``values`` sorted by ``keys``, all of them numbers or all of them texts."""
    if not (all(map(is_number, keys)) or all(isinstance(key, str) for key in keys)):
        raise Unrenderable("only numbers alone or texts alone can be sorted")
    rounds = len(keys).bit_length()
    budget.tick(1 + len(keys) * rounds // 4)
    budget.scan(sum(len(key) for key in keys if isinstance(key, str)) * rounds)
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
    return [values[position] for position in order]
