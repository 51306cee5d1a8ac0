"""The one translation of errors at this door: ``application/problem+json`` (RFC 9457).

Members: ``type``, ``title``, ``status``, ``code``, ``detail``, ``errors`` (``pointer``, ``code``, ``detail``),
``correlation_id``, ``retryable``, and ``context`` with the facts a program needs to go on, where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.core.exceptions import DisallowedHost, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions, status

from foundation import correlation, database_errors
from foundation.metrics import count_error
from gateway.rendering import PROBLEM, dumps
from prompthub_kernel.errors import Invalid, NotFound, Problem, PromptHubError, Refused, Unavailable

log = structlog.get_logger(__name__)

MEDIA_TYPE = PROBLEM
API_PATHS = ("/prompt/", "/api/")
RETRY_AFTER_SECONDS = 1
NOT_ALLOWED = "PromptHub does not go by this host name. Its operator names those it goes by in PROMPTHUB_ALLOWED_HOSTS."


def problem(error: PromptHubError, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The answer that tells of an error; counted in ``errors_total{code}``."""
    count_error(error=error)
    body: dict[str, Any] = {
        "type": f"/docs/errors/{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "errors": [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in error.problems],
        "correlation_id": correlation.current(),
        "retryable": error.retryable,
    }
    if error.context:
        body["context"] = error.context
    response = HttpResponse(dumps(body), status=error.status, content_type=MEDIA_TYPE)
    if error.status in {status.HTTP_429_TOO_MANY_REQUESTS, status.HTTP_503_SERVICE_UNAVAILABLE}:
        response.headers["Retry-After"] = str(error.context.get("retry_after", RETRY_AFTER_SECONDS))
    for name, value in (headers or {}).items():
        response.headers[name] = value
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - counted above; Django would warn too
    return response


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """What REST framework calls for everything that is raised in a view."""
    headers = {}
    if challenge := getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(exception, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    error = translated(exception)
    if error.code == "401.not_authenticated":
        headers.setdefault("WWW-Authenticate", 'Bearer realm="PromptHub"')
    if error.status == status.HTTP_415_UNSUPPORTED_MEDIA_TYPE:  # RFC 9110 15.5.16
        headers |= {"Accept": "application/json", "Accept-Encoding": "identity"}
    if error.code == "500.internal_error":
        log.error("request.failed", exc_info=exception)
    return problem(error, headers)


def translated(exception: Exception) -> PromptHubError:
    """An exception of ours, of REST framework, of Django or of the database as a member of the one error tree."""
    match exception:
        case PromptHubError():
            return exception
        case exceptions.APIException():
            return _of_rest_framework(exception)
        case Http404():
            return NotFound("404.not_found")
        case PermissionDenied():
            return Refused("403.permission_denied")
        case DisallowedHost():
            there = Problem("/headers/Host", "enum", "is not a name that PROMPTHUB_ALLOWED_HOSTS allows")
            return Invalid("422.request_invalid", NOT_ALLOWED, problems=[there])
        case SuspiciousOperation():
            return Invalid("422.request_invalid", "The request cannot be read.")
    if (why := database_errors.unavailable(exception)) is not None:
        log.warning("database.unavailable", error=type(exception).__name__, why=why)
        return Unavailable("503.database_unavailable", why)
    return PromptHubError("500.internal_error")


def _of_rest_framework(exception: exceptions.APIException) -> PromptHubError:
    match exception:
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Refused("401.not_authenticated", "Send 'Authorization: Bearer' with a service token, or sign in.")
        case exceptions.PermissionDenied():
            return Refused("403.permission_denied", str(exception.detail))
        case exceptions.NotFound():
            return NotFound("404.not_found")
        case exceptions.MethodNotAllowed():
            return Invalid("405.method_not_allowed", "This address does not take that method; see the header Allow.")
        case exceptions.NotAcceptable():
            return Invalid("406.not_acceptable", "Answers are application/json.")
        case exceptions.UnsupportedMediaType():
            return Invalid("415.media_type_unsupported", "Bodies are application/json.")
        case exceptions.ParseError():
            return Invalid("400.json_invalid", "The body cannot be read.")
    return PromptHubError("500.internal_error")


def at_api_address(request: HttpRequest, error: PromptHubError) -> HttpResponse | None:
    """The answer to an error outside of the API's views, if it happened at one of its addresses; for the roof."""
    return problem(error) if request.path_info.startswith(API_PATHS) else None
