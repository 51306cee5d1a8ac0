"""Liquid tags as a program: a tag that has no rule here does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from prompthub_kernel import liquid_guard, operations
from prompthub_kernel.budget import MAX_NESTING, Budget
from prompthub_kernel.liquid_expressions import LiquidExpressions, Loop, Misread, Words, equal
from prompthub_kernel.liquid_guard import Markup, refuse
from prompthub_kernel.operations import MISSING
from prompthub_kernel.program import (
    Expression,
    Program,
    Rendering,
    Step,
    TemplateRefused,
    captured,
    choose,
    constant,
    store,
    write,
)


class BreakLoop(Exception):
    """``break``."""


class ContinueLoop(Exception):
    """``continue``."""


def compile_liquid(source: str, *, secrets: frozenset[str], runtime: frozenset[str]) -> Program:
    """The program of a Liquid source. Raises :class:`TemplateRefused` with everything that is wrong with it."""
    pieces, count = liquid_guard.read(source, runtime)
    compiler = LiquidCompiler(pieces, secrets=secrets, runtime=runtime)
    try:
        body = compiler.stretch(())
    except RecursionError:
        raise TemplateRefused([(1, "nesting", "the template is nested too deeply")]) from None
    return compiler.finish(body.step, count)


@dataclass(slots=True)
class Stretch:
    """What stands between two tags: a step, whether it writes nothing but space, and the tag that ends it."""

    parts: list[tuple[int, str | Step]] = field(default_factory=list)
    step: Step = lambda run: None
    blank: bool = True
    ended_by: Markup | None = None

    def add(self, line: int, part: str | Step, *, blank: bool) -> None:
        """One more part; ``blank``: it writes nothing but space."""
        self.parts.append((line, part))
        self.blank = self.blank and blank


class LiquidCompiler(LiquidExpressions):
    """Compiles tags on top of expressions."""

    def __init__(self, pieces: Sequence[Markup], *, secrets: frozenset[str], runtime: frozenset[str]) -> None:
        super().__init__(secrets=secrets, runtime=runtime)
        self.pieces = pieces
        self.position = 0
        self.nesting = 0
        for piece in pieces:
            # What a loop assigns is read in its next round, so all names are known before any is read.
            if piece.name in ("assign", "capture") and piece.words:
                self.assign(piece.words[0].text, piece.line, self.scopes[0])

    def stretch(self, ends: tuple[str, ...], opened_by: Markup | None = None) -> Stretch:
        """Everything up to one of the tags in ``ends``; what it costs each time is counted here, once."""
        outside, self.cost = self.cost, 0
        self.nesting += 1
        if opened_by and self.nesting > MAX_NESTING + 1:
            refuse(opened_by.line, "nesting", f"blocks are nested deeper than {MAX_NESTING}")
        found = Stretch()
        while found.ended_by is None and self.position < len(self.pieces):
            piece = self.pieces[self.position]
            self.position += 1
            if piece.kind == "tag" and piece.name in ends:
                found.ended_by = piece
            else:
                self.piece(piece, found)
        if opened_by and found.ended_by is None:
            refuse(opened_by.line, "syntax", f"`{opened_by.name}` is not closed by `{ends[-1]}`")
        if opened_by and found.blank:
            # Liquid writes nothing for a block that has nothing but spaces, assignments and the like in it.
            found.parts = [(line, part) for line, part in found.parts if not isinstance(part, str)]
        found.step = self.block(found.parts, self.cost)
        self.nesting -= 1
        self.cost = outside
        return found

    def piece(self, piece: Markup, found: Stretch) -> None:
        """One text, output or tag."""
        if piece.kind == "text":
            found.add(piece.line, piece.text, blank=piece.text.isspace() or not piece.text)
        elif piece.kind == "runtime":
            self.runtime_text(piece.name, piece.line)
            found.add(piece.line, piece.text, blank=False)
        elif piece.kind == "output":
            self.output(piece, found)
        elif piece.name in self.TAGS:
            self.TAGS[piece.name](self, piece, found)
        elif not (piece.name.startswith("end") and self.problems):
            self.refuse(piece.line, "guard", f"`{piece.name}` is not available in prompts, or not here")

    def understood(self, piece: Markup, rule: Callable[[Words], Any], otherwise: Any) -> Any:
        """What a rule makes of all the words of a tag; a problem is noted when it cannot read them."""
        words = Words(piece.words, piece.line)
        try:
            found = rule(words)
            words.end()
        except Misread as misread:
            self.refuse(piece.line, "syntax", str(misread))
            return otherwise
        return found

    def output(self, piece: Markup, found: Stretch) -> None:
        """``{{ … }}`` and ``echo``."""
        alone = piece.words[0].text if len(piece.words) == 1 and piece.words[0].kind == "name" else ""
        step = self.secret(alone, piece.line)
        if step is None:
            step = write(self.understood(piece, self.filtered, constant(MISSING)), self.to_text)
        found.add(piece.line, step, blank=False)

    def comment(self, piece: Markup, found: Stretch) -> None:
        """Nothing."""

    def assignment(self, piece: Markup, found: Stretch) -> None:
        """``assign a = b | filter``."""

        def rule(words: Words) -> tuple[str, Expression]:
            name = words.take("name").text
            words.take(text="=")
            return name, self.filtered(words)

        name, value = self.understood(piece, rule, ("", constant(MISSING)))
        found.add(piece.line, store(self.scopes[0].get(name, 0), value), blank=True)

    def kept_block(self, piece: Markup, found: Stretch) -> None:
        """``capture a`` … ``endcapture``."""
        name = self.understood(piece, lambda words: words.take("name").text, "")
        with self.capturing():
            body = self.stretch(("endcapture",), piece)
        found.add(piece.line, store(self.scopes[0].get(name, 0), captured(body.step)), blank=True)

    def choice(self, piece: Markup, found: Stretch) -> None:
        """``if`` and ``unless`` with ``elsif`` and ``else``."""
        closing = f"end{piece.name}"
        condition = self.understood(piece, self.condition, constant(MISSING))
        if piece.name == "unless":
            holds = condition
            condition = lambda run: not holds(run)  # noqa: E731
        branches: list[tuple[Expression, Step]] = []
        otherwise: Step | None = None
        blank = True
        opening: Markup = piece
        while True:
            body = self.stretch(("elsif", "else", closing) if otherwise is None else (closing,), piece)
            blank = blank and body.blank
            if opening.name == "else":
                otherwise = body.step
            else:
                branches.append((condition, body.step))
            if body.ended_by is None or body.ended_by.name == closing:
                break
            opening = body.ended_by
            if opening.name == "elsif":
                condition = self.understood(opening, self.condition, constant(MISSING))
            elif otherwise is None:
                otherwise = _nothing
        found.add(piece.line, choose(branches, otherwise), blank=blank)

    def case(self, piece: Markup, found: Stretch) -> None:
        """``case a`` with every ``when`` that fits, or ``else`` when none did."""
        subject = self.understood(piece, self.primitive, constant(MISSING))
        body = self.stretch(("when", "else", "endcase"), piece)
        whens: list[tuple[list[Expression], Step]] = []
        otherwise: Step = _nothing
        blank = True
        while body.ended_by is not None and body.ended_by.name != "endcase":
            opening = body.ended_by
            values = self.understood(opening, self.alternatives, []) if opening.name == "when" else []
            body = self.stretch(("when", "else", "endcase"), piece)
            blank = blank and body.blank
            if opening.name == "when":
                whens.append((values, body.step))
            else:
                otherwise = body.step

        def run_case(run: Rendering) -> None:
            value = subject(run)
            fitted = False
            for alternatives, step in whens:
                if any(equal(value, alternative(run), run.budget) for alternative in alternatives):
                    fitted = True
                    step(run)
            if not fitted:
                otherwise(run)

        found.add(piece.line, run_case, blank=blank)

    def alternatives(self, words: Words) -> list[Expression]:
        """``a, b or c`` behind ``when``."""
        values = [self.primitive(words)]
        while words.at(",", "or"):
            words.take()
            values.append(self.primitive(words))
        return values

    def loop(self, piece: Markup, found: Stretch) -> None:
        """``for a in b limit: c offset: d reversed`` with ``else``."""
        name, source = self.understood(piece, self.loop_header, ("", lambda run: ()))
        with self.scope():
            target = self.assign(name, piece.line)
            self.certain.add(target)
            self.loops.append(self.slot())
            body = self.stretch(("else", "endfor"), piece)
            slot = self.loops.pop()
        otherwise: Stretch | None = None
        if body.ended_by is not None and body.ended_by.name == "else":
            otherwise = self.stretch(("endfor",), piece)

        def run_loop(run: Rendering) -> None:
            elements = source(run)
            if not elements and otherwise is not None:
                otherwise.step(run)
            state = run.slots[slot] = Loop(len(elements))
            for state.index0, run.slots[target] in enumerate(elements):
                try:
                    body.step(run)
                except ContinueLoop:
                    continue
                except BreakLoop:
                    break

        found.add(piece.line, run_loop, blank=body.blank and (otherwise is None or otherwise.blank))

    def loop_header(self, words: Words) -> tuple[str, Expression]:
        """The name that is assigned and the elements it is assigned to."""
        name = words.take("name").text
        words.take(text="in")
        source = self.primitive(words)
        bounds: dict[str, Expression] = {}
        reverse = False
        while words.next.kind == "name" or words.at(","):
            word = words.take().text
            if word == "reversed":
                reverse = True
            elif word in ("limit", "offset"):
                words.take(text=":")
                bounds[word] = self.primitive(words)
            elif word != ",":
                raise Misread(f"expected limit, offset or reversed, found {word}")
        limit, offset = bounds.get("limit"), bounds.get("offset")

        def elements(run: Rendering) -> Sequence[Any]:
            found = _elements(source(run), run.budget)
            start = max(0, operations.index(offset(run))) if offset else 0
            stop = start + max(0, operations.index(limit(run))) if limit else len(found)
            run.budget.tick(1 + (len(found) >> 2))
            chosen = found[start:stop]
            return chosen[::-1] if reverse else chosen

        return name, elements

    def leave(self, piece: Markup, found: Stretch) -> None:
        """``break`` and ``continue``; outside a loop they end the text, which nobody means."""
        if not self.loops:
            self.refuse(piece.line, "guard", f"`{piece.name}` stands outside a loop")
        found.add(piece.line, _break if piece.name == "break" else _continue, blank=True)

    TAGS: ClassVar[Mapping[str, Callable[[Any, Markup, Stretch], None]]] = {
        "assign": assignment,
        "break": leave,
        "capture": kept_block,
        "case": case,
        "comment": comment,
        "continue": leave,
        "echo": output,
        "for": loop,
        "if": choice,
        "unless": choice,
    }
    """The allow-list: include, render, tablerow, cycle, increment, ranges and the rest are refused."""


def _nothing(run: Rendering) -> None:
    """An ``else`` that is not there."""


def _break(run: Rendering) -> None:
    raise BreakLoop


def _continue(run: Rendering) -> None:
    raise ContinueLoop


def _elements(value: Any, budget: Budget) -> Sequence[Any]:
    """What a loop goes through: a list, the pairs of a mapping, a text as one element; nothing else has elements."""
    if isinstance(value, dict):
        budget.tick(1 + len(value))
        return list(value.items())
    if isinstance(value, str):
        return (value,) if value else ()
    return value if isinstance(value, list | tuple) else ()
