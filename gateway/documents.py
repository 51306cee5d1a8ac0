"""The API's document and its page: files of our own, nothing from elsewhere."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularSwaggerSplitView

import contracts
from gateway.problems import problem
from prompthub_kernel.errors import Invalid


@cache
def _document() -> bytes:
    return (contracts.FOLDER / "openapi.json").read_bytes()


@csrf_exempt  # it changes nothing; with the check POST would be told 403 instead of 405
def openapi(request: HttpRequest) -> HttpResponse:
    """The document as it was reviewed; a test holds it against the code."""
    if request.method not in {"GET", "HEAD"}:
        refusal = Invalid("405.method_not_allowed", "This address does not take that method; see the header Allow.")
        return problem(refusal, {"Allow": "GET, HEAD"})
    return HttpResponse(_document(), content_type="application/json")


class Docs(SpectacularSwaggerSplitView):
    """A page to read the document and to try it; its script is a file, so it needs no inline code."""

    authentication_classes = ()
    permission_classes = ()
    template_name = "gateway/docs.html"
    url_name = "v1:openapi"
    title = "PromptHub API"
