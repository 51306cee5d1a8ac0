"""Packs: what each environment runs, switched as one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.access import OperatorView
from portal.forms.channels import PackForm
from portal.presenters import channels as moves
from portal.presenters import packs as shown
from portal.views.bundles import BundleView
from prompthub_kernel.errors import Conflict, Invalid, NotFound
from registry import channels, packs, releases
from registry.models import Bundle
from tenancy.policy import Permission


class Packs(OperatorView):
    """``/packs/``."""

    permissions = {"GET": Permission.VIEW}
    section = "packs"

    def get(self, request: HttpRequest) -> HttpResponse:
        """By address, with what runs where."""
        return self.page("portal/pages/packs.html", {"rows": shown.lines(actor=self.actor)})


class ActivatePack(BundleView):
    """``…/bundles/<pack>/activate/?environment=&to=``: the first version of an environment.

    Where the environment runs one already its channel's page leads on, with the difference.
    """

    permissions = {"GET": Permission.PUBLISH, "POST": Permission.PUBLISH}

    def get(self, request: HttpRequest) -> HttpResponse:
        """What would run there."""
        self._require_pack()
        form = PackForm(request.GET)
        if not form.is_valid():
            return self._page(form, status=422)
        try:
            name = packs.channel_name(environment=form.cleaned_data["environment"])
            channels.get(bundle=self.bundle, name=name, actor=self.actor)
        except Invalid as error:
            form.tell(error)
            return self._page(form, status=422)
        except NotFound:
            return self._page(form)
        there = redirect("portal:channel_move", self.project.slug, self.bundle.slug, name)
        there["Location"] += f"?to={form.cleaned_data['to']}"
        return there

    def post(self, request: HttpRequest) -> HttpResponse:
        """Have the environment run it."""
        self._require_pack()
        form = PackForm(request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        given = form.cleaned_data
        try:
            moved = packs.activate(
                pack=self.bundle,
                to=given["to"],
                environment=given["environment"],
                reason=given["reason"],
                confirm=given["confirm"],
                by=self.actor,
                at=self.at,
            )
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self._page(form, status=error.status)
        told = {"channel": moved.channel.name, "version": given["to"]}
        messages.success(request, _("%(channel)s gives %(version)s now.") % told)
        return redirect("portal:channel", self.project.slug, self.bundle.slug, moved.channel.name)

    def _page(self, form: PackForm, *, status: int = 200) -> HttpResponse:
        target: Any = None
        if version := form.data.get("to", ""):
            target = releases.get(bundle=self.bundle, version=version, actor=self.actor)
        marks = moves.marks(moves.Aimed(target))
        changes = moves.changes(old=None, new=target) if target else None
        return self.tab(
            "pack_activate", "channels", status=status, form=form, target=target, marks=marks, changes=changes
        )

    def _require_pack(self) -> None:
        if self.bundle.kind != Bundle.Kind.PACK:
            raise NotFound("404.bundle_not_found", "That bundle is no pack.")
