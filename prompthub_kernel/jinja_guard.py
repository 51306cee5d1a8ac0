"""The way in for Jinja2 source: caps on words and nesting before and while Jinja's own parser reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Lexer, TokenStream
from jinja2.parser import Parser

from prompthub_kernel.budget import MAX_BRACKETS, MAX_NESTING, MAX_SOURCE_BYTES, MAX_TAGS, MAX_TOKENS
from prompthub_kernel.program import SourceCount, TemplateRefused

_ENVIRONMENT = jinja2.Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - prompts are not HTML
_ONCE_THROUGH = {
    "integer": re.compile(
        r"0b(?:_?[01])++|0o(?:_?[0-7])++|0x(?:_?[\da-f])++|[1-9](?:_?\d)*+|0(?:_?0)*+", re.IGNORECASE
    ),
    "float": re.compile(r"(?<!\.)\d(?:_?\d)*+(?:(?:\.\d(?:_?\d)*+)?e[+\-]?\d(?:_?\d)*+|\.\d(?:_?\d)*+)", re.IGNORECASE),
    "string": re.compile(r"'[^'\\]*+(?:\\.[^'\\]*+)*+'|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"", re.DOTALL),
}
"""Jinja's patterns for literals, possessive: its own keep a place to go back to for every digit, 60 MB in all."""
_TEXT = r"([^{]*+(?:\{(?![{%#])[^{]*+)*+)"
"""What stands before a tag, read in strides; Jinja's own ``(.*?)`` tries every kind of tag at every letter."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?![^\x00-\x7f])")


def _lexer() -> Lexer:
    """Jinja's lexer: the same words, found with fewer looks."""
    lexer = Lexer(_ENVIRONMENT)
    lexer.rules = {state: _quicker(state, rules) for state, rules in lexer.rules.items()}
    return lexer


def _quicker(state: str, rules: list[Any]) -> list[Any]:
    quick = [rule._replace(pattern=_ONCE_THROUGH.get(str(rule.tokens), rule.pattern)) for rule in rules]
    if state == "root":
        jinjas = quick[0].pattern
        quick[0] = quick[0]._replace(pattern=re.compile(jinjas.pattern.replace("(.*?)", _TEXT, 1), jinjas.flags))
    if state in {"variable_begin", "block_begin"}:
        spaces, name = (next(rule for rule in quick if rule.tokens == kind) for kind in ("whitespace", "name"))
        quick[:0] = [spaces, name._replace(pattern=_PLAIN_NAME)]  # most words; nothing else begins like them
    return quick


_LEXER = _lexer()
_DATA = re.compile(_TEXT)
_INSIDE = r"""'[^'{}%\r\n\\]*+'|"[^"{}%\r\n\\]*+\""""
_PLAIN_TAG = re.compile(
    rf"\{{\{{(?:[^{{}}'\"\r\n-]|-(?!\}}\}})|{_INSIDE})*+(?:-\}}\}}\s*+|\}}\}})"
    rf"|\{{%(?!-?\s*raw\b)(?:[^{{}}%'\"\r\n-]|-(?!%\}})|{_INSIDE})*+(?:-%\}}\s*+|%\}})"
)
"""A tag on one line whose end can be seen without reading what is in it."""
_PLAIN_TAGS = re.compile(rf"({_PLAIN_TAG.pattern}|\{{[{{%#])")
"""The tags of a source; the mere beginning of one that is not plain."""
_REMEMBERED_TAGS = 8192
_LONGEST_REMEMBERED = 200
_TAG_BEGINS = frozenset({"variable_begin", "block_begin", "comment_begin", "raw_begin"})
_TAG_ENDS = frozenset({"variable_end", "block_end", "comment_end", "raw_end"})
_NUMBERS = frozenset({"integer", "float"})
_RECURSIVE_WORDS = frozenset({"not", "if"})
_SIGNS = frozenset({"-", "+"})
_AFTER_VALUE = frozenset({"name", "integer", "float", "string", ")", "]", "}"})
_MAX_RECURSIVE_WORDS = 50
_MAX_NUMBER_LENGTH = 400
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_VALUES = frozenset({"name", "string", "integer", "float"})
_VALUE_ENDS = frozenset({"variable_end", "block_end", "comma", "rparen", "rbracket", "rbrace", "colon"})
_ESCAPE = re.compile(r"\\(?:([4-7][0-7]{2})|(.))", re.DOTALL)
_KNOWN_ESCAPES = frozenset("\\'\"abfnrtvxuUN01234567\n")

