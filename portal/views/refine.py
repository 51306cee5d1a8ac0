"""Refining a draft with a model: ask, watch it write, look at every change, take what is good."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from assist import refine, switches
from assist.models import Suggestion as Row
from audit import events
from audit.actions import Action
from foundation.metrics import count_error
from portal import problems, sentences
from portal.access import OperatorView
from portal.forms.refine import PLACES, AskForm, SwitchForm
from portal.presenters import suggestion as shown
from prompthub_kernel.errors import Conflict, Invalid, NotFound, PromptHubError
from tenancy.policy import Permission

EARLIER = 8
UNCHANGED = 204
TEXTS = ("base", "text", "progress", "notes")


class RefineView(OperatorView):
    """What the pages of refining share. Where it is switched off, they answer ``403.feature_off``."""

    section = "prompts"

    def _page(
        self,
        *,
        form: AskForm | None = None,
        row: Row | None = None,
        status: int = 200,
        chosen: list[str] | None = None,
        **told: Any,
    ) -> HttpResponse:
        standing = switches.standing(client=self.client)
        found = shown.page(suggestion=row, chosen=chosen) if row is not None else None
        if form is None:
            again = row is not None and found is not None and found.state in {"failed", "stale"}
            form = AskForm(
                initial={
                    "revision": self.instance.revision,
                    "previous": row.pk if row is not None and found is not None and found.state == "ready" else None,
                    "instruction": row.instruction if again and row is not None else "",
                }
            )
        context = {
            "form": form,
            "suggestion": found,
            "model": shown.model_name(standing),
            "quick": [(key, label) for key, (label, _told) in shown.QUICK.items()],
            "earlier": self._earlier(row),
            "text": None,
            "error": None,
            **told,
        }
        template = "parts/refine_answer" if self.request.headers.get("HX-Request") else "pages/refine"
        return self.page(f"portal/{template}.html", context, status=status)

    def _earlier(self, row: Row | None) -> list[shown.Line]:
        rows = refine.listing(actor=self.actor).filter(instance=self.instance)
        rows = rows.select_related(None).select_related("instance").defer(*TEXTS)
        return [shown.line(one) for one in rows[: EARLIER + 1] if row is None or one.pk != row.pk][:EARLIER]

    def _row(self, key: uuid.UUID) -> Row:
        row = refine.get(key=key, actor=self.actor)
        if row.instance_id != self.instance.pk:
            raise NotFound("404.not_found", gettext_noop("This prompt has no such suggestion."))
        return row

    def _to(self, row: Row) -> HttpResponse:
        return redirect("portal:suggestion", self.client.slug, self.instance.pk, row.pk)


class Refine(RefineView):
    """``…/refine/``."""

    permissions = {"GET": Permission.EDIT, "POST": Permission.EDIT}
    resumes = "portal:refine"

    def get(self, request: HttpRequest) -> HttpResponse:
        """A place for a wish, and what was suggested before."""
        switches.require_on(client=self.client)
        if self.instance.archived_at is not None:
            raise Conflict("409.archived", gettext_noop("This prompt is archived; it is not edited any more."))
        return self._page()

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask. The answer is written by a worker; its page shows it as it comes."""
        form = AskForm(request.POST)
        if not form.is_valid():
            switches.require_on(client=self.client)
            return self._page(form=form, status=422)
        previous = form.cleaned_data["previous"]
        try:
            row = refine.suggest(
                instance=self.instance,
                instruction=form.cleaned_data["instruction"],
                revision=form.cleaned_data["revision"],
                previous=self._row(previous) if previous else None,
                by=self.actor,
                at=self.at,
            )
        except Invalid as error:
            problems.into_form(form, error, fields=PLACES)
            return self._page(form=form, status=422)
        except Conflict as error:
            if error.code != "409.draft_stale":
                raise
            count_error(error=error)
            fresh = request.POST.copy()
            fresh["revision"] = str(self.instance.revision)
            fresh.pop("previous", None)
            return self._page(form=AskForm(fresh), status=409, moved=self._who())
        return self._to(row)

    def _who(self) -> str:
        rows = events.for_subject(kind="instance", id=str(self.instance.pk))
        last = rows.filter(action=Action.INSTANCE_DRAFT_EDIT).first()
        return last.actor_label if last is not None else _("Somebody")


