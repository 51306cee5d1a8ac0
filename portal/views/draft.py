"""Saving a draft: by a button, or while somebody is writing. Two people never overwrite each other unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from audit import events
from audit.actions import Action
from audit.models import AuditEvent
from foundation import correlation
from foundation.metrics import count_error
from instances import comparing, drafts, versions
from instances.comparing import Kind, Level, Side
from instances.models import PromptInstance
from portal.forms.chat import ChatForm
from portal.forms.draft import TextForm
from portal.forms.variables import VariablesForm
from portal.presenters import prompt as shown
from portal.presenters import showing
from portal.presenters.prompt import has_own_text
from portal.views.prompt import PromptView
from prompthub_kernel.errors import Conflict, Invalid
from tenancy.policy import Permission

STALE = "409.draft_stale"


class Draft(PromptView):
    """``…/draft/``: ``part`` says what is saved, ``variables`` or the text; ``autosave``: no button was pressed."""

    permissions = {"POST": Permission.EDIT}
    resumes = "portal:preview"

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save, unless the draft was changed meanwhile: then both texts are shown, and nothing is lost."""
        self.autosave = "autosave" in request.POST
        self.of_variables = request.POST.get("part") == "variables"
        form = self._form(request.POST)
        if not form.is_valid():
            return self._refused(form)
        if not (changes := self._changes(form)):
            return self._saved(self.instance, changed=False)
        try:
            draft = self._edit(form.cleaned_data["revision"], changes)
        except Conflict as error:
            if error.code != STALE:
                raise
            count_error(error=error)
            return self._stale()
        except Invalid as error:
            form.tell(error)
            return self._refused(form)
        return self._saved(draft, changed=True)

    def _edit(self, revision: int, changes: dict[str, Any]) -> PromptInstance:
        """Save. A press of the button outruns what this very page was saving by itself, and is no conflict with it."""
        session = correlation.accept(self.request.POST.get("session"))
        with correlation.use(session):
            if not self.autosave:
                revision = self._revision_of_this_page(revision, session)
            return drafts.edit(
                instance=self.instance,
                revision=revision,
                by=self.actor,
                at=self.at,
                autosave=self.autosave,
                **changes,
            )

    def _revision_of_this_page(self, revision: int, session: str) -> int:
        """The newest revision, if everything since the given one was saved from this page; else the given one."""
        newest = drafts.get(key=self.instance.pk, actor=self.actor).revision
        if newest <= revision:
            return revision
        mine = {event.metadata.get("revision") for event in self._edits_of_this_page(session)[: newest - revision]}
        return newest if mine == set(range(revision + 1, newest + 1)) else revision

    def _edits_of_this_page(self, session: str) -> QuerySet[AuditEvent]:
        """What this person saved since the page was opened, newest first."""
        return events.for_subject(kind="instance", id=str(self.instance.pk)).filter(
            action=Action.INSTANCE_DRAFT_EDIT, correlation_id=session, actor_id=self.actor.id
        )

    def _form(self, given: Any) -> TextForm | ChatForm | VariablesForm:
        return self.variables_form(given) if self.of_variables else self.text_form(given)

    def _changes(self, form: TextForm | ChatForm | VariablesForm) -> dict[str, Any]:
        """What is not in the draft already."""
        if isinstance(form, VariablesForm):
            secrets = self.instance.secret_values
            same = all(
                form.variables[name] == secrets.get(name) for name in form.variables.keys() & form.schema.secret_names
            )
            values = {name: value for name, value in form.variables.items() if name not in form.schema.secret_names}
            return (
                {} if same and _spelled(values) == _spelled(self.instance.variables) else {"variables": form.variables}
            )
        body = None if "use_template" in self.request.POST else form.body
        digest = (body or self.instance.template_version.body).digest()
        same = digest == self.instance.body.digest() and has_own_text(self.instance) == (body is not None)
        return {} if same else {"body": body}

    def _saved(self, draft: PromptInstance, *, changed: bool) -> HttpResponse:
        if self.autosave:
            status, tone = shown.standing(draft, differs=versions.unpublished(instance=draft))
            told = {"status": status, "tone": tone, "of_text": not self.of_variables, "own": has_own_text(draft)}
            return self.page("portal/parts/draft_status.html", told, state="saved", draft=draft)
        saved = changed or self._edits_of_this_page(self.request.POST.get("session", "")).exists()
        messages.success(self.request, _("The draft is saved.") if saved else _("There was nothing to save."))
        address = reverse("portal:prompt", kwargs={"client": self.client.slug, "instance": draft.pk})
        return redirect(f"{address}?tab=variables" if self.of_variables else address)

    def _refused(self, form: TextForm | ChatForm | VariablesForm) -> HttpResponse:
        if self.autosave:
            return self.page("portal/parts/draft_status.html", status=422, state="refused", form=form)
        if isinstance(form, VariablesForm):
            return self.variables_tab(form, status=422)
        return self.text_tab(form, status=422)

    def _stale(self) -> HttpResponse:
        """Both drafts, theirs and this one, and the form again: saving it now is a decision."""
        theirs = self.instance = drafts.get(key=self.instance.pk, actor=self.actor)
        last = events.for_subject(kind="instance", id=str(theirs.pk)).filter(action=Action.INSTANCE_DRAFT_EDIT).first()
        who = last.actor_label if last is not None else ""
        if self.autosave:
            return self.page("portal/parts/draft_status.html", status=409, state="stale", draft=theirs, who=who)
        given = self.request.POST.copy()
        given["revision"] = str(theirs.revision)
        form = self._form(given)
        form.is_valid()
        base = comparing.side(instance=theirs, word=str(Kind.DRAFT), level=Level.SOURCE, actor=self.actor)
        conflict = {
            "who": who,
            "theirs": theirs,
            "shown": showing.show(base=base, target=_mine(base, form, theirs), format=theirs.template_version.format),
        }
        if isinstance(form, VariablesForm):
            return self.variables_tab(form, status=409, conflict=conflict)
        return self.text_tab(form, status=409, conflict=conflict)


def _mine(theirs: Side, form: TextForm | ChatForm | VariablesForm, draft: PromptInstance) -> Side:
    """What this person wanted to save."""
    if isinstance(form, VariablesForm):
        schema = form.schema
        secrets = {name for name in form.variables if name in schema.secret_names and form.variables[name] is not None}
        values = {name: value for name, value in form.variables.items() if name not in schema.secret_names}
        return replace(theirs, variables=schema.complete(values), secrets=theirs.secrets | secrets)
    body = form.body or draft.template_version.body
    return replace(theirs, text=body.source(), document=body.document, variables=None)


def _spelled(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)