RawToken = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source within the caps: its syntax tree, what it weighs, the runtime variables in it with their lines."""

    tree: nodes.Template
    count: SourceCount
    runtime: dict[str, int]


def parse(source: str, runtime: frozenset[str]) -> Parsed:
    """Read a source. ``{{ name }}`` of a runtime variable is text from here on, exactly as it was written. Raises
    :class:`TemplateRefused` with the line and the reason.
    """
    size = len(source.encode())
    if size > MAX_SOURCE_BYTES:
        _refuse(1, "size", f"the source is larger than {MAX_SOURCE_BYTES} bytes")
    try:
        tokens, counts = _within_caps(_words(source))
        parser = _Parser(_ENVIRONMENT, "")
        found: dict[str, int] = {}
        words = _LEXER.wrap(_with_runtime_text(tokens, runtime, found) if runtime else tokens)
        parser.stream = TokenStream(words, None, None)
        return Parsed(parser.parse(), SourceCount(size, counts.tags, counts.words), found)
    except TemplateSyntaxError as error:
        _refuse(error.lineno, "syntax", error.message or "the template cannot be read")
    except RecursionError:
        _refuse(1, "nesting", "the template is nested too deeply")


def _words(source: str) -> Iterator[RawToken]:
    """What Jinja's lexer finds. Versions of a prompt share most of their tags, so plain tags are read once.

    From the first tag on that is not plain, Jinja's lexer reads the rest.
    """
    line, place, told = 1, 0, 0
    end = 0 if "\r" in source else len(source)
    while place < end:
        begin = _end_of_text(source, place)
        tag = _PLAIN_TAG.match(source, begin)
        words = _tag(tag[0]) if tag and tag.end() - begin <= _LONGEST_REMEMBERED else ()
        if begin < end and not words:
            break
        text = source[place:begin]
        if shown := text.rstrip() if words and words[0][1][-1] == "-" else text:
            told += 1
            yield line, "data", shown
        line += text.count("\n")
        for kind, word in words:
            yield line, kind, word
        told += len(words)
        if tag:
            line += tag[0].count("\n")
        place = tag.end() if tag else end
    if place < len(source):
        yield from islice(_LEXER.tokeniter(source, None), told, None)


def structure(source: str) -> str | None:
    """All of a source that decides whether it is accepted, its size apart: its tags, and where there is text between
    them. What the text says decides nothing. None for a source with something else than plain tags in it.
    """
    if "\r" in source:
        return None
    *pieces, last = _PLAIN_TAGS.split(source)
    found: list[str] = []
    for text, tag in zip(pieces[::2], pieces[1::2], strict=True):
        words = _tag(tag) if len(tag) <= _LONGEST_REMEMBERED else ()
        if not words:
            return None
        found += "text" if (text.rstrip() if words[0][1][-1] == "-" else text) else "", tag.rstrip()
    return "\n".join((*found, "text" if last else ""))


def _end_of_text(source: str, place: int) -> int:
    """Where the next tag begins, or the source ends."""
    text = _DATA.match(source, place)
    return text.end() if text else place


@lru_cache(maxsize=_REMEMBERED_TAGS)
def _tag(text: str) -> tuple[tuple[str, str], ...]:
    """The words of one tag; none when it cannot be read or something stands behind it."""
    try:
        words = tuple((kind, word) for _, kind, word in _LEXER.tokeniter(text, None))
    except TemplateSyntaxError:
        return ()
    return words if sum(kind in _TAG_BEGINS for kind, _ in words) == 1 and words[-1][0] in _TAG_ENDS else ()


def _refuse(line: int, code: str, reason: str) -> NoReturn:
    raise TemplateRefused([(line, code, reason)]) from None


class _Parser(Parser):
    """Jinja's parser, counting how deep it is inside blocks."""

    depth = 0
    _read: nodes.Expr | None = None

    def parse_condexpr(self) -> nodes.Expr:
        """An expression. Jinja climbs down a dozen rules to each value, one for each kind of operator that may follow;
        here the value is read first, and the climb is left out when none follows.
        """
        if self.stream.current.type not in _VALUES or self.stream.current.value == "not":
            return super().parse_condexpr()
        value = self.parse_unary()
        if self.stream.current.type in _VALUE_ENDS:
            return value
        self._read = value
        return super().parse_condexpr()

    def parse_not(self) -> nodes.Expr:
        return super().parse_not() if self._read is None else self.parse_compare()

    def parse_unary(self, with_filter: bool = True) -> nodes.Expr:  # noqa: FBT001, FBT002 - Jinja's own
        if self._read is None:
            return super().parse_unary(with_filter)
        value, self._read = self._read, None
        return value

    def parse(self) -> nodes.Template:
        """The tree. Jinja also tells every node its environment, for what its own compiler does with them."""
        return nodes.Template(self.subparse(), lineno=1)

    def parse_statement(self) -> nodes.Node | list[nodes.Node]:
        if self.depth >= MAX_NESTING:
            _refuse(self.stream.current.lineno, "nesting", f"blocks are nested deeper than {MAX_NESTING}")
        self.depth += 1
        try:
            return super().parse_statement()
        finally:
            self.depth -= 1


