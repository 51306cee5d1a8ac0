"""Whoever has to sign in first, or did since: where they go on, and what they wrote, which is not lost over it.

Nothing is stored: what was written travels through the sign-in form, signed, and is sent again by a button afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from portal import addresses
from portal.forms.session import SignIn

SALT = "portal.coming_in"
KEPT_FOR = timedelta(hours=12)
TEXTS = ("text", "instruction", "content-")
"""Fields that hold what somebody wrote, by how their names begin; where all are empty, nothing is worth keeping."""
NOT_KEPT = "variables"
"""The part of a form of which nothing is kept: some are secret, and which is not known before somebody signed in."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was sent to ``action`` without a session, as it is sent again."""

    action: str
    fields: list[tuple[str, str]]

    @property
    def texts(self) -> list[str]:
        """What a person would miss."""
        return [value for name, value in self.fields if name.startswith(TEXTS) and value.strip()]


def first(request: HttpRequest) -> HttpResponse:
    """To the sign-in form, and back from there to a page; what was written is sent again then, where a view resumes."""
    if request.method != "POST":
        page = addresses.page_of(request.path)
        return redirect_to_login(request.get_full_path() if page == request.path else page)
    page = addresses.came_from(request)
    written = _written(request)
    if written is None:
        return redirect(f"{redirect_to_login(page).headers['Location']}&unsent=1")
    context = {
        "form": SignIn(request),
        "next": page,
        "unsent": True,
        "kept": signing.dumps([written.action, written.fields], salt=SALT, compress=True),
    }
    return render(request, "portal/pages/login.html", context, status=401)


def kept(signed: str) -> Kept | None:
    """What came through the sign-in form; None where that was nothing, or nothing of ours."""
    try:
        action, fields = signing.loads(signed, salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        return None
    return Kept(action, [(name, value) for name, value in fields])


def since(request: HttpRequest) -> HttpResponse | None:
    """What was sent from a page of an earlier session, whose token is not this session's: shown, to be sent again.

    None where nothing is worth keeping, and for what another site sent: its text is no one's here.
    """
    ours = f"{request.scheme}://{request.get_host()}"
    written = _written(request) if request.headers.get("Origin") == ours else None
    if written is None or not request.user.is_authenticated or request.headers.get("HX-Request"):
        return None
    return resume(request, written, page=addresses.came_from(request), status=403)


def resume(request: HttpRequest, written: Kept, *, page: str, status: int = 200) -> HttpResponse:
    """What was written, with a button that sends it again, and the way to ``page`` without it."""
    return render(request, "portal/pages/resume.html", {"kept": written, "page": page}, status=status)


def _written(request: HttpRequest) -> Kept | None:
    match = request.resolver_match
    route = getattr(getattr(match and match.func, "view_class", None), "resumes", "")
    given = request.POST
    if not match or not route or request.method != "POST" or given.get("part") == NOT_KEPT:
        return None
    fields = [(name, value) for name in given if name != "csrfmiddlewaretoken" for value in given.getlist(name)]
    found = Kept(reverse(route, kwargs=match.kwargs), fields)
    return found if found.texts else None
