"""The way in for Liquid source: one pass that finds the tags and their words, under caps.

Not python-liquid's lexer: its regular expressions are quadratic in runs of spaces, in unclosed ``{% raw %}`` and in
brackets (200 kB of spaces after ``{{`` take hours). Every pattern here reads each character a fixed number of
times; that both readers agree is shown by tests that compare whole renderings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from prompthub_kernel.budget import MAX_BRACKETS, MAX_SOURCE_BYTES, MAX_TAGS, MAX_TOKENS
from prompthub_kernel.program import SourceCount, TemplateRefused

_OPENING = re.compile(r"\{[{%]-?")
_TAG_OPENING = re.compile(r"\{%-?")
_TAG_NAME = re.compile(r"\s*(#|\w+)")
_END_RAW = re.compile(r"\{%(-?)\s*endraw\s*(-?)%\}")
_WORD = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>"[^"]*"|'[^']*')
    |(?P<float>-?\d+\.\d+(?!\w))
    |(?P<integer>-?\d+(?!\w))
    |(?P<name>[^\W\d][\w-]*\??)
    |(?P<sign>\.\.|==|!=|<>|<=|>=|[<>=.,:|()\[\]])""",
    re.VERBOSE,
)
_MAX_NUMBER_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a tag: its kind (``string float integer name sign``) and its text, a string's without quotes."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Markup:
    """One piece of a source. ``kind`` is ``text`` or ``runtime`` (both with ``text``), ``output`` or ``tag``
    (with ``words``); ``name`` is the tag's.
    """

    kind: str
    line: int
    text: str = ""
    name: str = ""
    words: tuple[Word, ...] = ()


def refuse(line: int, code: str, reason: str) -> NoReturn:
    """Refuse a source for one reason."""
    raise TemplateRefused([(line, code, reason)]) from None


def read(source: str, runtime: frozenset[str]) -> tuple[list[Markup], SourceCount]:
    """The pieces of a source within the caps, and what it weighs.

    ``{{ name }}`` of a runtime variable is text, exactly as it was written. Raises :class:`TemplateRefused`.
    """
    size = len(source.encode())
    if size > MAX_SOURCE_BYTES:
        refuse(1, "size", f"the source is larger than {MAX_SOURCE_BYTES} bytes")
    pieces: list[Markup] = []
    reader = _Reader(source, runtime)
    for piece in reader.pieces():
        reader.count()
        pieces.append(piece)
    return pieces, SourceCount(size, reader.tags, reader.counted)


class _Reader:
    """Where reading has come to: position, line, and whether the last tag asked for space to be stripped."""

    def __init__(self, source: str, runtime: frozenset[str]) -> None:
        self.source = source
        self.runtime = runtime
        self.position = 0
        self.line = 1
        self.tags = 0
        self.counted = 0
        self.strip = False

    def count(self) -> None:
        """One more text, tag or word."""
        self.counted += 1
        if self.counted > MAX_TOKENS:
            refuse(self.line, "tokens", f"there are more than {MAX_TOKENS} words and signs")

    def advance(self, position: int) -> str:
        """The source up to a position, counting its lines."""
        passed = self.source[self.position : position]
        self.line += passed.count("\n")
        self.position = position
        return passed

    def pieces(self) -> Iterator[Markup]:
        """Text and tags in turn."""
        while self.position < len(self.source):
            opening = _OPENING.search(self.source, self.position)
            line = self.line
            text = self.advance(opening.start() if opening else len(self.source))
            text = text.lstrip() if self.strip else text
            text = text.rstrip() if opening and opening[0].endswith("-") else text
            self.strip = False
            if text:
                yield Markup("text", line, text)
            if opening:
                yield from self.tag(opening)

    def inside(self, opening: re.Match[str], closing: str) -> str:
        """What stands between an opening and its closing sign, which is passed."""
        self.tags += 1
        if self.tags > MAX_TAGS:
            refuse(self.line, "tags", f"there are more than {MAX_TAGS} tags")
        end = self.source.find(closing, opening.end())
        if end < 0:
            refuse(self.line, "syntax", f"`{opening[0]}` is not closed by `{closing}`")
        inner = self.source[opening.end() : end]
        self.advance(end + 2)
        self.strip = inner.endswith("-")
        return inner[:-1] if self.strip else inner

    def tag(self, opening: re.Match[str]) -> Iterator[Markup]:
        """The tag that begins here; ``raw`` and ``comment`` with all that is in them."""
        line = self.line
        if opening[0].startswith("{{"):
            inner = self.inside(opening, "}}")
            if inner.strip() in self.runtime and not self.strip and opening[0] == "{{":
                yield Markup("runtime", line, self.source[opening.start() : self.position], inner.strip())
            else:
                yield Markup("output", line, words=tuple(self.words(inner, line)))
            return
        inner = self.inside(opening, "%}")
        match = _TAG_NAME.match(inner)
        if match is None:
            refuse(line, "syntax", "a tag has no name")
        name = match[1]
        if name == "raw":
            yield from self.raw(line)
        elif name == "comment":
            self.comment(line)
            yield Markup("tag", line, name="comment")
        elif name == "#":
            yield Markup("tag", line, name="comment")
        else:
            yield Markup("tag", line, name=name, words=tuple(self.words(inner[match.end() :], line)))

    def raw(self, line: int) -> Iterator[Markup]:
        """Text that is not looked into."""
        end = _END_RAW.search(self.source, self.position)
        if end is None:
            refuse(line, "syntax", "`raw` is not closed by `endraw`")
        text = self.source[self.position : end.start()]
        text = text.lstrip() if self.strip else text
        self.advance(end.end())
        self.strip = bool(end[2])
        yield Markup("text", line, text.rstrip() if end[1] else text)

    def comment(self, line: int) -> None:
        """Pass everything up to the closing ``endcomment``; comments may hold comments."""
        depth = 1
        while depth:
            opening = _TAG_OPENING.search(self.source, self.position)
            if opening is None:
                refuse(line, "syntax", "`comment` is not closed by `endcomment`")
            name = _TAG_NAME.match(self.inside(opening, "%}"))
            depth += (name is not None) and (name[1] == "comment") - (name[1] == "endcomment")

    def words(self, inner: str, line: int) -> Iterator[Word]:
        """The words of a tag."""
        position = brackets = 0
        while position < len(inner):
            match = _WORD.match(inner, position)
            if match is None:
                refuse(line, "syntax", f"unexpected {inner[position]!r}")
            position = match.end()
            kind, text = str(match.lastgroup), match[0]
            if kind == "space":
                continue
            if kind in ("integer", "float") and len(text) > _MAX_NUMBER_LENGTH:
                refuse(line, "number", "a number has too many digits")
            self.count()
            brackets += (text == "[") - (text == "]")
            if brackets > MAX_BRACKETS:
                refuse(line, "nesting", f"brackets are nested deeper than {MAX_BRACKETS}")
            yield Word(kind, text[1:-1] if kind == "string" else text)
