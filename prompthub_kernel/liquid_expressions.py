"""Liquid expressions as closures: paths, filters, conditions; a form that has no rule here does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from prompthub_kernel import operations
from prompthub_kernel.budget import MAX_INTEGER_BITS, MAX_NESTING, Budget
from prompthub_kernel.calling import application, takes
from prompthub_kernel.liquid_filters import FILTERS, to_text, truthy
from prompthub_kernel.liquid_guard import Word
from prompthub_kernel.operations import MISSING, Unrenderable
from prompthub_kernel.program import Compiler, Expression, Rendering, constant

_END: Final = Word("end", "")
_LITERALS: Mapping[str, Any] = {"true": True, "false": False, "nil": None, "null": None}
_SIGNS = frozenset({"==", "!=", "<>", "<", ">", "<=", ">=", "contains"})


class Misread(Exception):
    """The words of a tag do not make sense; the message says where reading stopped."""


class Emptiness:
    """What ``empty`` and ``blank`` stand for in a comparison."""

    __slots__ = ("spaces",)

    def __init__(self, *, spaces: bool) -> None:
        self.spaces = spaces

    def holds(self, value: Any) -> bool:
        """Whether a value is empty; for ``blank`` also nothing but spaces."""
        if isinstance(value, str):
            return not value or (self.spaces and value.isspace())
        return isinstance(value, list | tuple | dict) and not value


class Loop:
    """Where a loop is: what ``forloop.index`` and its like are calculated from."""

    __slots__ = ("index0", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self.index0 = 0


LOOP_FACTS: Mapping[str, Callable[[Loop], Any]] = {
    "index": lambda loop: loop.index0 + 1,
    "index0": lambda loop: loop.index0,
    "rindex": lambda loop: loop.length - loop.index0,
    "rindex0": lambda loop: loop.length - loop.index0 - 1,
    "first": lambda loop: loop.index0 == 0,
    "last": lambda loop: loop.index0 == loop.length - 1,
    "length": lambda loop: loop.length,
}


class Words:
    """The words of one tag, read one after the other."""

    def __init__(self, words: Sequence[Word], line: int) -> None:
        self.words = words
        self.line = line
        self.position = 0

    @property
    def next(self) -> Word:
        """The word that comes, or one of kind ``end``."""
        return self.words[self.position] if self.position < len(self.words) else _END

    def take(self, kind: str = "", text: str = "") -> Word:
        """The word that comes, which must be of a kind or be a text. Raises :class:`Misread`."""
        word = self.next
        if (kind and word.kind != kind) or (text and not self.at(text)):
            raise Misread(f"expected {text or kind}, found {word.text or 'the end of the tag'}")
        self.position += 1
        return word

    def at(self, *texts: str) -> bool:
        """Whether the word that comes is one of these, and not the contents of a string."""
        return self.next.kind in ("name", "sign") and self.next.text in texts

    def skip(self, text: str) -> bool:
        """Pass a word if it is the one that comes."""
        found = self.at(text)
        self.position += found
        return found

    def end(self) -> None:
        """Raises :class:`Misread` unless all words were read."""
        if self.next is not _END:
            raise Misread(f"unexpected {self.next.text}")


class LiquidExpressions(Compiler):
    """Compiles expressions from words; every one of them costs a tick of the stretch it stands in."""

    def __init__(self, *, secrets: frozenset[str], runtime: frozenset[str]) -> None:
        super().__init__(secrets=secrets, runtime=runtime, to_text=to_text)
        self.loops: list[int] = []

    def filtered(self, words: Words) -> Expression:
        """``a | filter: b, key: c | …``."""
        expression = self.primitive(words)
        links = 0
        while words.skip("|"):
            links += 1
            if links > MAX_NESTING:
                raise Misread(f"more than {MAX_NESTING} filters one after the other")
            expression = self.applied(expression, words)
        return expression

    def applied(self, value: Expression, words: Words) -> Expression:
        """One filter with its arguments, which are checked against what it takes."""
        self.cost += 1
        name = words.take("name").text
        arguments: list[Expression] = []
        keywords: list[tuple[str, Expression]] = []
        more = words.skip(":")
        while more:
            following = words.words[words.position + 1 : words.position + 2]
            if words.next.kind == "name" and following and following[0] == Word("sign", ":"):
                key = words.take("name").text
                words.take(text=":")
                keywords.append((key, self.primitive(words)))
            else:
                arguments.append(self.primitive(words))
            more = words.skip(",")
        function = FILTERS.get(name)
        if function is None:
            return self.refuse(words.line, "guard", f"there is no filter `{name}` in prompts")
        misfit = takes(function, len(arguments), [key for key, _ in keywords])
        if misfit:
            return self.refuse(words.line, "guard", f"the filter `{name}` {misfit}")
        return application(f"the filter `{name}`", function, value, arguments, keywords)

    def primitive(self, words: Words) -> Expression:
        """A literal or a path."""
        self.cost += 1
        word = words.take()
        if word.kind == "string":
            return constant(word.text)
        if word.kind == "integer":
            if int(word.text).bit_length() > MAX_INTEGER_BITS:
                return self.refuse(words.line, "number", f"an integer has more than {MAX_INTEGER_BITS} bits")
            return constant(int(word.text))
        if word.kind == "float":
            return constant(float(word.text))
        if word.kind == "name":
            return self.named(word.text, words)
        if word.text == "(":
            return self.refuse_parenthesis(words)
        raise Misread(f"expected a value, found {word.text or 'the end of the tag'}")

    def refuse_parenthesis(self, words: Words) -> Expression:
        """Ranges would loop over numbers that nobody gave; Liquid knows no other use of parentheses."""
        words.position = len(words.words)
        return self.refuse(words.line, "guard", "ranges such as (1..9) and parentheses are not available in prompts")

    def named(self, name: str, words: Words) -> Expression:
        """``true``, ``empty``, ``forloop.index`` or a variable with its path."""
        if name in _LITERALS:
            return constant(_LITERALS[name])
        if name in ("empty", "blank") and not words.at(".", "["):
            return constant(Emptiness(spaces=name == "blank"))
        if name == "forloop" and self.loops:
            return self.loop_fact(words)
        value = self.read(name, words.line)
        while words.at(".", "["):
            self.cost += 1
            value = self.step(value, words)
        return value

    def step(self, value: Expression, words: Words) -> Expression:
        """``.key``, ``["key"]``, ``[0]`` or ``[path]`` behind a value."""
        if words.skip("."):
            return self.reading(value, words.take("name").text, words)
        words.take(text="[")
        word = words.next
        if word.kind in ("string", "integer"):
            words.take()
            words.take(text="]")
            return self.reading(value, word.text if word.kind == "string" else int(word.text), words)
        key = self.primitive(words)
        words.take(text="]")
        return lambda run: _member(value(run), key(run))

    def reading(self, value: Expression, key: str | int, words: Words) -> Expression:
        """A key or index that stands in the template; names that begin with an underscore are nobody's data."""
        if isinstance(key, str) and key.startswith("_"):
            return self.refuse(words.line, "guard", "names that begin with an underscore cannot be read")
        return lambda run: _member(value(run), key)

    def loop_fact(self, words: Words) -> Expression:
        """``forloop.index`` and its like; ``forloop.parentloop`` is the loop around."""
        loops = list(self.loops)
        words.take(text=".")
        while words.at("parentloop"):
            words.take()
            words.take(text=".")
            loops.pop()
            if not loops:
                return self.refuse(words.line, "guard", "there is no loop around this one")
        fact = words.take("name").text
        calculate = LOOP_FACTS.get(fact)
        if calculate is None:
            facts = ", ".join(LOOP_FACTS)
            return self.refuse(words.line, "guard", f"`forloop` has no part of that name; it has {facts}")
        slot = loops[-1]
        return lambda run: calculate(run.slots[slot])

    def condition(self, words: Words) -> Expression:
        """Comparisons joined by ``and`` and ``or``, which Liquid reads from the right, neither stronger."""
        comparisons = [self.comparison(words)]
        joins: list[str] = []
        while words.at("and", "or"):
            joins.append(words.take().text)
            comparisons.append(self.comparison(words))

        def holds(run: Rendering) -> bool:
            # Read from the left: `a and …` is settled by a false a, `a or …` by a true one.
            for comparison, join in zip(comparisons, joins, strict=False):
                if truthy(comparison(run)) is (join == "or"):
                    return join == "or"
            return truthy(comparisons[-1](run))

        return holds

    def comparison(self, words: Words) -> Expression:
        """``a == b`` or a value alone."""
        left = self.primitive(words)
        if not words.at(*_SIGNS):
            return left
        compare = _COMPARISONS[words.take().text]
        right = self.primitive(words)
        return lambda run: compare(left(run), right(run), run.budget)


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """``==``: nil and a name without a value are equal; true is not 1."""
    if isinstance(right, Emptiness):
        left, right = right, left
    if isinstance(left, Emptiness):
        return isinstance(right, Emptiness) or left.holds(right)
    left, right = (None if left is MISSING else left), (None if right is MISSING else right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return operations.equal(left, right, budget)


def _ordered(left: Any, right: Any, budget: Budget, *, also_equal: bool) -> bool:
    if left is None or right is None or left is MISSING or right is MISSING:
        return False
    return operations.less(left, right, budget) or (also_equal and equal(left, right, budget))


def _contains(container: Any, value: Any, budget: Budget) -> bool:
    if not truthy(container) or not truthy(value):
        return False
    return operations.contains(container, to_text(value, budget) if isinstance(container, str) else value, budget)


_COMPARISONS: Mapping[str, Callable[[Any, Any, Budget], bool]] = {
    "==": equal,
    "!=": lambda left, right, budget: not equal(left, right, budget),
    "<>": lambda left, right, budget: not equal(left, right, budget),
    "<": lambda left, right, budget: _ordered(left, right, budget, also_equal=False),
    ">": lambda left, right, budget: _ordered(right, left, budget, also_equal=False),
    "<=": lambda left, right, budget: _ordered(left, right, budget, also_equal=True),
    ">=": lambda left, right, budget: _ordered(right, left, budget, also_equal=True),
    "contains": _contains,
}


def _member(value: Any, key: Any) -> Any:
    """A key or index, and what Liquid adds: ``size``, ``first`` and ``last``. Parts of nothing are nothing."""
    if isinstance(value, dict) and isinstance(key, str) and key in value:
        return operations.member(value, key)
    if key == "size" and isinstance(value, str | list | tuple | dict):
        return len(value)
    if key in ("first", "last") and isinstance(value, list | tuple):
        return operations.member(value, 0 if key == "first" else -1)
    if isinstance(key, str) and key.startswith("__"):
        raise Unrenderable("names that begin with two underscores cannot be read")
    return operations.member(value, key) if isinstance(value, list | tuple) else MISSING
