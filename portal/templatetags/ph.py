"""Tags of the portal: icons, and links that keep the filters of the address."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal import addresses, sentences

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing of icons.svg. It says nothing by itself: the words stand beside it."""
    return format_html(
        '<svg class="ph-icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("portal/icons.svg"),
        name,
    )


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A time as people write it, in UTC, with its machine form; a dash where there is none."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        formats.date_format(local, "DATETIME_FORMAT") + " UTC",
        formats.date_format(local, "SHORT_DATETIME_FORMAT"),
    )


@register.simple_tag(takes_context=True)
def address(context: Any, **changed: Any) -> str:
    """The query of this page with some parameters changed (None or "" takes one away), for filters and sorting.

    On a page that answers a form it is that of the page above: the form's own address may take nothing but forms.
    """
    request = context["request"]
    query = request.GET.copy()
    for name, value in changed.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    page = addresses.page_of(request.path) if request.method == "POST" else ""
    return f"{page}?{query.urlencode()}"


@register.filter
def number(value: float) -> str:
    """A number as people write it, in groups of three."""
    return formats.number_format(value, force_grouping=True)


@register.filter
def parted(code: str) -> SafeString:
    """An error's code that ends a line after a dot or an underscore, not within a word."""
    return format_html_join("", "{}<wbr>", ((part,) for part in re.split(r"(?<=[._])", code)))


@register.filter
def said(text: str | None) -> str:
    """A sentence of an error in the language of the page; what stays English is marked so."""
    return sentences.shown(text)


@register.filter
def said_plainly(text: str | None) -> str:
    """The same for an attribute."""
    return sentences.said(text or "")


TONES = {"success": "good", "info": "note", "debug": "note", "warning": "warn", "error": "bad"}


@register.simple_tag
def tone(level: str) -> str:
    """The tone of a message, from Django's word for its level or from ours."""
    return TONES.get(level, level)


@register.simple_tag
def described(field: Any) -> SafeString:
    """A field's control, told by ``aria-describedby`` where its help and its errors stand."""
    told = [f"{field.auto_id}-help"] if field.help_text else []
    attributes: dict[str, Any] = {}
    if field.errors:
        told.append(f"{field.auto_id}-error")
        attributes["aria-invalid"] = "true"
    if told:
        attributes["aria-describedby"] = " ".join(told)
    drawn: SafeString = field.as_widget(attrs=attributes)
    return drawn
