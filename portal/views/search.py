"""Search over names and text."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from portal.presenters.found import look_for
from tenancy.policy import Permission


class Search(OperatorView):
    """``/search/``."""

    permissions = {"GET": Permission.VIEW}
    section = "search"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What was found among what this person may see."""
        found = look_for(words=request.GET.get("q", ""), actor=self.actor)
        return self.page("portal/pages/search.html", {"found": found})
