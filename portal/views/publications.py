"""One publication: what became active, and how far it has come at each of its places."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from foundation.metrics import count_error
from instances import versions
from instances.models import Publication as Row
from portal import sentences
from portal.access import OperatorView
from portal.presenters import progress
from prompthub_kernel.errors import Conflict, NotFound
from publishing import deliveries
from tenancy.policy import Permission

UNCHANGED = 204


class Publication(OperatorView):
    """``…/publications/<ordinal>/``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.PUBLISH}
    section = "prompts"

    def get(self, request: HttpRequest, ordinal: int) -> HttpResponse:
        """The page; for htmx the places alone, and nothing at all while they are as they were seen."""
        found = progress.progress(publication=self._row(ordinal), actor=self.actor)
        if request.headers.get("HX-Request"):
            if request.GET.get("seen") == found.seen:
                return HttpResponse(status=UNCHANGED)
            return self.page("portal/parts/progress.html", progress=found, told=True)
        newest = versions.newest_publication(instance=self.instance)
        return self.page("portal/pages/publication.html", progress=found, newest=newest)

    def post(self, request: HttpRequest, ordinal: int) -> HttpResponse:
        """Send one place's delivery again that was given up."""
        found = progress.progress(publication=self._row(ordinal), actor=self.actor)
        wanted = request.POST.get("delivery", "")
        old = next((step.delivery for step in found.steps if str(step.delivery.pk) == wanted), None)
        if old is None and wanted in found.replaced:
            messages.warning(request, _("It was replayed already; what came of that stands below."))
            return self._places(ordinal)
        if old is None:
            raise NotFound("404.not_found", gettext_noop("There is no such delivery of this publication."))
        try:
            deliveries.replay(delivery=old, by=self.actor, at=self.at)
        except Conflict as error:
            count_error(error=error)
            messages.warning(request, sentences.said(error.detail))
        else:
            messages.success(request, _("It is sent to %(target)s again.") % {"target": old.placement.target.name})
        return self._places(ordinal)

    def _places(self, ordinal: int) -> HttpResponse:
        """The page where the focus goes on at its places (``progress.html``), not at the top."""
        page = reverse("portal:publication", args=[self.client.slug, self.instance.pk, ordinal])
        return redirect(f"{page}#progress")

    def _row(self, ordinal: int) -> Row:
        row = versions.publications(instance=self.instance).filter(ordinal=ordinal).first()
        if row is None:
            raise NotFound("404.not_found", gettext_noop("This prompt has no publication of that number."))
        row.instance = self.instance
        return row
