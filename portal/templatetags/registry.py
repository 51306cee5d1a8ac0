"""Tags of the registry's pages: words of what is stored as one."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise

from portal.presenters.registry_words import REASON

register = template.Library()


@register.filter
def reason(word: str) -> str | Promise:
    """Why a release was retired, yanked or taken back, as a page says it."""
    return REASON.get(word, word)
