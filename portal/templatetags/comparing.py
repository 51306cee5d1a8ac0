"""Tags of comparisons: words that came and went. Everything a prompt holds is escaped here."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from prompthub_kernel.diffing import Word

register = template.Library()
_SHAPES = {"added": "<ins>{}</ins>", "removed": "<del>{}</del>"}


@register.filter
def marked(words: Iterable[Word]) -> SafeString:
    """Words with what was added in ``<ins>`` and what was removed in ``<del>``."""
    return format_html_join("", "{}", ((format_html(_SHAPES.get(kind, "{}"), text),) for kind, text in words))
