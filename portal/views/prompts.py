"""A client's prompts: the list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal.access import OperatorView
from portal.presenters import prompts as shown
from portal.presenters.words import PROMPT
from tenancy.policy import Permission


class Prompts(OperatorView):
    """``/clients/<client>/prompts/``."""

    permissions = {"GET": Permission.VIEW}
    section = "prompts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of the list; filters, order and page are in the address."""
        filters = shown.Filters.read(request.GET)
        page = shown.page(client=self.client, actor=self.actor, filters=filters, number=request.GET.get("page", "1"))
        return self.page("portal/pages/prompts.html", {"page": page, "filters": filters, "statuses": PROMPT})
