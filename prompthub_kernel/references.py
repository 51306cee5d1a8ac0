"""Prompts made of prompts: ``{% include "@acme/base@^1.2/greeting" %}`` in a text, in both template languages.

A reference names a prompt by its address. It is resolved when the text is sealed and never when it is read: the
sealed text is whole. What is put in is the template of the other prompt, as it was sealed, so its variables are those
of the text it stands in, which declares them. ``{%-`` and ``-%}`` take away the space around, as they do everywhere.

Inside ``raw`` and comments nothing is a reference. A reader that is mistaken about where those begin can do no harm:
what comes out is checked like any other text, and a reference that was not found is a tag that no language knows here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prompthub_kernel.address import Address
from prompthub_kernel.body import BodyFormat, Engine, PromptBody
from prompthub_kernel.budget import MAX_SOURCE_BYTES
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.place import Place

MAX_REFERENCES = 100
"""In one prompt."""
MAX_DEPTH = 16
"""Of prompts of one bundle that are made of each other."""

_OPENING = re.compile(r"\{[{%#]")
_INCLUDE = re.compile(r"""\{%(?P<before>-?)\s*include\s+(?P<quoted>"[^"]*"|'[^']*')\s*(?P<after>-?)%\}""")
_BEGINS_INCLUDE = re.compile(r"\{%-?\s*include\b")
_BLOCK = re.compile(r"\{%-?\s*(raw|comment)\s*-?%\}")
_BLOCK_ENDS = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "comment")}
_STRING = r"""'[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+\""""
_JINJA_TAG = {
    "{{": re.compile(rf"\{{\{{(?:[^}}'\"]|\}}(?!\}})|{_STRING})*+\}}\}}", re.DOTALL),
    "{%": re.compile(rf"\{{%(?:[^%'\"]|%(?!\}})|{_STRING})*+%\}}", re.DOTALL),
    "{#": re.compile(r"\{#.*?#\}", re.DOTALL),
}
_LIQUID_TAG = {
    "{{": re.compile(r"\{\{.*?\}\}", re.DOTALL),
    "{%": re.compile(r"\{%.*?%\}", re.DOTALL),
    "{#": re.compile(r"\{"),
}
_TEXTS = frozenset({BodyFormat.TEXT, BodyFormat.MARKDOWN})


