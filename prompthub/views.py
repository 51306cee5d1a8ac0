"""The pages of the roof: probes for machines, and what people see when something is not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from foundation import correlation, database_errors
from foundation.metrics import count_error
from gateway import problems
from portal import coming_in, language, sentences
from prompthub import health
from prompthub_kernel.errors import CODES, Invalid, NotFound, PromptHubError, Refused, Unavailable
from publishing.metrics import queue_registry

log = structlog.get_logger(__name__)

LONGEST_HOST = 253  # RFC 1035 2.3.4, without the dots at its ends

# Views that change nothing are exempt from the check for CSRF, so that another method is told 405 with Allow, not 403.

# What a program is told instead of a page.
PROBLEMS: dict[int, Callable[[], PromptHubError]] = {
    400: lambda: Invalid("422.request_invalid", "The request cannot be read."),
    403: lambda: Refused("403.permission_denied"),
    404: lambda: NotFound("404.not_found"),
    500: lambda: PromptHubError("500.internal_error"),
}


@csrf_exempt
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing else, so a probe never restarts a process because its database is away."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@csrf_exempt
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether requests may be sent here: 200, or 503 with what is wrong."""
    found = health.readiness()
    ready = all(finding.ok or not finding.fatal for finding in found)
    body = {"ready": ready, "checks": {finding.name: finding.as_json() for finding in found}}
    return JsonResponse(body, status=200 if ready else 503)


@csrf_exempt
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in Prometheus' text format: this process's own (or all its siblings'), and the queue's."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry) + generate_latest(queue_registry), content_type=CONTENT_TYPE_LATEST)


@csrf_exempt
@require_safe
def error(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's ``type`` leads to (RFC 9457 3.1.1): the code in words, and whether trying again may help."""
    meaning = CODES.get(code)
    if meaning is None:
        return not_found(request)
    again = (
        "The same request may succeed later." if meaning.retryable else "The same request will fail again: change it."
    )
    context = {"title": meaning.title, "text": again, "code": code}
    return render(None, "prompthub/message.html", context)  # type: ignore[arg-type]


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 for people."""
    return _page(
        request, 404, _("There is nothing here"), _("The address may be mistyped, or what was here has moved.")
    )


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 for people."""
    return _page(
        request, 403, _("This is not for your account"), _("Ask an administrator for access, or sign in differently.")
    )


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its CSRF token: nearly always a page that was open for long, or cookies switched off."""
    again = coming_in.since(request)
    if again is not None:
        return again
    text = _(
        "Nothing was changed. Go back, load the page again and send it once more. If this comes again, "
        "allow cookies for this site and sign in anew."
    )
    return _page(request, 403, _("This form is not valid any more"), text)


def broken(request: HttpRequest) -> HttpResponse:
    """500 for people, or 503 where the database is to blame. Renders without it and without the request's session."""
    why = database_errors.unavailable(sys.exc_info()[1])
    if why is not None:
        error = Unavailable("503.database_unavailable", why)
        return _page(request, 503, _("Not available just now"), sentences.said(why), error=error)
    text = _("It has been reported. Trying again in a moment may help; nothing was half done.")
    return _page(request, 500, _("Something broke here"), text)


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 for people, or 413 for what is larger than DATA_UPLOAD_MAX_MEMORY_SIZE. Anybody can cause it: a warning."""
    match exception:
        case RequestDataTooBig():
            response = _too_large(request)
        case DisallowedHost():
            response = _elsewhere(request, exception)
        case _:
            log.warning("request.unreadable", error=type(exception).__name__)
            text = _("Go back, and try again from there.")
            response = _page(request, 400, _("This request cannot be read"), text)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - above, without Django's traceback
    return response


def _elsewhere(request: HttpRequest, exception: DisallowedHost) -> HttpResponse:
    log.warning("host.not_allowed", host=request.META.get("HTTP_HOST", "")[:LONGEST_HOST])
    text = _(
        "PromptHub does not go by the host name of this address. Its operator names those it goes by in "
        "PROMPTHUB_ALLOWED_HOSTS."
    )
    return _page(request, 400, _("This request cannot be read"), text, error=problems.translated(exception))


def _too_large(request: HttpRequest) -> HttpResponse:
    error = Invalid("413.body_too_large", "The request is larger than this service accepts.")
    log.warning("request.too_large", length=request.META.get("CONTENT_LENGTH", "")[:LONGEST_HOST])
    text = _("Nothing was saved. Go back, where what you wrote may still stand, and make it shorter.")
    return _page(request, 413, _("This is too large"), text, error=error)


def _page(
    request: HttpRequest,
    status: int,
    title: str | Promise,
    text: str | Promise,
    *,
    error: PromptHubError | None = None,
) -> HttpResponse:
    error = error or PROBLEMS[status]()
    told = problems.at_api_address(request, error)
    if told is not None:
        return told
    count_error(error=error)
    context: dict[str, Any] = {"title": title, "text": text, "correlation_id": correlation.current()}
    with translation.override(language.of(request)):
        return render(None, "prompthub/message.html", context, status=status)  # type: ignore[arg-type]
