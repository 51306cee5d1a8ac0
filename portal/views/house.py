"""Pages about the portal itself: what is switched on, and what its words mean."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from portal import components
from portal.access import OperatorView
from portal.glossary import WORDS
from portal.presenters import installation
from tenancy.policy import Permission


class Settings(OperatorView):
    """``/settings/``."""

    permissions = {"GET": Permission.VIEW}
    section = "settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What is switched on here; read only."""
        return self.page("portal/pages/settings.html", {"sections": installation.sections()})


class Glossary(OperatorView):
    """``/glossary/``."""

    permissions = {"GET": Permission.VIEW}
    section = "glossary"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The words of the house, each meaning one thing."""
        return self.page("portal/pages/glossary.html", {"glossary": WORDS})


class Components(OperatorView):
    """``/-/components/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Every part in every state."""
        return self.page("portal/pages/components.html", {"parts": components.gallery(request)})
