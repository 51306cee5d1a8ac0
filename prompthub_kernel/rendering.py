"""Put variables into a prompt: check a template when it is saved, render it when it is sealed.

Both template languages become programs of plain closures (:mod:`prompthub_kernel.program`) under one budget
(:mod:`prompthub_kernel.budget`). A secret is never among the values a program sees: the program writes its place.
A rendered text is never rendered again.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, NoReturn, Self

from prompthub_kernel.body import Engine, PromptBody
from prompthub_kernel.budget import MAX_SOURCE_BYTES, MAX_TAGS, MAX_TOKENS, Budget, BudgetSpent
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.jinja_guard import structure
from prompthub_kernel.jinja_program import compile_jinja
from prompthub_kernel.liquid_program import compile_liquid
from prompthub_kernel.operations import Unrenderable, copied
from prompthub_kernel.pointer import pointer
from prompthub_kernel.program import MAX_PROBLEMS, Program, Rendering, Secret, Segment, TemplateRefused
from prompthub_kernel.variables import VariablesSchema

__all__ = ["Rendered", "Secret", "Segment", "check", "names_used", "render"]

MASK = "••••••"
_CACHED_BYTES = 32 * 1024 * 1024
_KEPT_DIGESTS = 8192
_COMPILERS: Mapping[Engine, Callable[..., Program]] = {Engine.JINJA2: compile_jinja, Engine.LIQUID: compile_liquid}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered text: segments in order, never two texts in a row, and which declared names the templates mention."""

    segments: tuple[Segment, ...]
    used: frozenset[str]
    unused: frozenset[str]

    def text(self, mask: str = MASK) -> str:
        """What people and logs may see: every secret is shown as ``mask``."""
        return "".join(segment if isinstance(segment, str) else mask for segment in self.segments)

    def join(self, secrets: Mapping[str, str]) -> str:
        """The text with the secrets in it. Raises ``KeyError`` for a secret that is not given."""
        return "".join(
            segment if isinstance(segment, str) else segment.filled(secrets[segment.name]) for segment in self.segments
        )

    @property
    def secret_names(self) -> frozenset[str]:
        """The secrets whose places are in the text."""
        return frozenset(segment.name for segment in self.segments if isinstance(segment, Secret))

    def to_json(self) -> list[Any]:
        """``["text", {"secret": "name"[, "quoted": true]}, …]``: how sealed text is kept."""
        return [segment if isinstance(segment, str) else segment.to_json() for segment in self.segments]

    @classmethod
    def from_json(cls, segments: Sequence[Any]) -> Self:
        """The text that :meth:`to_json` gave; which names were used is not kept."""
        return cls(
            tuple(
                segment if isinstance(segment, str) else Secret(segment["secret"], segment.get("quoted", False))
                for segment in segments
            ),
            frozenset(),
            frozenset(),
        )


def check(*, body: PromptBody, variables: VariablesSchema) -> None:
    """Refuse a body whose templates cannot be used with these variables.

    Raises :class:`Invalid` ``400.template_schema_invalid``; every problem has the pointer of its template and
    ``line N: reason`` and one of the codes ``syntax``, ``undeclared``, ``guard``, ``secret``, ``runtime``,
    ``reserved``, ``number`` or a cap (``size``, ``tags``, ``tokens``, ``nesting``). A document's keys are not rendered,
    so one with ``{{`` or ``{%`` in it is refused, with its own pointer and the code ``key``.

    Versions of a prompt mostly differ in their prose: a body with the tags of one that was accepted is not read again.
    """
    if found := list(_keys_with_marks(body)):
        _refuse(found)
    seen = _digest_of_tags(body, variables)
    if seen is None or seen not in _ACCEPTED:
        _programs(body, variables)
        if seen is not None:
            _ACCEPTED.add(seen)


