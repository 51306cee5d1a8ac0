"""Search over names and text."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from tenancy.policy import Permission


class Search(OperatorView):
    """``/search/``."""

    permissions = {"GET": Permission.VIEW}
    section = "search"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What was found among what this person may see."""
        return self.page("portal/pages/search.html")
