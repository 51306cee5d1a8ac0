"""The clients a person may see."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from portal.presenters import clients as shown
from tenancy.policy import Permission


class Clients(OperatorView):
    """``/clients/``."""

    permissions = {"GET": Permission.VIEW}
    section = "clients"

    def get(self, request: HttpRequest) -> HttpResponse:
        """By name, with how many prompts each has and what needs a person."""
        return self.page("portal/pages/clients.html", {"rows": shown.lines(actor=self.actor)})
