"""The site behind ``/admin/``."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils import timezone
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.sites import UnfoldAdminSite

from foundation.actors import Door
from foundation.metrics import count_error
from prompthub_kernel.errors import PromptHubError
from tenancy import accounts, tokens


class OwnPassword(PasswordChangeView):
    """Change one's own password: by the verb, so that the ledger knows."""

    form_class = AdminOwnPasswordChangeForm
    success_url = reverse_lazy("admin:password_change_done")

    def form_valid(self, form: Any) -> HttpResponse:
        """The old one was right and the new ones are alike."""
        password = form.cleaned_data["new_password1"]
        by = tokens.actor_for(self.request.user, door=Door.ADMIN)  # type: ignore[arg-type]
        try:
            account = accounts.set_password(account=self.request.user, password=password, by=by, at=timezone.now())
        except PromptHubError as error:
            count_error(error=error)
            form.add_error("new_password1", error.detail)
            return self.form_invalid(form)
        update_session_auth_hash(self.request, account)
        return super(PasswordChangeView, self).form_valid(form)


class StaffSite(UnfoldAdminSite):
    """Unfold's site, for pages that read and decide only, under our content security policy."""

    index_title = "Overview"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take in pages made of ``ReadOnly``. Those that libraries bring would save without an audit line."""
        from foundation.admin import ReadOnly  # the first page to be registered makes this site

        if admin_class is not None and issubclass(admin_class, ReadOnly):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """A page for the staff. It may carry style attributes: Alpine writes the width of an action bar into one."""
        page = super().admin_view(view, cacheable)
        return csp_update({"style-src-attr": ["'unsafe-inline'"]})(page)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign in; then to the page one came for or, without one of ours, to the overview."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        request.current_app = self.name  # type: ignore[attr-defined]
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        return LoginView.as_view(  # type: ignore[return-value]
            next_page="admin:index",
            extra_context=context,
            authentication_form=self.login_form or AdminAuthenticationForm,
            template_name=self.login_template or "admin/login.html",
        )(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Change one's own password."""
        request.current_app = self.name  # type: ignore[attr-defined]
        context = {**self.each_context(request), **(extra_context or {})}
        return OwnPassword.as_view(extra_context=context)(request)  # type: ignore[return-value]
