"""Drift: a provider runs something else than we delivered. A person decides, and sees both texts first."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from foundation.metrics import count_error
from instances import drafts, versions
from portal.access import OperatorView, controls
from portal.presenters import drifts as shown
from portal.presenters import showing
from prompthub_kernel.errors import Conflict, Invalid, Problem
from publishing import adopting, sides
from publishing import drift as drifts
from tenancy import policy
from tenancy.policy import Permission


class Drifts(OperatorView):
    """``/drifts/?state=&client=``."""

    permissions = {"GET": Permission.VIEW}
    section = "drifts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of drifts, newest first; the open ones unless asked otherwise."""
        return self.page("portal/pages/drifts.html", {"found": shown.page(actor=self.actor, given=request.GET)})


class DriftView(OperatorView):
    """The page of one drift."""

    section = "drifts"

    def _page(
        self, drift: uuid.UUID, *, error: Invalid | None = None, put_back: bool = False, status: int = 200
    ) -> HttpResponse:
        row = drifts.get(key=drift, actor=self.actor)
        instance = drafts.get(key=row.placement.instance_id, actor=self.actor)
        base, target = sides.drifted(drift=row, actor=self.actor)
        version = row.delivery.publication.version
        asked = self.request.GET.get("view", "")
        shape = showing.Shape(asked) if asked in list(showing.Shape) else showing.Shape.STRUCTURE
        client = row.placement.target.client
        context = {
            "drift": row,
            "state": shown.state_of(row),
            "version": version,
            "instance": instance,
            "client_of_drift": client,
            "can": controls(permissions=policy.permissions(self.actor, client), client=client),
            "shown": showing.show(base=base, target=target, format=version.format, shape=shape),
            "documents": base.document is not None,
            "unpublished": versions.unpublished(instance=instance),
            "line_ends": adopting.alters_line_ends(drift=row, draft=instance),
            "error": error,
            "put_back": put_back,
        }
        return self.page("portal/pages/drift.html", context, status=status)


class OneDrift(DriftView):
    """``/drifts/<drift>/?view=split``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest, drift: uuid.UUID) -> HttpResponse:
        """Our text and the provider's, and what can be done."""
        del request
        return self._page(drift)


class Redeliver(DriftView):
    """``/drifts/<drift>/redeliver/``."""

    permissions = {"POST": Permission.PUBLISH}

    def post(self, request: HttpRequest, drift: uuid.UUID) -> HttpResponse:
        """Put our text back, as a new delivery; the page says why where the target does not take it."""
        row = drifts.get(key=drift, actor=self.actor)
        try:
            sent = drifts.redeliver(drift=row, by=self.actor, at=self.at)
        except Invalid as error:
            count_error(error=error)
            return self._page(drift, error=error, put_back=True, status=error.status)
        messages.success(request, _("Our text is on its way there again."))
        return redirect("portal:delivery", sent.pk)


class Adopt(DriftView):
    """``/drifts/<drift>/adopt/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest, drift: uuid.UUID) -> HttpResponse:
        """Take the provider's text into the draft that this person has seen; the page says why where that cannot be."""
        row = drifts.get(key=drift, actor=self.actor)
        instance = drafts.get(key=row.placement.instance_id, actor=self.actor)
        if "replace" not in request.POST and versions.unpublished(instance=instance):
            raise Conflict("409.state_conflict", gettext_noop("The draft has changes that were never published."))
        revision = _revision(request)
        try:
            draft = drifts.adopt(drift=row, by=self.actor, at=self.at, revision=revision)
        except Invalid as error:
            count_error(error=error)
            return self._page(drift, error=error, status=error.status)
        messages.success(request, _("The provider's text is in the draft now. Look at it, then publish it."))
        return redirect("portal:prompt", draft.client.slug, draft.pk)


def _revision(request: HttpRequest) -> int:
    """The revision of the draft that was shown, from the form."""
    text = request.POST.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("422.request_invalid", problems=[Problem("/revision", "type", gettext_noop("must be a number"))])
    return int(text)
