"""Where a person goes on: the page above an address that only takes something, and the page a form stood on."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme


def page_of(path: str) -> str:
    """The nearest address at ``path`` or above it that answers GET: ``…/draft/`` is taken for its prompt's page."""
    prefix = get_script_prefix()
    if not path.startswith(prefix):
        return reverse("portal:dashboard")
    rest = path.removeprefix(prefix)
    while rest:
        try:
            view = getattr(resolve(f"/{rest}").func, "view_class", None)
        except Resolver404:
            view = None
        if hasattr(view, "get"):
            return f"{prefix}{rest}"
        above = rest.rstrip("/").rpartition("/")[0]
        rest = f"{above}/" if above else ""
    return reverse("portal:dashboard")


def came_from(request: HttpRequest) -> str:
    """The page that a request was sent from, with its query; without a word about it, the page of its own address."""
    told = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not told or not url_has_allowed_host_and_scheme(told, {request.get_host()}):
        return page_of(request.path)
    parts = urlsplit(told)
    page = page_of(parts.path)
    if page == reverse("portal:login"):
        return page_of(request.path)
    return f"{page}?{parts.query}" if parts.query and page == parts.path else page
