"""The API's document and its page: files of our own, nothing from elsewhere."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView

import contracts


@cache
def _document() -> bytes:
    return (contracts.FOLDER / "openapi.json").read_bytes()


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document as it was reviewed; a test holds it against the code."""
    return HttpResponse(_document(), content_type="application/json")


class Docs(SpectacularSwaggerSplitView):
    """A page to read the document and to try it; its script is a file, so it needs no inline code."""

    authentication_classes = ()
    permission_classes = ()
    template_name = "gateway/docs.html"
    url_name = "v1:openapi"
    title = "PromptHub API"