def render(
    *,
    body: PromptBody,
    variables: VariablesSchema,
    values: Mapping[str, Any],
    absent: frozenset[str] = frozenset(),
) -> Rendered:
    """The text of a body with values in it; ``values`` are complete and fit the schema (``variables.require``).

    Every secret is a place in the text, whether ``values`` has it or not: who reads the text may have it. Those in
    ``absent`` have no value for anybody, so nothing is written for them.
    JSON and chat documents become one line of JSON whose string values are rendered, keys in the order given.
    Raises what :func:`check` raises; ``400.template_schema_invalid`` with code ``budget`` when a rendering takes
    more steps or text than a prompt can need; ``422.variables_invalid`` with code ``evaluation`` when a template
    asks for something that makes no sense with these values, or writes what no database stores.
    """
    programs = _programs(body, variables)
    used = _mentioned(programs) & variables.names
    budget = Budget()
    given = _given(values, used - variables.secret_names, budget)
    texts = {at: _run(program, given, budget, absent, _place(body, at)) for at, program in programs.items()}
    out = texts[""] if body.text is not None else list(_spliced(body.document, (), texts))
    return Rendered(_merged(out), used, variables.names - used)


def _digest_of_tags(body: PromptBody, variables: VariablesSchema) -> bytes | None:
    """The same for bodies that are accepted or refused alike with these variables; None where that cannot be told."""
    if body.engine is not Engine.JINJA2:
        return None
    size = 0
    digest = hashlib.sha256()
    for _, source in body.leaves():
        tags = structure(source)
        if tags is None:
            return None
        size += len(source.encode())
        digest.update(f"{tags}\0".encode())
    if size > MAX_SOURCE_BYTES:
        return None
    for names in (variables.names, variables.secret_names, variables.runtime_names):
        digest.update("\n".join(("", *sorted(names), "\0")).encode())
    return digest.digest()


def names_used(*, body: PromptBody) -> frozenset[str]:
    """The variables a body's templates mention. Raises what :func:`check` raises for templates that cannot be read."""
    return _mentioned(_compiled(body, frozenset(), frozenset()))


def _mentioned(programs: Mapping[str, Program]) -> frozenset[str]:
    return frozenset().union(*(program.names.keys() | program.perhaps for program in programs.values()))


def _keys_with_marks(body: PromptBody) -> Iterator[Problem]:
    found = islice((at for at, key in body.document_keys() if "{{" in key or "{%" in key), MAX_PROBLEMS)
    return (Problem(_place(body, at), "key", "keys are not templates: nothing is filled in here") for at in found)


def _place(body: PromptBody, at: str) -> str:
    return "/content_md" if body.text is not None else "/content_json" + at


def _programs(body: PromptBody, variables: VariablesSchema) -> dict[str, Program]:
    """The programs of a body by the pointer of their template, all of whose names are declared."""
    programs = _compiled(body, variables.secret_names, variables.runtime_names)
    if any(not variables.names.issuperset(program.names) for program in programs.values()):
        _refuse(
            Problem(_place(body, at), "undeclared", f"line {line}: `{name}` is not declared in the variables schema")
            for at, program in programs.items()
            for name, line in program.names.items()
            if name not in variables.names
        )
    return programs


def _compiled(body: PromptBody, secrets: frozenset[str], runtime: frozenset[str]) -> dict[str, Program]:
    """The programs of a body; the caps hold for all its templates together."""
    programs: dict[str, Program] = {}
    problems: list[Problem] = []
    size = tags = tokens = 0
    for at, source in body.leaves():
        try:
            program = programs[at] = _CACHE.program(body.engine, source, secrets, runtime)
        except TemplateRefused as refused:
            problems += [Problem(_place(body, at), code, f"line {line}: {why}") for line, code, why in refused.problems]
            size += len(source)
        else:
            size, tags, tokens = size + program.count.size, tags + program.count.tags, tokens + program.count.tokens
        if size > MAX_SOURCE_BYTES or tags > MAX_TAGS or tokens > MAX_TOKENS or len(problems) > MAX_PROBLEMS:
            problems = problems or [
                Problem(
                    _place(body, at),
                    "size",
                    f"the templates of one prompt have together at most {MAX_SOURCE_BYTES} bytes, {MAX_TAGS} tags and "
                    f"{MAX_TOKENS} words and signs",
                )
            ]
            break
    if problems:
        _refuse(problems)
    return programs


def _refuse(problems: Iterable[Problem]) -> NoReturn:
    listed = list(problems)
    raise Invalid("400.template_schema_invalid", listed[0].detail, problems=listed)