class Suggestion(RefineView):
    """``…/suggestions/<suggestion>/``."""

    permissions = {"GET": Permission.EDIT}

    def get(self, request: HttpRequest, suggestion: uuid.UUID) -> HttpResponse:
        """The page; for htmx what came of it so far, and nothing at all while that is what was seen."""
        switches.require_on(client=self.client)
        row = self._row(suggestion)
        if request.headers.get("HX-Request") and shown.seen(row) == request.GET.get("seen"):
            return HttpResponse(status=UNCHANGED)
        return self._page(row=row, fresh="HX-Request" in request.headers)


class AcceptSuggestion(RefineView):
    """``…/suggestions/<suggestion>/accept/``: ``take`` is all, changes (those ticked) or edited (the text typed)."""

    permissions = {"POST": Permission.EDIT}
    resumes = "portal:accept_suggestion"

    def post(self, request: HttpRequest, suggestion: uuid.UUID) -> HttpResponse:
        """Into the draft. What cannot be taken is told on the page, with what was ticked and typed."""
        row = self._row(suggestion)
        take = request.POST.get("take", "all")
        chosen = request.POST.getlist("change") if take == "changes" else None
        text = _typed(request.POST.get("text", ""), row.base) if take == "edited" else None
        told: dict[str, Any] = {"text": text, "chosen": chosen}
        if chosen == []:
            return self._page(row=row, status=422, nothing=True, **told)
        try:
            refine.accept(suggestion=row, text=text, changes=chosen, by=self.actor, at=self.at)
        except (Invalid, Conflict) as error:
            return self._refused(suggestion, error, told)
        messages.success(request, _("The suggestion is in the draft. Nothing is published by that."))
        return redirect("portal:prompt", self.client.slug, self.instance.pk)

    def _refused(self, key: uuid.UUID, error: PromptHubError, told: dict[str, Any]) -> HttpResponse:
        if error.code == "409.archived":
            raise error
        count_error(error=error)
        return self._page(row=self._row(key), status=409 if error.status == 409 else 422, error=error, **told)


class RejectSuggestion(RefineView):
    """``…/suggestions/<suggestion>/reject/``."""

    permissions = {"POST": Permission.EDIT}

    def post(self, request: HttpRequest, suggestion: uuid.UUID) -> HttpResponse:
        """Put it aside; the draft stays as it is."""
        row = self._row(suggestion)
        try:
            refine.reject(suggestion=row, by=self.actor, at=self.at)
        except Conflict as error:
            count_error(error=error)
            messages.warning(request, sentences.said(error.detail))
            return self._to(row)
        messages.success(request, _("The suggestion is put aside. The draft is as it was."))
        return redirect("portal:prompt", self.client.slug, self.instance.pk)


class ClientSettings(OperatorView):
    """``/clients/<client>/settings/``: what an administrator of the client switches."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.ADMIN}
    section = "client_settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What is on, and which model it would be."""
        standing = switches.standing(client=self.client)
        context = {
            "form": SwitchForm(initial={"enabled": standing.client}),
            "standing": standing,
            "model": shown.model_name(standing),
        }
        return self.page("portal/pages/client_settings.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Switch."""
        enabled = "enabled" in request.POST
        switches.switch(client=self.client, enabled=enabled, by=self.actor, at=self.at)
        said = _("A model may be asked about this client's prompts.") if enabled else _("No model is asked any more.")
        messages.success(request, said)
        return redirect("portal:client_settings", self.client.slug)


def _typed(text: str, base: str) -> str:
    """What came from a text field, which has line ends of its own."""
    return text if "\r" in base else text.replace("\r\n", "\n")
