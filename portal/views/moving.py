"""A draft moved to another version of its template: what that changes, and what the other version asks for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from foundation import ids
from foundation.metrics import count_error
from instances import comparing, drafts
from instances.comparing import Kind, Level
from portal.forms.variables import VariablesForm
from portal.presenters import showing
from portal.views.prompt import PromptView
from prompthub_kernel.errors import Conflict, Invalid, NotFound
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion
from tenancy.policy import Permission

STALE = "409.draft_stale"


class Move(PromptView):
    """``…/template/?to=`` a version's key. ``own=drop`` in the form: the template's text replaces the own one."""

    permissions = {"GET": Permission.EDIT, "POST": Permission.EDIT}

    def get(self, request: HttpRequest) -> HttpResponse:
        """What changes, and the variables of the other version."""
        other = self._other(request.GET.get("to", ""))
        return self._shown(other, self._form(other, None))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Move the draft; nothing is published."""
        other = self._other(request.POST.get("to", ""))
        form = self._form(other, request.POST)
        if not form.is_valid():
            return self._shown(other, form, status=422)
        text: dict[str, Any] = {"body": None} if request.POST.get("own") == "drop" else {}
        try:
            drafts.edit(
                instance=self.instance,
                revision=form.cleaned_data["revision"],
                template_version=other,
                variables=form.variables,
                by=self.actor,
                at=self.at,
                **text,
            )
        except Invalid as error:
            form.tell(error)
            return self._shown(other, form, status=422)
        except Conflict as error:
            if error.code != STALE:
                raise
            count_error(error=error)
            self.instance = drafts.get(key=self.instance.pk, actor=self.actor)
            given = request.POST.copy()
            given["revision"] = str(self.instance.revision)
            return self._shown(other, self._form(other, given), status=409, moved=True)
        messages.success(request, _("The draft follows version %(label)s of its template.") % {"label": other.label})
        return redirect("portal:prompt", client=self.client.slug, instance=self.instance.pk)

    def _other(self, key: str) -> TemplateVersion:
        """Another version of the same template that this person may read."""
        try:
            found = template_versions.get(key=ids.read(text=key), actor=self.actor)
        except ValueError:
            found = None
        own = self.instance.template_version
        if found is None or found.template_id != own.template_id or found.pk == own.pk:
            raise NotFound("404.template_or_instance_not_found", gettext_noop("There is no such template."))
        return found

    def _form(self, other: TemplateVersion, given: Any) -> VariablesForm:
        instance, schema = self.instance, other.variables
        return VariablesForm(
            given,
            schema=schema,
            values=instance.variables,
            secrets_set=schema.secret_names & instance.secret_values.keys(),
            revision=instance.revision,
        )

    def _shown(self, other: TemplateVersion, form: VariablesForm, *, status: int = 200, **more: Any) -> HttpResponse:
        instance = self.instance
        base, target = (
            comparing.side(instance=instance, word=word, level=Level.SOURCE, actor=self.actor)
            for word in (str(Kind.TEMPLATE), f"{Kind.TEMPLATE}:{other.pk}")
        )
        context = {
            "other": other,
            "form": form,
            "rows": list(form.rows()),
            "shown": showing.show(base=base, target=target, format=other.format),
            "own": instance.content_md is not None or instance.content_json is not None,
            "drop": self.request.POST.get("own") == "drop",
        }
        return self.page("portal/pages/move.html", {**context, **more}, status=status)
