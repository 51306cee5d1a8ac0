"""A client's targets: provider accounts, and which prompt goes where in them."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from instances import drafts
from portal.access import OperatorView
from portal.forms.targets import ADAPTERS, ContractForm, PlaceForm, SettingsForm, TargetForm
from portal.presenters import targets as shown
from prompthub_kernel.errors import Conflict, Invalid, NotFound
from publishing import targets
from publishing.models import Placement, Target
from tenancy.policy import Permission


class TargetView(OperatorView):
    """What the pages of targets share: the target of the address, which is the client's own."""

    section = "targets"

    def target(self, key: uuid.UUID) -> Target:
        """A target of this client. Raises ``404.not_found``."""
        found = targets.get(key=key, actor=self.actor)
        if found.client_id != self.client.pk:
            raise NotFound("404.not_found", gettext_noop("This client has no such target."))
        return found

    def to(self, target: Target) -> HttpResponse:
        """Back to the target's page."""
        return redirect("portal:target", self.client.slug, target.pk)

    def shown(self, target: Target, *, status: int = 200, **more: Any) -> HttpResponse:
        """The target's page."""
        more.setdefault("form", SettingsForm(target=target))
        context = {
            "target": target,
            "state": shown.state_of(target),
            "adapter": ADAPTERS.get(target.adapter, (target.adapter, "")),
            "places": shown.places(target=target, actor=self.actor),
            "pauses": shown.pauses(target=target, actor=self.actor, at=self.at),
            "credentials_set": sorted(target.credential_values),
        }
        return self.page("portal/pages/target.html", {**context, **more}, status=status)


class Targets(TargetView):
    """``/clients/<client>/targets/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """By name, with what needs a person."""
        return self.page("portal/pages/targets.html", {"rows": shown.lines(client=self.client, actor=self.actor)})


class NewTarget(TargetView):
    """``/clients/<client>/targets/new/?adapter=n8n``."""

    permissions = {"GET": Permission.ADMIN, "POST": Permission.ADMIN}

    def get(self, request: HttpRequest) -> HttpResponse:
        """Which adapter; then its form."""
        adapter = request.GET.get("adapter", "")
        return self._page(TargetForm(adapter=adapter) if adapter in ADAPTERS else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, or show what its contract does not allow."""
        adapter = request.GET.get("adapter", "")
        if adapter not in ADAPTERS:
            return self._page(None, status=422)
        form = TargetForm(request.POST, adapter=adapter)
        if not form.is_valid():
            return self._page(form, status=422)
        try:
            made = targets.create(
                client=self.client,
                name=form.cleaned_data["name"],
                adapter=adapter,
                settings=form.parts["settings"],
                credentials=form.parts["credentials"],
                by=self.actor,
                at=self.at,
            )
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self._page(form, status=error.status)
        messages.success(request, _("The target is there. Give it a prompt."))
        return self.to(made)

    def _page(self, form: TargetForm | None, *, status: int = 200) -> HttpResponse:
        chosen = ADAPTERS[form.adapter] if form is not None else None
        context = {"form": form, "adapters": ADAPTERS, "chosen": chosen}
        return self.page("portal/pages/target_new.html", context, status=status)


