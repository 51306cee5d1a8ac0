"""A text, or each string of a document, as a template that renders to exactly that text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.program import MAX_PROBLEMS

_MARKS = re.compile(r"\{\{|\{%|\{#|\{\Z")  # a brace at the end would open a tag with the placeholder behind it
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw")
_UNFIT = "This text cannot be taken over word for word."
SHORTEST_SECRET = 4
"""Characters; a shorter value would be found everywhere in ordinary text."""


def as_source(*, body: PromptBody, secrets: Mapping[str, str]) -> PromptBody:
    """The body that renders to what this one says: each of its renderable strings by :func:`as_template`.

    Raises ``400.template_schema_invalid`` with the places of those that hold the end of a ``raw`` block, and for a body
    that has become too large.
    """
    root = "/content_md" if body.text is not None else "/content_json"
    sources: dict[str, str] = {}
    problems: list[Problem] = []
    for at, text in body.leaves():
        try:
            sources[at] = as_template(text=text, secrets=secrets)
        except Invalid as refused:
            problems += [replace(problem, pointer=root + at) for problem in refused.problems]
    if problems:
        raise Invalid("400.template_schema_invalid", _UNFIT, problems=problems[:MAX_PROBLEMS])
    return body.with_leaves(sources)


def as_template(*, text: str, secrets: Mapping[str, str]) -> str:
    """The source of ``text``: template marks are taken literally, known secret values become placeholders again.

    ``secrets`` are values, to the names of their variables; several values may be one variable's. Works for both
    engines, which share the ``raw`` block. Raises ``400.template_schema_invalid`` for a text that holds the end of such
    a block, which no engine can write literally.
    """
    if _ENDRAW.search(text):
        raise Invalid(
            "400.template_schema_invalid",
            _UNFIT,
            problems=[Problem("/content_md", "syntax", "it holds {% endraw %}")],
        )
    names = {value: name for value, name in secrets.items() if len(value) >= SHORTEST_SECRET}
    if not names:
        return _raw(text)
    found = re.compile("|".join(re.escape(value) for value in sorted(names, key=len, reverse=True)))
    source, position = [], 0
    for match in found.finditer(text):
        source += [_raw(text[position : match.start()]), "{{ " + names[match.group()] + " }}"]
        position = match.end()
    return "".join([*source, _raw(text[position:])])


def _raw(text: str) -> str:
    return "{% raw %}" + text + "{% endraw %}" if _MARKS.search(text) else text
