"""Whoever has to sign in first: where they go on, and what they wrote, which is kept while they do.

Nothing is stored: what was written travels through the sign-in form, signed, and is sent again by a button afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal import addresses
from portal.forms.session import SignIn

SALT = "portal.coming_in"
KEPT_FOR = timedelta(hours=12)
TEXTS = ("text", "instruction", "content-")
"""Fields that hold what somebody wrote, by how their names begin; where all are empty, nothing is worth keeping."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was sent to ``action`` without a session, as it is sent again."""

    action: str
    fields: list[tuple[str, str]]

    @property
    def texts(self) -> list[str]:
        """What a person would miss."""
        return [value for name, value in self.fields if name.startswith(TEXTS) and value.strip()]


def first(request: HttpRequest, *, resume: str) -> HttpResponse:
    """To the sign-in form, and back from there to a page; what was written is sent to ``resume`` then, if it is set."""
    if request.method != "POST":
        page = addresses.page_of(request.path)
        return redirect_to_login(request.get_full_path() if page == request.path else page)
    page = addresses.came_from(request)
    given = request.POST
    fields = [(name, value) for name in given if name != "csrfmiddlewaretoken" for value in given.getlist(name)]
    kept = Kept(resume, fields)
    if not resume or not kept.texts:
        return redirect(f"{redirect_to_login(page).headers['Location']}&unsent=1")
    context = {
        "form": SignIn(request),
        "next": page,
        "unsent": True,
        "kept": signing.dumps([resume, fields], salt=SALT, compress=True),
    }
    return render(request, "portal/pages/login.html", context, status=401)


def kept(signed: str) -> Kept | None:
    """What came through the sign-in form; None where that was nothing, or nothing of ours."""
    try:
        action, fields = signing.loads(signed, salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        return None
    return Kept(action, [(name, value) for name, value in fields])
