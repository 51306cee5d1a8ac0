"""A text as a template that renders to exactly that text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from prompthub_kernel.errors import Invalid, Problem

_MARKS = re.compile(r"\{\{|\{%|\{#")
_ENDRAW = re.compile(r"\{%-?\s*endraw")
SHORTEST_SECRET = 4
"""Characters; a shorter value would be found everywhere in ordinary text."""


def as_template(*, text: str, secrets: Mapping[str, str]) -> str:
    """The source of ``text``: template marks are taken literally, known secret values become placeholders again.

    ``secrets`` are values, to the names of their variables; several values may be one variable's. Works for both
    engines, which share the ``raw`` block. Raises ``400.template_schema_invalid`` for a text that holds the end of such
    a block, which no engine can write literally.
    """
    if _ENDRAW.search(text):
        raise Invalid(
            "400.template_schema_invalid",
            "This text cannot be taken over word for word.",
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
