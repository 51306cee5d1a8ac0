"""Coming in and going out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import View
from django.views.i18n import set_language

from foundation import correlation
from portal import coming_in
from portal.forms.session import SignIn


class Login(LoginView):
    """``/login/``: for operators and staff alike; what they see afterwards is what their roles let them see."""

    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/pages/login.html"
    authentication_form = SignIn
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """The form, and what waits for it: ``unsent`` that something was not done, ``kept`` what was written."""
        told = self.request.POST or self.request.GET
        return {**super().get_context_data(**more), "kept": told.get("kept", ""), "unsent": "unsent" in told}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Go on; with what was written before, if anything was kept."""
        answer = super().form_valid(form)
        kept = coming_in.kept(self.request.POST.get("kept", ""))
        return answer if kept is None else coming_in.resume(self.request, kept, page=answer.headers["Location"])


class Logout(LogoutView):
    """``/logout/``, by POST."""

    def get_default_redirect_url(self) -> str:
        """Back to where one comes in."""
        return reverse("portal:login")


class Language(View):
    """``/language/``, by POST: from now on the portal speaks ``language`` to this browser; back to ``next``, here."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remember it in a cookie; a language the portal does not speak changes nothing."""
        return set_language(request)


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """Too many wrong passwords from here for this name: told calmly, without saying whether the name exists."""
    context = {"correlation_id": correlation.current()}
    return render(request, "portal/pages/locked_out.html", context, status=429)
