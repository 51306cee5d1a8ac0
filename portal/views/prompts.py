"""A client's prompts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from tenancy.policy import Permission


class Prompts(OperatorView):
    """``/clients/<client>/prompts/``."""

    permissions = {"GET": Permission.VIEW}
    section = "prompts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        return self.page("portal/pages/prompts.html")