class OneTarget(TargetView):
    """``/clients/<client>/targets/<target>/``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.ADMIN}

    def get(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Its settings, which credentials are set, and its places."""
        return self.shown(self.target(target))

    def post(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Change the settings."""
        row = self.target(target)
        form = SettingsForm(request.POST, target=row)
        if not form.is_valid():
            return self.shown(row, status=422, form=form)
        try:
            targets.change(
                target=row,
                settings=form.parts["settings"],
                credentials=form.parts.get("credentials"),
                by=self.actor,
                at=self.at,
            )
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self.shown(row, status=error.status, form=form)
        messages.success(request, _("The settings are saved."))
        return self.to(row)


class Credentials(TargetView):
    """``/clients/<client>/targets/<target>/credentials/``."""

    permissions = {"GET": Permission.ADMIN, "POST": Permission.ADMIN}

    def get(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Empty fields: what is set is never shown."""
        row = self.target(target)
        return self._page(row, ContractForm(adapter=row.adapter, parts=("credentials",)))

    def post(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Replace all of them."""
        row = self.target(target)
        form = ContractForm(request.POST, adapter=row.adapter, parts=("credentials",))
        if not form.is_valid():
            return self._page(row, form, status=422)
        try:
            targets.rotate_credentials(target=row, credentials=form.parts["credentials"], by=self.actor, at=self.at)
        except Invalid as error:
            form.tell(error)
            return self._page(row, form, status=error.status)
        messages.success(request, _("Deliveries from now on use the new credentials."))
        return self.to(row)

    def _page(self, row: Target, form: ContractForm, *, status: int = 200) -> HttpResponse:
        context = {"target": row, "form": form, "credentials_set": sorted(row.credential_values)}
        return self.page("portal/pages/target_credentials.html", context, status=status)


class TestTarget(TargetView):
    """``/clients/<client>/targets/<target>/test/``."""

    __test__ = False
    permissions = {"POST": Permission.ADMIN}

    def post(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Ask the provider whether each place can be written; nothing is changed there."""
        row = self.target(target)
        answers = shown.answers(targets.test(target=row, actor=self.actor))
        if request.headers.get("HX-Request"):
            return self.page("portal/parts/target_test.html", {"answers": answers})
        return self.shown(row, answers=answers, tested=True)


class SwitchTarget(TargetView):
    """``/clients/<client>/targets/<target>/disable/`` and ``…/enable/``."""

    permissions = {"POST": Permission.ADMIN}
    enabled = False

    def post(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Off, nothing is sent there; on again, it gets what it missed."""
        row = self.target(target)
        switch = targets.enable if self.enabled else targets.disable
        switch(target=row, by=self.actor, at=self.at)
        told = (
            _("What is published goes there again; what it missed is sent now.")
            if self.enabled
            else _("Nothing is published there any more.")
        )
        messages.success(request, told)
        return self.to(row)


class ResumeTarget(TargetView):
    """``/clients/<client>/targets/<target>/resume/``."""

    permissions = {"POST": Permission.ADMIN}

    def post(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """End the pauses, those that the provider asked for, too."""
        row = targets.resume(target=self.target(target), by=self.actor, at=self.at)
        messages.success(request, _("The pauses are over: what waits is tried at once."))
        return self.to(row)


class Place(TargetView):
    """``/clients/<client>/targets/<target>/place/``."""

    permissions = {"GET": Permission.ADMIN, "POST": Permission.ADMIN}

    def get(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Which prompt, and where."""
        row = self.target(target)
        chosen = {"instance_id": request.GET.get("prompt", "")}
        return self._page(row, self._form(row, initial=chosen))

    def post(self, request: HttpRequest, target: uuid.UUID) -> HttpResponse:
        """Say that the prompt goes there."""
        row = self.target(target)
        form = self._form(row, request.POST)
        if not form.is_valid():
            return self._page(row, form, status=422)
        try:
            targets.place(
                instance=drafts.get(key=form.cleaned_data["instance_id"], actor=self.actor),
                target=row,
                location=form.parts["location"],
                by=self.actor,
                at=self.at,
            )
        except (Invalid, Conflict) as error:
            form.tell(error)
            return self._page(row, form, status=error.status)
        messages.success(request, _("The prompt has its place. It goes there with the next publication."))
        return self.to(row)

    def _form(self, row: Target, given: Any = None, **more: Any) -> PlaceForm:
        prompts = shown.prompts(client=self.client, actor=self.actor)
        return PlaceForm(given, adapter=row.adapter, prompts=prompts, **more)

    def _page(self, row: Target, form: PlaceForm, *, status: int = 200) -> HttpResponse:
        return self.page("portal/pages/target_place.html", {"target": row, "form": form}, status=status)


class RemovePlacement(TargetView):
    """``/clients/<client>/targets/<target>/placements/<placement>/remove/``."""

    permissions = {"POST": Permission.ADMIN}

    def post(self, request: HttpRequest, target: uuid.UUID, placement: uuid.UUID) -> HttpResponse:
        """What runs there stays."""
        row = self.target(target)
        targets.remove_placement(placement=self._placement(row, placement), by=self.actor, at=self.at)
        messages.success(request, _("The prompt does not go there any more. What runs there stays."))
        return self.to(row)

    def _placement(self, row: Target, key: uuid.UUID) -> Placement:
        found = targets.get_placement(key=key, actor=self.actor)
        if found.target_id != row.pk:
            raise NotFound("404.not_found", gettext_noop("This target has no such place."))
        return found
