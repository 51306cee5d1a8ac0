"""What is there for browsers alone does nothing when a program calls the API with its token."""

from __future__ import annotations

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest

from gateway.problems import API_PATHS

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of what no browser draws."""


def calls_as_program(request: HttpRequest) -> bool:
    """Whether the API will look at the header ``Authorization``, and at no session beside it."""
    return "HTTP_AUTHORIZATION" in request.META and request.path_info.startswith(API_PATHS)


class _ForBrowsers:
    """Before a class of middleware: programs pass it by."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        """The answer of what is inside, alone for programs."""
        if calls_as_program(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class Session(_ForBrowsers, SessionMiddleware):
    """Django's sessions."""


class Account(_ForBrowsers, AuthenticationMiddleware):
    """Who is signed in."""


class Messages(_ForBrowsers, MessageMiddleware):
    """What the next page tells."""


class Policy(_ForBrowsers, CSPMiddleware):
    """The content security policy; a fixed one for programs, whose answers are no pages."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer with its policy."""
        response = super().__call__(request)
        if calls_as_program(request):
            response.headers.setdefault(HEADER, NOTHING)
        return response
