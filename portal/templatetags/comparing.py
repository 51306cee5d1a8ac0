"""Tags of comparisons: words that came and went. Everything a prompt holds is escaped here."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from prompthub_kernel.diffing import Word

register = template.Library()
_TAGS = {"added": ("<ins>", "</ins>"), "removed": ("<del>", "</del>")}


@register.filter
def marked(words: Iterable[Word]) -> SafeString:
    """Words with what was added in ``<ins>`` and what was removed in ``<del>``."""
    pieces = []
    for kind, text in words:
        opened, closed = _TAGS.get(kind, ("", ""))
        pieces += [opened, escape(text), closed]
    return mark_safe("".join(pieces))  # noqa: S308  every text was escaped just now
