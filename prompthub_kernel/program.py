"""A compiled template: plain closures over JSON values, each of which pays before it works.

Both template languages are turned into these. There is no generated Python, no attribute access and no call of
anything but the operations and filters of this package, so what a template can do is what is written here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from prompthub_kernel.budget import Budget
from prompthub_kernel.operations import MISSING, storable

MAX_PROBLEMS = 20
"""Problems told about one template; the rest would not help anybody."""
SECRET_BYTES = 64
"""What one secret counts in the output, whose length the template must not depend on."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A place in a text where a secret goes. ``quoted``: inside a JSON string, so joined JSON-escaped."""

    name: str
    quoted: bool = False

    def filled(self, value: str) -> str:
        """What stands at this place once the secret is known."""
        return json.dumps(value, ensure_ascii=False)[1:-1] if self.quoted else value

    def to_json(self) -> dict[str, Any]:
        """``{"secret": "name"[, "quoted": true]}``."""
        return {"secret": self.name} | ({"quoted": True} if self.quoted else {})


Segment = str | Secret


class TemplateRefused(Exception):
    """The template cannot be accepted; ``problems`` are (line, code, reason), at least one."""

    def __init__(self, problems: Sequence[tuple[int, str, str]]) -> None:
        super().__init__(problems[0][2])
        self.problems = list(problems[:MAX_PROBLEMS])


class Unset:
    """What a local name holds before something is assigned to it."""

    __slots__ = ()


UNSET: Final = Unset()


class Rendering:
    """One run of one program: the values given, the names assigned, the segments written, what is left to spend.

    ``absent`` are the secrets that have no value.
    """

    __slots__ = ("absent", "budget", "line", "out", "slots", "values")

    def __init__(self, values: Mapping[str, Any], slots: int, budget: Budget, absent: frozenset[str]) -> None:
        self.values = values
        self.absent = absent
        self.slots: list[Any] = [UNSET] * slots
        self.out: list[Segment] = []
        self.budget = budget
        self.line = 1


Expression = Callable[[Rendering], Any]
Step = Callable[[Rendering], None]
ToText = Callable[[Any, Budget], str]


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What a source weighs against the caps of one prompt body."""

    size: int
    tags: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Program:
    """A template ready to run. ``names`` must be declared, with the line each is first used on;
    ``perhaps`` are names the template assigns but may read before it does.
    """

    body: Step
    slots: int
    names: Mapping[str, int]
    perhaps: frozenset[str]
    count: SourceCount


class Compiler:
    """What both languages share: names and their scopes, what a stretch costs, problems found on the way."""

    def __init__(self, *, secrets: frozenset[str], runtime: frozenset[str], to_text: ToText) -> None:
        self.secrets = secrets
        self.runtime = runtime
        self.to_text = to_text
        self.problems: list[tuple[int, str, str]] = []
        self.names: dict[str, int] = {}
        self.perhaps: set[str] = set()
        self.certain: set[int] = set()
        self.scopes: list[dict[str, int]] = [{}]
        self.slots = 0
        self.cost = 0
        self.captures = 0

    def refuse(self, line: int, code: str, reason: str) -> Expression:
        """Note a problem and go on, so that a writer is told of all of them at once."""
        self.problems.append((line, code, reason))
        return constant(MISSING)

    def finish(self, body: Step, count: SourceCount) -> Program:
        """The program, or :class:`TemplateRefused` with everything that was found."""
        if self.problems:
            raise TemplateRefused(sorted(self.problems, key=lambda problem: problem[0]))
        return Program(body, self.slots, self.names, frozenset(self.perhaps), count)

    def slot(self) -> int:
        """A new place for a local value."""
        self.slots += 1
        return self.slots - 1

    def assign(self, name: str, line: int, scope: dict[str, int] | None = None) -> int:
        """The slot of a local name in a scope, the innermost unless told."""
        if name in self.secrets or name in self.runtime:
            self.refuse(line, "reserved", f"`{name}` is a secret or a runtime variable and cannot be assigned to")
        scope = self.scopes[-1] if scope is None else scope
        if name not in scope:
            scope[name] = self.slot()
        return scope[name]

    def read(self, name: str, line: int) -> Expression:
        """The value of a name inside an expression, where secrets and runtime variables have no business."""
        slots = [scope[name] for scope in reversed(self.scopes) if name in scope]
        if slots and slots[0] in self.certain:
            return read_slot(slots[0])
        if slots:
            self.perhaps.add(name)
            return read_local(slots, name)
        if name in self.secrets:
            return self.refuse(line, "secret", f"the secret `{name}` can only be written as {{{{ {name} }}}}")
        if name in self.runtime:
            return self.refuse(
                line, "runtime", f"`{name}` is filled in by the provider and can only be written as {{{{ {name} }}}}"
            )
        self.names.setdefault(name, line)
        return read_value(name)

    def secret(self, name: str, line: int) -> Step | None:
        """The step that writes a secret's place, if ``name`` is one; refused where text is kept to work on."""
        if name not in self.secrets or any(name in scope for scope in self.scopes):
            return None
        if self.captures:
            self.refuse(line, "secret", f"the secret `{name}` cannot be kept in a variable")
        self.names.setdefault(name, line)
        self.cost += 1
        return write_secret(Secret(name))

    def runtime_text(self, name: str, line: int) -> None:
        """Note a runtime variable in the text; refused where text is kept to work on: there it has no value yet."""
        if self.captures:
            self.refuse(line, "runtime", f"`{name}` is filled in by the provider and cannot be kept in a variable")
        self.names.setdefault(name, line)

    @contextmanager
    def capturing(self) -> Iterator[None]:
        """While the text of a block is kept instead of written."""
        self.captures += 1
        yield
        self.captures -= 1

    @contextmanager
    def scope(self) -> Iterator[dict[str, int]]:
        """While names assigned are forgotten at the end."""
        self.scopes.append({})
        yield self.scopes[-1]
        self.scopes.pop()

    def block(self, parts: Sequence[tuple[int, str | Step]], cost: int) -> Step:
        """Text and steps one after the other, with the expressions in them counted as ``cost``."""
        steps = list(_merged(parts))
        size = sum(len(text.encode()) for _, text in steps if isinstance(text, str))
        return sequence(
            [(line, write_text(step) if isinstance(step, str) else step) for line, step in steps],
            cost + len(steps) + 1,
            size,
        )


