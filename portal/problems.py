"""The one translation of errors at this door: errors of a form by pointer, or a calm page that says what to do next.

Both count it in ``errors_total{code}``; a view that tells an error in its own way counts it itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from foundation import correlation
from foundation.metrics import count_error
from prompthub_kernel.errors import Problem, PromptHubError

BROKEN = 500


def page(request: HttpRequest, error: PromptHubError, *, frame: Mapping[str, Any] | None = None) -> HttpResponse:
    """A calm page. Without ``frame`` it is drawn without navigation, which needs the database."""
    count_error(error=error)
    context = {
        **(frame or {}),
        "error": error,
        "title": title(error),
        "next_step": next_step(error),
        "correlation_id": correlation.current(),
        "bare": frame is None or error.status >= BROKEN,
    }
    return render(request, "portal/pages/problem.html", context, status=error.status)


def title(error: PromptHubError) -> str:
    """A short sentence for the top of the page."""
    words: dict[str | int, str] = {
        "403.feature_off": _("This is switched off"),
        "409.archived": _("This is archived"),
        403: _("You may not do this here"),
        404: _("There is nothing here"),
        409: _("Something changed meanwhile"),
        410: _("This is gone"),
        422: _("This cannot be done like that"),
        429: _("Too many requests"),
        502: _("A provider did not do its part"),
        503: _("Not available just now"),
    }
    return words.get(error.code) or words.get(error.status, error.title)


def next_step(error: PromptHubError) -> str:
    """What to do about it."""
    words: dict[str | int, str] = {
        "403.feature_off": _("Everything else works as before. Who administers it can switch it on again."),
        "409.archived": _("It can still be read: its texts, its versions and its history stay."),
        403: _("Ask an administrator of this client for the permission, or go back."),
        404: _("The address may be mistyped, what was here may have moved, or you may not see this client."),
        409: _("Go back, look at what is there now, and decide again."),
        410: _("It was taken away for good; go back and choose another."),
        422: _("Go back and change what the list above names."),
        429: _("Wait a minute, then try again."),
        502: _("Look at the deliveries, and try again when the provider answers."),
        503: _("Wait a moment, then load the page again. Nothing was half done."),
    }
    return words.get(error.code) or words.get(error.status, _("Go back and try again."))


def into_form(form: BaseForm, error: PromptHubError, *, fields: Mapping[str, str]) -> None:
    """Put the problems of an error to the fields they are about; what fits no field is told at the top of the form.

    ``fields`` maps the beginning of a JSON Pointer (``/variables/tone``, ``/name``) to a form field.
    """
    count_error(error=error)
    if not error.problems:
        form.add_error(None, error.detail)
    for problem in error.problems:
        field = field_of(problem, fields)
        if field in form.fields:
            form.add_error(field, problem.detail)
        else:
            form.add_error(None, f"{problem.pointer}: {problem.detail}" if problem.pointer else problem.detail)


def field_of(problem: Problem, fields: Mapping[str, str]) -> str | None:
    """The form field of a problem: the longest beginning of its pointer that is known."""
    parts = problem.pointer.split("/")
    for length in range(len(parts), 0, -1):
        if (found := fields.get("/".join(parts[:length]))) is not None:
            return found
    return None