def _given(values: Mapping[str, Any], names: frozenset[str], budget: Budget) -> dict[str, Any]:
    """Copies of the values the templates mention, never of a secret."""
    given = {}
    for name in names:
        if name in values:
            try:
                given[name] = copied(values[name], budget)
            except Unrenderable as error:
                raise _senseless("/variables" + pointer([name]), str(error)) from None
            except BudgetSpent as error:
                raise _stopped("/variables" + pointer([name]), str(error)) from None
    return given


def _run(
    program: Program, given: Mapping[str, Any], budget: Budget, absent: frozenset[str], place: str
) -> list[Segment]:
    run = Rendering(given, program.slots, budget, absent)
    try:
        program.body(run)
    except BudgetSpent as error:
        raise _stopped(place, f"line {run.line}: {error}") from None
    except RecursionError:
        raise _stopped(place, f"line {run.line}: the template is nested too deeply") from None
    except Unrenderable as error:
        raise _senseless("/variables", f"line {run.line}: {error}") from None
    return run.out


def _stopped(place: str, why: str) -> Invalid:
    return Invalid("400.template_schema_invalid", why, problems=[Problem(place, "budget", why)])


def _senseless(place: str, why: str) -> Invalid:
    return Invalid("422.variables_invalid", why, problems=[Problem(place, "evaluation", why)])


def _spliced(value: Any, path: tuple[str | int, ...], texts: Mapping[str, list[Segment]]) -> Iterator[Segment]:
    """A document as compact JSON, its renderable strings in place of their templates."""
    if isinstance(value, str):
        written = texts.get(pointer(path))
        if written is None:
            yield _json(value)
            return
        yield '"'
        for segment in _merged(written):
            yield _json(segment)[1:-1] if isinstance(segment, str) else Secret(segment.name, quoted=True)
        yield '"'
    elif isinstance(value, dict):
        for position, (key, element) in enumerate(value.items()):
            yield ("," if position else "{") + _json(key) + ":"
            yield from _spliced(element, (*path, key), texts)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for position, element in enumerate(value):
            yield "," if position else "["
            yield from _spliced(element, (*path, position), texts)
        yield "]" if value else "[]"
    else:
        yield _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _merged(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """The segments with neighbouring texts made one, and no empty ones."""
    segments = list(segments)
    try:
        whole = "".join(segments)  # type: ignore[arg-type]  # no secret among them: the common case, and the fast one
    except TypeError:
        pass
    else:
        return (whole,) if whole else ()
    merged: list[Segment] = []
    for is_text, group in groupby(segments, key=lambda segment: isinstance(segment, str)):
        if not is_text:
            merged += group
        elif text := "".join(segment for segment in group if isinstance(segment, str)):
            merged.append(text)
    return tuple(merged)


class ProgramCache:
    """The most recently used programs, as many as fit into about so many bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._programs: OrderedDict[tuple[Engine, str, frozenset[str], frozenset[str]], Program] = OrderedDict()
        self._lock = threading.Lock()

    def program(self, engine: Engine, source: str, secrets: frozenset[str], runtime: frozenset[str]) -> Program:
        """The program of a source, compiled once. Raises :class:`TemplateRefused`, which is not remembered."""
        key = (engine, source, secrets, runtime)
        with self._lock:
            program = self._programs.get(key)
            if program is not None:
                self._programs.move_to_end(key)
                return program
        program = _COMPILERS[engine](source, secrets=secrets, runtime=runtime)
        with self._lock:
            if key not in self._programs:
                self._programs[key] = program
                self._room -= _weight(source, program)
            while self._room < 0:
                (_, source, _, _), dropped = self._programs.popitem(last=False)
                self._room += _weight(source, dropped)
        return program


class Recent:
    """The digests added last, as many as are kept."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._digests

    def add(self, digest: bytes) -> None:
        """Keep this one, and forget the oldest if there are too many."""
        with self._lock:
            self._digests[digest] = None
            if len(self._digests) > self._kept:
                self._digests.popitem(last=False)


def _weight(source: str, program: Program) -> int:
    """What a cached program takes, in bytes: mostly closures, about one for each word."""
    return 1_000 + len(source) + 400 * program.count.tokens


_CACHE = ProgramCache(_CACHED_BYTES)
_ACCEPTED = Recent(_KEPT_DIGESTS)