def _merged(parts: Sequence[tuple[int, str | Step]]) -> Iterator[tuple[int, str | Step]]:
    texts: list[str] = []
    first = 1
    for line, part in parts:
        if isinstance(part, str):
            first = first if texts else line
            texts.append(part)
            continue
        if texts:
            yield first, "".join(texts)
            texts = []
        yield line, part
    if texts:
        yield first, "".join(texts)


def constant(value: Any) -> Expression:
    """Always the same value."""
    return lambda _: value


def read_value(name: str) -> Expression:
    """The value given for a name, or :data:`MISSING`."""
    return lambda run: run.values.get(name, MISSING)


def read_slot(slot: int) -> Expression:
    """The value of a local name that is always assigned where it can be read, such as a loop's."""
    return lambda run: run.slots[slot]


def read_local(slots: Sequence[int], name: str) -> Expression:
    """The innermost assigned value of a name, else the value given for it."""

    def read(run: Rendering) -> Any:
        for slot in slots:
            value = run.slots[slot]
            if value is not UNSET:
                return value
        return run.values.get(name, MISSING)

    return read


def sequence(steps: Sequence[tuple[int, Step]], ticks: int, size: int) -> Step:
    """Steps one after the other, paid for in one go; ``run.line`` tells where it is."""

    def sequence_step(run: Rendering) -> None:
        run.budget.spend(ticks, size)
        for line, step in steps:
            run.line = line
            step(run)

    return sequence_step


def write_text(text: str) -> Step:
    """Write a fixed text, whose bytes the sequence around it has paid for."""
    return lambda run: run.out.append(text)


def write_secret(secret: Secret) -> Step:
    """Write a secret's place; nothing for one that has no value, as for any variable."""

    def write(run: Rendering) -> None:
        if secret.name in run.absent:
            return
        run.budget.spend(0, SECRET_BYTES)
        run.out.append(secret)

    return write


def write(expression: Expression, to_text: ToText) -> Step:
    """Write the value of an expression as text."""

    def write_step(run: Rendering) -> None:
        value = expression(run)
        if value.__class__ is not str:
            value = to_text(value, run.budget)
        storable(value)
        run.budget.write(value)
        run.out.append(value)

    return write_step


def choose(branches: Sequence[tuple[Expression, Step]], otherwise: Step | None) -> Step:
    """Run the step of the first branch whose condition holds."""

    def choose_step(run: Rendering) -> None:
        for condition, step in branches:
            if condition(run):
                step(run)
                return
        if otherwise is not None:
            otherwise(run)

    return choose_step


def store(slot: int, expression: Expression) -> Step:
    """Assign the value of an expression to a local name."""

    def store_step(run: Rendering) -> None:
        run.slots[slot] = expression(run)

    return store_step


def forgetting(slots: Sequence[int], body: Step) -> Step:
    """A step that begins with these local names unassigned, as at its first run."""
    if not slots:
        return body

    def forget(run: Rendering) -> None:
        run.budget.tick(len(slots))
        for slot in slots:
            run.slots[slot] = UNSET
        body(run)

    return forget


def captured(body: Step) -> Expression:
    """The text a block writes, kept instead of written."""

    def capture(run: Rendering) -> str:
        outside, run.out = run.out, []
        try:
            body(run)
            # A secret is never among them: its place is refused in a block that is kept.
            texts = [text for text in run.out if isinstance(text, str)]
        finally:
            run.out = outside
        run.budget.build(sum(map(len, texts)))
        return "".join(texts)

    return capture
