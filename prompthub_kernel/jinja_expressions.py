"""Jinja2 expressions as closures: an expression that has no rule here does not exist."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from jinja2 import nodes

from prompthub_kernel import operations
from prompthub_kernel.budget import MAX_INTEGER_BITS, MAX_NESTING
from prompthub_kernel.calling import application, takes
from prompthub_kernel.jinja_filters import FILTERS, TESTS
from prompthub_kernel.jinja_lists import MAPPING_CALLS
from prompthub_kernel.jinja_text import to_text
from prompthub_kernel.operations import MISSING, Unrenderable
from prompthub_kernel.program import Compiler, Expression, Rendering, constant

_NAMED_FIRST = {"map": FILTERS, "select": TESTS, "reject": TESTS}
_NAMED_SECOND = {"selectattr": TESTS, "rejectattr": TESTS}


class Loop:
    """Where a loop is: what ``loop.index`` and its like are calculated from."""

    __slots__ = ("depth", "index0", "items")

    def __init__(self, items: Sequence[Any], depth: int) -> None:
        self.items = items
        self.depth = depth
        self.index0 = 0


LOOP_FACTS: Mapping[str, Callable[[Loop], Any]] = {
    "index": lambda loop: loop.index0 + 1,
    "index0": lambda loop: loop.index0,
    "revindex": lambda loop: len(loop.items) - loop.index0,
    "revindex0": lambda loop: len(loop.items) - loop.index0 - 1,
    "first": lambda loop: loop.index0 == 0,
    "last": lambda loop: loop.index0 == len(loop.items) - 1,
    "length": lambda loop: len(loop.items),
    "depth": lambda loop: loop.depth,
    "depth0": lambda loop: loop.depth - 1,
    "previtem": lambda loop: loop.items[loop.index0 - 1] if loop.index0 else MISSING,
    "nextitem": lambda loop: loop.items[loop.index0 + 1] if loop.index0 + 1 < len(loop.items) else MISSING,
}


class JinjaExpressions(Compiler):
    """Compiles expression nodes; every one of them costs a tick of the stretch it stands in."""

    def __init__(self, *, secrets: frozenset[str], runtime: frozenset[str]) -> None:
        super().__init__(secrets=secrets, runtime=runtime, to_text=to_text)
        self.depth = 0
        self.loops: list[int] = []

    def expression(self, node: nodes.Node) -> Expression:
        """The closure of one expression node."""
        rule = self.RULES.get(type(node))
        if rule is None:
            return self.refuse(node.lineno, "guard", f"{_word(node)} is not available in prompts")
        if self.depth >= MAX_NESTING:
            return self.refuse(node.lineno, "nesting", f"an expression is longer than {MAX_NESTING} links")
        self.cost += 1
        self.depth += 1
        closure = rule(self, node)
        self.depth -= 1
        return closure

    def all(self, children: Sequence[nodes.Node]) -> list[Expression]:
        """The closures of several nodes."""
        return [self.expression(child) for child in children]

    def name(self, node: nodes.Name) -> Expression:
        """A variable or a local name."""
        if node.name == "loop" and self.loops:
            return self.refuse(node.lineno, "guard", "`loop` can only be asked for its parts, such as loop.index")
        return self.read(node.name, node.lineno)

    def const(self, node: nodes.Const) -> Expression:
        """A literal; numbers are finite and small, texts hold nothing that no database stores."""
        value = node.value
        if isinstance(value, float) and not math.isfinite(value):
            return self.refuse(node.lineno, "number", "a number is too large")
        if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
            return self.refuse(node.lineno, "number", f"an integer has more than {MAX_INTEGER_BITS} bits")
        if isinstance(value, str) and (fault := operations.unstorable(value)):
            return self.refuse(node.lineno, "syntax", f"a text holds {fault}")
        return constant(value)

    def sequence_literal(self, node: nodes.List | nodes.Tuple) -> Expression:
        """``[a, b]`` and ``(a, b)``."""
        parts = self.all(node.items)
        kind: Callable[[Any], Any] = list if isinstance(node, nodes.List) else tuple
        return lambda run: kind([part(run) for part in parts])

    def mapping_literal(self, node: nodes.Dict) -> Expression:
        """``{"a": b}``; keys are text."""
        pairs = [(self.expression(pair.key), self.expression(pair.value)) for pair in node.items]

        def mapping(run: Rendering) -> dict[str, Any]:
            made: dict[str, Any] = {}
            for key, value in pairs:
                word = key(run)
                if not isinstance(word, str):
                    raise Unrenderable("a key is not text")
                made[word] = value(run)
            return made

        return mapping

    def conditional(self, node: nodes.CondExpr) -> Expression:
        """``a if b else c``."""
        test, first = self.expression(node.test), self.expression(node.expr1)
        second = self.expression(node.expr2) if node.expr2 is not None else constant(MISSING)
        return lambda run: first(run) if test(run) else second(run)

    def both(self, node: nodes.And) -> Expression:
        """``a and b``."""
        left, right = self.expression(node.left), self.expression(node.right)
        return lambda run: left(run) and right(run)

    def either(self, node: nodes.Or) -> Expression:
        """``a or b``."""
        left, right = self.expression(node.left), self.expression(node.right)
        return lambda run: left(run) or right(run)

    def negation(self, node: nodes.Not) -> Expression:
        """``not a``."""
        operand = self.expression(node.node)
        return lambda run: not operand(run)

    def comparison(self, node: nodes.Compare) -> Expression:
        """``a < b <= c``, ``a in b``."""
        first = self.expression(node.expr)
        steps = [(_COMPARISONS[operand.op], self.expression(operand.expr)) for operand in node.ops]

        def compare(run: Rendering) -> bool:
            left = first(run)
            for holds, expression in steps:
                right = expression(run)
                if not holds(left, right, run.budget):
                    return False
                left = right
            return True

        return compare

    def concatenation(self, node: nodes.Concat) -> Expression:
        """``a ~ b ~ c``."""
        parts = self.all(node.nodes)
        return lambda run: operations.joined([to_text(part(run), run.budget) for part in parts], "", run.budget)

    def addition(self, node: nodes.Add) -> Expression:
        """``a + b``."""
        left, right = self.expression(node.left), self.expression(node.right)
        return lambda run: operations.add(left(run), right(run), run.budget)

    def calculation(self, node: nodes.BinExpr) -> Expression:
        """``- * / // %`` between numbers; text is refused when the template is saved if it stands there openly."""
        for side in (node.left, node.right):
            if isinstance(side, nodes.List | nodes.Tuple | nodes.Dict | nodes.Concat) or (
                isinstance(side, nodes.Const) and not isinstance(side.value, int | float)
            ):
                return self.refuse(node.lineno, "guard", f"`{node.operator}` works on numbers alone")
        operation = _CALCULATIONS[type(node)]
        left, right = self.expression(node.left), self.expression(node.right)
        return lambda run: operations.arithmetic(operation, left(run), right(run))

    def sign(self, node: nodes.UnaryExpr) -> Expression:
        """``-a`` and ``+a``."""
        factor = -1 if isinstance(node, nodes.Neg) else 1
        operand = self.expression(node.node)
        return lambda run: operations.arithmetic(operator.mul, operand(run), factor)

    def attribute(self, node: nodes.Getattr) -> Expression:
        """The key ``b`` of the mapping ``a`` in ``a.b``."""
        if isinstance(node.node, nodes.Name) and node.node.name == "loop" and self.loops:
            return self.loop_fact(node.attr, node.lineno)
        return self.read_member(node.node, constant(node.attr), node.attr, node.lineno)

    def subscript(self, node: nodes.Getitem) -> Expression:
        """``a[b]`` and ``a[b:c]``."""
        if isinstance(node.arg, nodes.Slice):
            whole = self.expression(node.node)
            bounds = [node.arg.start, node.arg.stop, node.arg.step]
            start, stop, step = (constant(None) if bound is None else self.expression(bound) for bound in bounds)
            return lambda run: operations.part(whole(run), start(run), stop(run), step(run), run.budget)
        literal = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return self.read_member(node.node, self.expression(node.arg), literal, node.lineno)

    def read_member(self, node: nodes.Expr, key: Expression, literal: Any, line: int) -> Expression:
        """A key or index of a value; names that begin with an underscore are nobody's data."""
        if isinstance(literal, str) and literal.startswith("_"):
            return self.refuse(line, "guard", "names that begin with an underscore cannot be read")
        value = self.expression(node)
        return lambda run: operations.member(value(run), key(run))

    def loop_fact(self, fact: str, line: int) -> Expression:
        """``loop.index`` and its like."""
        calculate = LOOP_FACTS.get(fact)
        if calculate is None:
            return self.refuse(line, "guard", f"`loop` has no part of that name; it has {', '.join(LOOP_FACTS)}")
        slot = self.loops[-1]
        return lambda run: calculate(run.slots[slot])

    def call(self, node: nodes.Call) -> Expression:
        """Nothing can be called but ``.items()``, ``.keys()`` and ``.values()``, which are filters in disguise."""
        callee = node.node
        if (
            isinstance(callee, nodes.Getattr)
            and callee.attr in MAPPING_CALLS
            and not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
        ):
            value, apply = self.expression(callee.node), MAPPING_CALLS[callee.attr]
            return lambda run: apply(run.budget, value(run))
        return self.refuse(node.lineno, "guard", "calls are not available in prompts")

    def filter(self, node: nodes.Filter) -> Expression:
        """A value sent through a filter of the list: ``a|upper``."""
        return self.applied(node, self.expression(node.node) if node.node else constant(MISSING))

    def applied(self, node: nodes.Filter | nodes.Test, value: Expression) -> Expression:
        """A filter or test with its arguments, which are checked against what it takes."""
        what, known = ("filter", FILTERS) if isinstance(node, nodes.Filter) else ("test", TESTS)
        function = known.get(node.name)
        if function is None:
            return self.refuse(node.lineno, "guard", f"there is no {what} `{node.name}` in prompts")
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return self.refuse(node.lineno, "guard", "arguments cannot be unpacked")
        named: list[nodes.Keyword] = node.kwargs  # type: ignore[assignment]  # filters and tests have no other kind
        misfit = takes(function, len(node.args), [pair.key for pair in named]) or _misnamed(node)
        if misfit:
            return self.refuse(node.lineno, "guard", f"the {what} `{node.name}` {misfit}")
        arguments = self.all(node.args)
        keywords = [(pair.key, self.expression(pair.value)) for pair in named]
        return application(f"the {what} `{node.name}`", function, value, arguments, keywords)

    def test(self, node: nodes.Test) -> Expression:
        """A value asked by a test of the list: ``a is defined``."""
        return self.applied(node, self.expression(node.node))

    RULES: ClassVar[Mapping[type[nodes.Node], Callable[[Any, Any], Expression]]] = {
        nodes.Name: name, nodes.Const: const,
        nodes.List: sequence_literal, nodes.Tuple: sequence_literal, nodes.Dict: mapping_literal,
        nodes.CondExpr: conditional, nodes.And: both, nodes.Or: either, nodes.Not: negation,
        nodes.Compare: comparison, nodes.Concat: concatenation, nodes.Add: addition,
        nodes.Sub: calculation, nodes.Mul: calculation, nodes.Div: calculation,
        nodes.FloorDiv: calculation, nodes.Mod: calculation, nodes.Neg: sign, nodes.Pos: sign,
        nodes.Getattr: attribute, nodes.Getitem: subscript, nodes.Call: call,
        nodes.Filter: filter, nodes.Test: test,
    }  # fmt: skip
    """The allow-list: ``**``, macros' values, imports' values and everything newer than this table are refused."""


