"""The Jinja2 filters on text that prompts may use, each paid for by what it reads and builds."""
# ruff: noqa: FBT002 - filters take their arguments as Jinja's do

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from prompthub_kernel import operations
from prompthub_kernel.budget import MAX_OUTPUT_BYTES, Budget
from prompthub_kernel.operations import MISSING, Unrenderable, built

_WORD_BEGINNING = re.compile(r"([-\s({\[<]+)")
_SPACES = re.compile(r"(\s+)")
_WORD = re.compile(r"\w+")
_FORMAT = re.compile(r"%(?:[-+ 0#]{0,3}(?P<width>\d{0,3})(?:\.\d{1,2})?(?P<kind>[sdifgex])|%)")
_MAX_INDENT = 16
_TRUNCATE_LEEWAY = 5
_NO_MORE = object()
"""Stands behind the last argument; a name without a value is an argument too."""


def to_text(value: Any, budget: Budget) -> str:
    """A value as Jinja writes it: ``None``, ``True``, ``['a', 1]``, nothing for a name without a value."""
    if isinstance(value, str):
        return value
    if value is MISSING:
        return ""
    if isinstance(value, list | tuple | dict):
        budget.build(operations.weigh(value, budget))
        return built(str(value), budget)
    return str(value)


def read_text(value: Any, budget: Budget) -> str:
    """A value as text, paid for by its length."""
    text = to_text(value, budget)
    budget.scan(len(text))
    return text


def _upper(budget: Budget, value: Any) -> str:
    return built(read_text(value, budget).upper(), budget)


def _lower(budget: Budget, value: Any) -> str:
    return built(read_text(value, budget).lower(), budget)


def _capitalize(budget: Budget, value: Any) -> str:
    return built(read_text(value, budget).capitalize(), budget)


def _title(budget: Budget, value: Any) -> str:
    text = read_text(value, budget)
    budget.tick(len(text) >> 2)
    words = (word[0].upper() + word[1:].lower() for word in _WORD_BEGINNING.split(text) if word)
    return built("".join(words), budget)


def _trim(budget: Budget, value: Any, chars: Any = None) -> str:
    text = read_text(value, budget)
    if chars is not None:
        # Every character stripped is looked for among `chars`.
        budget.tick(len(text) * (1 + len(chars)) >> 10)
    return built(text.strip(chars), budget)


def _replace(budget: Budget, s: Any, old: Any, new: Any, count: Any = None) -> str:
    times = -1 if count is None else operations.index(count)
    return operations.replaced(to_text(s, budget), to_text(old, budget), to_text(new, budget), times, budget)


def _string(budget: Budget, value: Any) -> str:
    return to_text(value, budget)


def _tojson(budget: Budget, value: Any, indent: Any = None) -> str:
    spaces = None if indent is None else operations.index(indent)
    if spaces is not None and not 0 <= spaces <= _MAX_INDENT:
        raise Unrenderable(f"an indent is 0 to {_MAX_INDENT}")
    if value is MISSING:
        raise Unrenderable("a name without a value has no JSON")
    weight = operations.weigh(value, budget)
    if spaces:
        weight += _indentation(value, spaces, 1)
    budget.build(weight)
    return built(json.dumps(value, ensure_ascii=False, indent=spaces, allow_nan=False), budget)


def _indentation(value: Any, spaces: int, depth: int) -> int:
    """How many spaces of indentation JSON needs; the value was weighed, so it is known to be small enough to walk."""
    if not isinstance(value, list | tuple | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return spaces * depth * (1 + len(value)) + sum(_indentation(element, spaces, depth + 1) for element in inner)


def _indent(budget: Budget, s: Any, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    text = read_text(s, budget)
    margin = width if isinstance(width, str) else " " * _width(width, budget)
    lines = (text + "\n").splitlines()
    budget.tick(1 + len(lines))
    budget.build(len(text) + len(margin) * (len(lines) + 1))
    if blank:
        shifted = ("\n" + margin).join(lines)
    else:
        shifted = "\n".join([lines[0], *[margin + line if line else line for line in lines[1:]]])
    return margin + shifted if first else shifted


def _width(value: Any, budget: Budget) -> int:
    """A width: no more than a text may be long, and paid for."""
    width = max(0, operations.index(value))
    budget.build(min(width, MAX_OUTPUT_BYTES + 1))
    return width


def _truncate(
    budget: Budget, s: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = None
) -> str:
    text, limit = read_text(s, budget), operations.index(length)
    ending = to_text(end, budget)
    slack = _TRUNCATE_LEEWAY if leeway is None else operations.index(leeway)
    if limit < len(ending) or slack < 0:
        raise Unrenderable("the length of truncate is less than that of its ending")
    if len(text) <= limit + slack:
        return text
    kept = text[: limit - len(ending)]
    return built((kept if killwords else kept.rsplit(" ", 1)[0]) + ending, budget)


def _wordwrap(budget: Budget, s: Any, width: Any = 79, break_long_words: Any = True, wrapstring: Any = None) -> str:
    text, columns = read_text(s, budget), operations.index(width)
    if columns < 1:
        raise Unrenderable("a width is at least 1")
    budget.tick(len(text) >> 2)
    # A long word, or a long run of spaces, is broken by copying its rest once for every piece.
    budget.tick(sum(len(run) // columns * (1 + (len(run) >> 12)) for run in _SPACES.split(text)))
    wrapper = textwrap.TextWrapper(
        width=columns,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=bool(break_long_words),
        break_on_hyphens=False,
    )
    newline = "\n" if wrapstring is None else to_text(wrapstring, budget)
    paragraphs = [operations.joined(wrapper.wrap(line), newline, budget) for line in text.splitlines()]
    return operations.joined(paragraphs, newline, budget)


def _wordcount(budget: Budget, s: Any) -> int:
    text = read_text(s, budget)
    budget.tick(len(text) >> 3)
    return sum(1 for _ in _WORD.finditer(text))


def _center(budget: Budget, value: Any, width: Any = 80) -> str:
    return read_text(value, budget).center(_width(width, budget))


def _format(budget: Budget, value: Any, *args: Any) -> str:
    """``"%s: %.2f"|format(a, b)``: flags, widths below 1000 and precisions below 100."""
    template = read_text(value, budget)
    budget.tick(template.count("%"))
    given = iter(args)

    def filled(match: re.Match[str]) -> str:
        budget.tick()
        if match["kind"] is None:
            return "%"
        argument = next(given, _NO_MORE)
        if argument is _NO_MORE:
            raise Unrenderable("format has more places than values")
        budget.build(int(match["width"] or 0) + (operations.weigh(argument, budget) if match["kind"] == "s" else 400))
        return match[0] % (to_text(argument, budget) if match["kind"] == "s" else argument)

    if "%" in _FORMAT.sub("", template):
        raise Unrenderable("format knows %s, %d, %i, %f, %g, %e, %x and %%")
    made = built(_FORMAT.sub(filled, template), budget)
    if next(given, _NO_MORE) is not _NO_MORE:
        raise Unrenderable("format has more values than places")
    return made


def _escape(budget: Budget, value: Any) -> str:
    text = read_text(value, budget)
    return built(html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"), budget)


TEXT_FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": _capitalize,
    "center": _center,
    "e": _escape,
    "escape": _escape,
    "format": _format,
    "indent": _indent,
    "lower": _lower,
    "replace": _replace,
    "safe": _string,
    "string": _string,
    "title": _title,
    "tojson": _tojson,
    "trim": _trim,
    "truncate": _truncate,
    "upper": _upper,
    "wordcount": _wordcount,
    "wordwrap": _wordwrap,
}
