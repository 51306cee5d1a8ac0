"""*Why this text?*: what a program that reads for a client gets, and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from portal.forms.why import WhyForm
from portal.presenters import why as shown
from resolver import resolve
from tenancy.policy import Permission


class Why(OperatorView):
    """``/clients/<client>/why/?name=&category=`` or ``?address=&key=&segments=``."""

    permissions = {"GET": Permission.VIEW}
    section = "why"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The trail of the read path; nothing is counted as read."""
        form = WhyForm(request.GET or None, client=self.client, actor=self.actor)
        answer, status = None, 200
        if form.is_bound and form.is_valid():
            answer = shown.answer(resolve.explain(request=form.asked, actor=self.actor))
        if form.is_bound and form.errors:
            status = 422
        return self.page("portal/pages/why.html", {"form": form, "answer": answer}, status=status)
