"""The language in which the portal speaks: the one chosen here, else what the browser asks for, else English.

Only the portal's pages follow it. Programs are answered, staff pages drawn and the ledger written in English for
everybody (docs/adr/0022).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

APP = "portal"


class LanguageMiddleware:
    """Speaks a person's language while one of the portal's views answers, and what was spoken before afterwards.

    Django's own middleware would turn the whole service: its threads go from a page to an API call.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        before = translation.get_language()
        try:
            response = self.get_response(request)
            if _is_page(request):
                patch_vary_headers(response, ["Accept-Language", "Cookie"])
                response.headers.setdefault("Content-Language", translation.get_language() or "en")
        finally:
            restore(before)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        """The address is known: if it is the portal's, a person reads the answer."""
        if _is_page(request):
            translation.activate(of(request))


def of(request: HttpRequest) -> str:
    """The language of whoever sent this, one of ``settings.LANGUAGES``."""
    return translation.get_language_from_request(request)


def restore(language: str | None) -> None:
    """Speak that language from now on; None: none was chosen in this thread."""
    if language is None:
        translation.deactivate_all()
    else:
        translation.activate(language)


def _is_page(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and APP in match.app_names