def _misnamed(node: nodes.Filter | nodes.Test) -> str:
    """Filters and tests named as texts, as in ``map("upper")``, are held to the same lists."""
    for position, lists in enumerate((_NAMED_FIRST, _NAMED_SECOND)):
        if node.name in lists and len(node.args) > position:
            named = node.args[position]
            if not (isinstance(named, nodes.Const) and named.value in lists[node.name]):
                return "names something that is not available in prompts"
    return ""


def _word(node: nodes.Node) -> str:
    return "`**`" if isinstance(node, nodes.Pow) else f"`{type(node).__name__.lower()}`"


def _not(holds: Callable[..., bool]) -> Callable[..., bool]:
    return lambda left, right, budget: not holds(left, right, budget)


_COMPARISONS: Mapping[str, Callable[..., bool]] = {
    "eq": operations.equal,
    "ne": _not(operations.equal),
    "lt": operations.less,
    "gteq": _not(operations.less),
    "gt": lambda left, right, budget: operations.less(right, left, budget),
    "lteq": lambda left, right, budget: not operations.less(right, left, budget),
    "in": lambda left, right, budget: operations.contains(right, left, budget),
    "notin": lambda left, right, budget: not operations.contains(right, left, budget),
}
_CALCULATIONS: Mapping[type[nodes.BinExpr], Callable[[Any, Any], Any]] = {
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
}
