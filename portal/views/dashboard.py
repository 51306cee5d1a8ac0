"""The first page: how things stand."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from portal.presenters.dashboard import standing_of
from tenancy.policy import Permission


class Dashboard(OperatorView):
    """``/``."""

    permissions = {"GET": Permission.VIEW}
    section = "dashboard"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What was published and delivered lately at the clients this person may see."""
        return self.page("portal/pages/dashboard.html", {"standing": standing_of(actor=self.actor, at=self.at)})
