"""Jinja2 statements as a program: a statement that has no rule here does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from jinja2 import nodes

from prompthub_kernel import jinja_guard, operations
from prompthub_kernel.jinja_expressions import JinjaExpressions, Loop
from prompthub_kernel.operations import Unrenderable
from prompthub_kernel.program import (
    Expression,
    Program,
    Rendering,
    Step,
    TemplateRefused,
    captured,
    choose,
    forgetting,
    store,
    write,
)

Parts = list[tuple[int, str | Step]]
_WRITTEN = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def compile_jinja(source: str, *, secrets: frozenset[str], runtime: frozenset[str]) -> Program:
    """The program of a Jinja2 source. Raises :class:`TemplateRefused` with everything that is wrong with it."""
    parsed = jinja_guard.parse(source, runtime)
    compiler = JinjaCompiler(secrets=secrets, runtime=runtime)
    try:
        body = compiler.body(parsed.tree.body)
    except RecursionError:
        raise TemplateRefused([(1, "nesting", "the template is nested too deeply")]) from None
    for name, line in parsed.runtime.items():
        compiler.names.setdefault(name, line)
    return compiler.finish(body, parsed.count)


class JinjaCompiler(JinjaExpressions):
    """Compiles statements on top of expressions."""

    def body(self, statements: Sequence[nodes.Node]) -> Step:
        """A stretch of statements; what they cost each time is counted here, once."""
        outside, self.cost = self.cost, 0
        parts: Parts = []
        for statement in statements:
            rule = self.STATEMENTS.get(type(statement))
            if rule is None:
                word = type(statement).__name__.lower()
                self.refuse(statement.lineno, "guard", f"`{word}` is not available in prompts")
            else:
                rule(self, statement, parts)
        step = self.block(parts, self.cost)
        self.cost = outside
        return step

    def output(self, node: nodes.Output, parts: Parts) -> None:
        """Text and ``{{ … }}``."""
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                self.literal(child)
                parts.append((child.lineno, child.data))
                continue
            secret = self.secret(child.name, child.lineno) if isinstance(child, nodes.Name) else None
            parts.append((child.lineno, secret or write(self.expression(child), self.to_text)))

    def literal(self, text: nodes.TemplateData) -> None:
        """Text as it stands, in which runtime variables are."""
        for found in _WRITTEN.finditer(text.data) if self.runtime and self.captures else ():
            if found[1] in self.runtime:
                self.runtime_text(found[1], text.lineno + text.data.count("\n", 0, found.start()))

    def condition(self, node: nodes.If, parts: Parts) -> None:
        """``if``, ``elif``, ``else``."""
        branches = [(self.expression(branch.test), self.body(branch.body)) for branch in (node, *node.elif_)]
        otherwise = self.body(node.else_) if node.else_ else None
        parts.append((node.lineno, choose(branches, otherwise)))

    def loop(self, node: nodes.For, parts: Parts) -> None:
        """``for``, with ``if`` behind it and ``else``."""
        if node.recursive:
            self.refuse(node.lineno, "guard", "a loop cannot be recursive")
        source = self.expression(node.iter)
        with self.scope() as names:
            target = self.target(node.target, certain=True)
            test, test_cost = self.loop_test(node.test)
            self.loops.append(self.slot())
            known = set(names.values())
            statements = self.body(node.body)
            slot, depth = self.loops.pop(), len(self.loops) + 1
        body = forgetting(tuple(set(names.values()) - known), statements)
        otherwise = self.body(node.else_) if node.else_ else None

        def run_loop(run: Rendering) -> None:
            items = operations.elements(source(run), run.budget)
            if test is not None:
                items = _chosen(items, target, test, test_cost, run)
            if not items:
                if otherwise is not None:
                    otherwise(run)
                return
            state = run.slots[slot] = Loop(items, depth)
            for state.index0, item in enumerate(items):
                target(run, item)
                body(run)

        parts.append((node.lineno, run_loop))

    def loop_test(self, node: nodes.Node | None) -> tuple[Expression | None, int]:
        """The condition behind a loop and what one look at it costs."""
        if node is None:
            return None, 0
        outside, self.cost = self.cost, 0
        test = self.expression(node)
        cost, self.cost = self.cost, outside
        return test, cost + 1

    def target(self, node: nodes.Node, *, certain: bool = False) -> Callable[[Rendering, Any], None]:
        """Where values are assigned: a name, or names that take a sequence apart."""
        if isinstance(node, nodes.Tuple):
            targets = [self.target(part, certain=certain) for part in node.items]

            def unpack(run: Rendering, value: Any) -> None:
                if not isinstance(value, list | tuple) or len(value) != len(targets):
                    raise Unrenderable(f"{len(targets)} names are assigned to something that has not as many parts")
                run.budget.tick(len(targets))
                for assign, part in zip(targets, value, strict=True):
                    assign(run, part)

            return unpack
        if not isinstance(node, nodes.Name):
            self.refuse(node.lineno, "guard", "only names can be assigned to")
            return lambda run, value: None
        slot = self.assign(node.name, node.lineno)
        if certain:
            self.certain.add(slot)

        def assign(run: Rendering, value: Any) -> None:
            run.slots[slot] = value

        return assign

    def assignment(self, node: nodes.Assign, parts: Parts) -> None:
        """``set a = b``."""
        value = self.expression(node.node)
        target = self.target(node.target)
        parts.append((node.lineno, lambda run: target(run, value(run))))

    def kept_block(self, node: nodes.AssignBlock, parts: Parts) -> None:
        """``set a`` … ``endset``."""
        text = self.kept(node.body)
        if node.filter is not None:
            text = self.chained(node.filter, text)
        if isinstance(node.target, nodes.Name):
            parts.append((node.lineno, store(self.assign(node.target.name, node.lineno), text)))
        else:
            self.refuse(node.lineno, "guard", "only names can be assigned to")

    def filter_block(self, node: nodes.FilterBlock, parts: Parts) -> None:
        """``filter upper`` … ``endfilter``."""
        text = self.kept(node.body)
        parts.append((node.lineno, write(self.chained(node.filter, text), self.to_text)))

    def kept(self, statements: Sequence[nodes.Node]) -> Expression:
        """The text of a block. Names it assigns end with it; unlike Jinja's, it always sees those around it."""
        with self.capturing(), self.scope() as names:
            body = self.body(statements)
        return captured(forgetting(tuple(names.values()), body))

    def chained(self, node: nodes.Filter, text: Expression) -> Expression:
        """The filters of a block, innermost first, applied to the block's text."""
        self.cost += 1
        if isinstance(node.node, nodes.Filter):
            text = self.chained(node.node, text)
        return self.applied(node, text)

    def surroundings(self, node: nodes.With, parts: Parts) -> None:
        """``with a = b`` … ``endwith``."""
        values = self.all(node.values)
        with self.scope() as names:
            targets = [self.target(target, certain=True) for target in node.targets]
            known = set(names.values())
            statements = self.body(node.body)
        body = forgetting(tuple(set(names.values()) - known), statements)

        def run_with(run: Rendering) -> None:
            for target, given in zip(targets, [value(run) for value in values], strict=True):
                target(run, given)
            body(run)

        parts.append((node.lineno, run_with))

    STATEMENTS: ClassVar[Mapping[type[nodes.Node], Callable[[Any, Any, Parts], None]]] = {
        nodes.Output: output,
        nodes.If: condition,
        nodes.For: loop,
        nodes.Assign: assignment,
        nodes.AssignBlock: kept_block,
        nodes.FilterBlock: filter_block,
        nodes.With: surroundings,
    }
    """The allow-list: include, import, extends, block, macro, call and autoescape are refused."""


def _chosen(
    items: Sequence[Any], target: Callable[[Rendering, Any], None], test: Expression, cost: int, run: Rendering
) -> list[Any]:
    chosen = []
    for item in items:
        run.budget.tick(cost)
        target(run, item)
        if test(run):
            chosen.append(item)
    return chosen
