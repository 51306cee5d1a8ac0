"""The one translation of errors at this door: errors of a form by pointer, or a calm page that says what to do next.

Both count it in ``errors_total{code}``; a view that tells an error in its own way counts it itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from foundation import correlation
from foundation.metrics import count_error
from portal import addresses, sentences
from prompthub_kernel.errors import Problem, PromptHubError

BROKEN = 500
# By code, or by status for all codes of it that are not here. A test holds both against every code there is.
TITLES: dict[str | int, str | Promise] = {
    "400.template_schema_invalid": _("This text cannot be used like that"),
    "401.not_authenticated": _("Sign in first"),
    "403.feature_off": _("This is switched off"),
    "403.channel_locked": _("This channel is locked"),
    "409.review_required": _("Somebody else has to approve this first"),
    "409.archived": _("This is archived"),
    "409.in_use": _("Something else still needs it"),
    "409.sealed": _("This can never be changed"),
    "409.state_conflict": _("This is not possible as things stand"),
    "422.dependency_private": _("A public bundle would need a private one"),
    "422.variables_invalid": _("The variables do not fit the template"),
    "502.adapter_publish_error_n8n": _("n8n did not confirm the prompt"),
    "502.adapter_publish_error_retell": _("Retell did not confirm the prompt"),
    "502.adapter_publish_error_webhook": _("The webhook did not confirm the prompt"),
    "502.llm_answer_unusable": _("The model's answer cannot be used"),
    "502.llm_unavailable": _("The model did not answer"),
    "502.seal_broken": _("This is not what was sealed"),
    400: _("This request cannot be read"),
    403: _("You may not do this here"),
    404: _("There is nothing here"),
    405: _("This address is not for that"),
    406: _("This address is not for that"),
    408: _("This request did not arrive in time"),
    409: _("Something changed meanwhile"),
    410: _("This is gone"),
    413: _("This is too large"),
    415: _("This request cannot be read"),
    422: _("This cannot be done like that"),
    429: _("Too many requests"),
    500: _("Something broke here"),
    502: _("A provider did not do its part"),
    503: _("Not available just now"),
}
NEXT: dict[str | int, str | Promise] = {
    "400.template_schema_invalid": _("Go back and mend the text; what is wrong with it stands above."),
    "401.not_authenticated": _("Sign in, then try again."),
    "403.feature_off": _("Everything else works as before. Who administers it can switch it on again."),
    "403.channel_locked": _("Leave it to the program that deploys, or ask an administrator of the project."),
    "409.review_required": _("Go back and propose it."),
    "409.archived": _("It can still be read: its texts, its versions and its history stay."),
    "409.in_use": _("Go back and take it away there first."),
    "409.sealed": _("Make a new version instead."),
    "422.variables_invalid": _("Go back and mend the variables that are named above."),
    "502.llm_answer_unusable": _("Ask again, or edit the draft by hand. It is as it was."),
    "502.llm_unavailable": _("Wait a moment and ask again, or edit the draft by hand. It is as it was."),
    "502.seal_broken": _("Somebody changed the database. Restore it from a backup; nobody is given this until then."),
    403: _("Ask an administrator for the permission, or go back."),
    405: _("Go on from the page below."),
    404: _("The address may be mistyped, what was here may have moved, or you may not see it."),
    408: _("Go back and send it once more."),
    409: _("Go back, look at what is there now, and decide again."),
    410: _("It was taken away for good; go back and choose another."),
    413: _("Go back and make it shorter."),
    422: _("Go back and change what the list above names."),
    429: _("Wait a minute, then try again."),
    500: _("It has been reported. Trying again in a moment may help; nothing was half done."),
    502: _("Look at the deliveries, and try again when the provider answers."),
    503: _("Wait a moment, then load the page again. Nothing was half done."),
}
ELSE = _("Go back and try again.")


# Where a page tells in one place what htmx was refused: an answer in a part of a page is no page.
PLACE = {"HX-Retarget": "#problem", "HX-Reswap": "innerHTML"}


def page(request: HttpRequest, error: PromptHubError, *, frame: Mapping[str, Any] | None = None) -> HttpResponse:
    """A calm page; for htmx an alert for the page that asked.

    Without ``frame`` it is drawn without navigation, which needs the database.
    """
    count_error(error=error)
    context = {
        **(frame or {}),
        "error": error,
        "title": title(error),
        "next_step": next_step(error),
        "correlation_id": correlation.current(),
        "bare": frame is None or error.status >= BROKEN,
        "back": addresses.came_from(request),
    }
    if request.headers.get("HX-Request"):
        part = render_to_string("portal/parts/refusal.html", context, request)
        return HttpResponse(part, status=error.status, headers=PLACE)
    return render(request, "portal/pages/problem.html", context, status=error.status)


def title(error: PromptHubError) -> str:
    """A short sentence for the top of the page."""
    return str(TITLES.get(error.code) or TITLES.get(error.status, error.title))


def next_step(error: PromptHubError) -> str:
    """What to do about it."""
    return str(NEXT.get(error.code) or NEXT.get(error.status, ELSE))


def into_form(form: BaseForm, error: PromptHubError, *, fields: Mapping[str, str]) -> None:
    """Put the problems of an error to the fields they are about; what fits no field is told at the top of the form.

    ``fields`` maps the beginning of a JSON Pointer (``/variables/tone``, ``/name``) to a form field.
    """
    count_error(error=error)
    if not error.problems:
        form.add_error(None, sentences.said(error.detail))
    for problem in error.problems:
        field, sentence = placed(problem, fields)
        if field in form.fields:
            form.add_error(field, sentence)
        else:
            sentence = sentences.said(problem.detail)
            form.add_error(None, f"{problem.pointer}: {sentence}" if problem.pointer else sentence)


def placed(problem: Problem, fields: Mapping[str, str]) -> tuple[str | None, str]:
    """The form field of a problem, by the longest beginning of its pointer that is known; and what to say there, with
    the place within the field where there is one: “entry 2, street: This is needed.”
    """
    parts, sentence = problem.pointer.split("/"), sentences.said(problem.detail)
    for length in range(len(parts), 0, -1):
        if (found := fields.get("/".join(parts[:length]))) is not None:
            place = ", ".join(_step(part) for part in parts[length:])
            return found, f"{place}: {sentence}" if place else sentence
    return None, sentence


def _step(part: str) -> str:
    """One step into a value: a name, or which entry of a list (RFC 6901 counts from 0)."""
    if part.isdecimal():
        return gettext("entry %(number)s") % {"number": int(part) + 1}
    return part.replace("~1", "/").replace("~0", "~")