@dataclass(frozen=True, slots=True)
class Reference:
    """One tag: in which template it stands (a JSON Pointer into the document, ``""`` for text), from where to where.

    ``before`` and ``after`` say that the space on that side is taken away.
    """

    at: str
    start: int
    end: int
    line: int
    address: Address
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A sealed text that is put in for a reference: the address it was found under, with the exact version."""

    address: str
    digest: str
    body: PromptBody


def find(body: PromptBody) -> list[Reference]:
    """The references of a body in order.

    Raises ``400.template_schema_invalid`` with the code ``reference`` and the place of those that cannot be read, and
    for more than :data:`MAX_REFERENCES`.
    """
    found: list[Reference] = []
    problems: list[Problem] = []
    for at, source in body.leaves():
        for tag in _includes(source, body.engine) if "include" in source else ():
            line = source.count("\n", 0, tag.start()) + 1
            try:
                found.append(_read(tag, source, at, line))
            except Invalid as refused:
                problems.append(_problem(body, at, "reference", line, refused.detail))
            if len(found) + len(problems) > MAX_REFERENCES:
                problems = [_problem(body, at, "reference", line, f"more than {MAX_REFERENCES} references")]
                raise _invalid(problems)
    if problems:
        raise _invalid(problems)
    return found


def without(body: PromptBody) -> PromptBody:
    """The body with a letter in place of each reference: what can be checked of a draft before it is resolved."""
    found = find(body)
    return _replaced(body, [(reference, "x") for reference in found]) if found else body


def refuse(body: PromptBody) -> None:
    """Raises ``400.template_schema_invalid`` with the code ``reference`` for a body that has references."""
    if found := find(body):
        detail = (
            "this refers to another prompt. Only templates of a bundle do, which are sealed when it is released; "
            "a text that is sealed by itself has to be whole"
        )
        raise _invalid([_problem(body, one.at, "reference", one.line, detail) for one in found])


def put_in(body: PromptBody, texts: Mapping[str, Text]) -> PromptBody:
    """The whole body: each reference replaced by the text that ``texts`` holds under its address as it is written.

    Raises ``400.template_schema_invalid`` with one of the codes ``reference`` (there is no such text), ``format``
    (chat and JSON cannot be put into a text), ``engine`` (it is written in the other language), ``seam`` (together the
    texts would read as a tag that neither of them has) and ``size``.
    """
    found = find(body)
    if not found:
        return body
    problems = [problem for one in found for problem in _unfit(body, one, texts.get(str(one.address)))]
    if problems:
        raise _invalid(problems)
    pieces = [(one, texts[str(one.address)].body.text or "") for one in found]
    size = sum(len(source.encode()) for _, source in body.leaves()) + sum(len(text.encode()) for _, text in pieces)
    if size > MAX_SOURCE_BYTES:
        at, line = found[-1].at, found[-1].line
        detail = f"with what is put in, the text is larger than {MAX_SOURCE_BYTES} bytes"
        raise _invalid([_problem(body, at, "size", line, detail)])
    return _replaced(body, pieces)


def _includes(source: str, engine: Engine) -> Iterator[re.Match[str]]:
    """The tags that begin as references do, readable or not.

    Ends with the first tag that is not closed: no language reads on from there, and looking for the end of each of
    many would take for ever.
    """
    tags = _JINJA_TAG if engine is Engine.JINJA2 else _LIQUID_TAG
    place = 0
    while opening := _OPENING.search(source, place):
        begin = opening.start()
        found: re.Match[str] | None
        if begins := _BEGINS_INCLUDE.match(source, begin):
            found = _INCLUDE.match(source, begin) or begins
            yield found
        elif (block := _BLOCK.match(source, begin)) and not (engine is Engine.JINJA2 and block[1] == "comment"):
            found = _BLOCK_ENDS[block[1]].search(source, block.end())
        else:
            found = tags[opening[0]].match(source, begin)
        if found is None:
            return
        place = found.end()


def _read(tag: re.Match[str], source: str, at: str, line: int) -> Reference:
    if tag.re is not _INCLUDE:
        detail = 'a reference is written {% include "@repository/bundle@selector/prompt" %}'
        raise Invalid("400.template_schema_invalid", detail)
    address = Address.parse(
        tag["quoted"][1:-1], where=Place("", tag.start("quoted") - source.rfind("\n", 0, tag.start()))
    )
    return Reference(at, tag.start(), tag.end(), line, address, bool(tag["before"]), bool(tag["after"]))


def _unfit(body: PromptBody, reference: Reference, text: Text | None) -> Iterator[Problem]:
    def problem(code: str, detail: str) -> Problem:
        return _problem(body, reference.at, code, reference.line, detail)

    if text is None:
        yield problem("reference", f"there is no prompt {reference.address}")
    elif text.body.format not in _TEXTS:
        yield problem("format", f"{reference.address} is no text, so it cannot stand inside one")
    elif text.body.engine is not body.engine:
        yield problem("engine", f"{reference.address} is written in {text.body.engine.value}")


def _replaced(body: PromptBody, pieces: list[tuple[Reference, str]]) -> PromptBody:
    """The body with texts in place of references."""
    sources: dict[str, str] = dict(body.leaves())
    problems: list[Problem] = []
    for reference, text in reversed(pieces):
        source = sources[reference.at]
        before, after = source[: reference.start], source[reference.end :]
        before = before.rstrip() if reference.before else before
        after = after.lstrip() if reference.after else after
        if _joins(before, text) or _joins(before + text, after):
            detail = "together with what is put in, this would read as a tag"
            problems.append(_problem(body, reference.at, "seam", reference.line, detail))
        sources[reference.at] = before + text + after
    if problems:
        raise _invalid(problems[::-1])
    return body.with_leaves(sources)


def _joins(left: str, right: str) -> bool:
    """Whether a tag would begin where two texts meet."""
    return left.endswith("{") and right[:1] in {"{", "%", "#"}


def _problem(body: PromptBody, at: str, code: str, line: int, detail: str) -> Problem:
    place = "/content_md" if body.text is not None else "/content_json" + at
    return Problem(place, code, f"line {line}: {detail}")


def _invalid(problems: list[Problem]) -> Invalid:
    return Invalid("400.template_schema_invalid", problems[0].detail, problems=problems)