@dataclass(slots=True)
class _Counts:
    """What was read so far. A tag's brackets and recursive words are those since it began."""

    tags: int = 0
    words: int = 0
    brackets: int = 0
    recursive: int = 0
    unclosed: tuple[int, str] | None = None

    def refuse(self, line: int) -> None:
        """Refuse the first word too many, by what there is too much of."""
        if self.tags > MAX_TAGS:
            _refuse(line, "tags", f"there are more than {MAX_TAGS} tags")
        if self.words > MAX_TOKENS:
            _refuse(line, "tokens", f"there are more than {MAX_TOKENS} words and signs")
        if self.brackets > MAX_BRACKETS:
            _refuse(line, "nesting", f"brackets are nested deeper than {MAX_BRACKETS}")
        _refuse(line, "nesting", f"one tag has more than {_MAX_RECURSIVE_WORDS} of not, if and signs")


def _within_caps(stream: Iterable[RawToken]) -> tuple[list[RawToken], _Counts]:
    """All words, and their counts. This loop runs for every word of every template, so it calls little."""
    counts = _Counts()
    tokens: list[RawToken] = []
    before = ""
    for token in stream:
        line, kind, text = token
        if kind == "whitespace":
            tokens.append(token)
            continue
        counts.words += 1
        if kind in _TAG_BEGINS:
            counts.tags += 1
            counts.brackets = counts.recursive = 0
            counts.unclosed = line, kind.removesuffix("_begin")
        elif kind in _TAG_ENDS:
            counts.unclosed = None
        elif kind == "operator":
            counts.brackets += (text in _OPENING) - (text in _CLOSING)
        if text in _RECURSIVE_WORDS or (text in _SIGNS and before not in _AFTER_VALUE):
            counts.recursive += 1
        before = text if kind == "operator" else kind
        if (
            counts.tags > MAX_TAGS
            or counts.words > MAX_TOKENS
            or counts.brackets > MAX_BRACKETS
            or counts.recursive > _MAX_RECURSIVE_WORDS
        ):
            counts.refuse(line)
        if kind in _NUMBERS and len(text) > _MAX_NUMBER_LENGTH:
            _refuse(line, "number", "a number has too many digits")
        if kind == "string" and "\\" in text:
            token = line, kind, _ESCAPE.sub(_kept_escape, text)  # noqa: PLW2901 - the same word, as Jinja reads it
        tokens.append(token)
    if counts.unclosed:
        line, what = counts.unclosed
        _refuse(line, "syntax", f"a {what} is not closed")
    return tokens, counts


def _kept_escape(match: re.Match[str]) -> str:
    """An escape as Jinja reads it; one that Python does not know keeps its backslash, without a warning."""
    known = match[1] is None and match[2] in _KNOWN_ESCAPES
    return match[0] if known else "\\" + match[0]


def _with_runtime_text(tokens: list[RawToken], runtime: frozenset[str], found: dict[str, int]) -> Iterator[RawToken]:
    """The tokens, with every plain ``{{ name }}`` of a runtime variable turned into text and noted in ``found``."""
    position = 0
    while position < len(tokens):
        line, kind, _ = tokens[position]
        length = _runtime_length(tokens, position, runtime) if kind == "variable_begin" and runtime else 0
        if length:
            written = [text for _, _, text in tokens[position : position + length]]
            found.setdefault("".join(written[1:-1]).strip(), line)
            yield line, "data", "".join(written)
        else:
            yield tokens[position]
        position += length or 1


def _runtime_length(tokens: list[RawToken], position: int, runtime: frozenset[str]) -> int:
    """How many tokens from here are one ``{{ name }}`` of a runtime variable; 0 if they are something else.

    Not with ``{{-`` or ``-}}``: what is left for the provider must stand exactly as it was written.
    """
    window = tokens[position : position + 5]
    words = [token for token in window if token[1] != "whitespace"][:3]
    if [kind for _, kind, _ in words] != ["variable_begin", "name", "variable_end"]:
        return 0
    opening, name, closing = (text for _, _, text in words)
    return window.index(words[2]) + 1 if (opening, closing) == ("{{", "}}") and name in runtime else 0
