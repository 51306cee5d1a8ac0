"""A prompt's page: its text, its variables and its versions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from foundation import correlation
from instances import versions
from instances.models import InstanceVersion
from portal.access import OperatorView
from portal.forms.draft import TextForm
from portal.forms.variables import VariablesForm
from portal.presenters import previewing
from portal.presenters import prompt as shown
from portal.presenters.writing import notes
from prompthub_kernel.errors import NotFound
from tenancy.policy import Permission

TEMPLATES = {
    "prompt": "portal/pages/prompt_text.html",
    "variables": "portal/pages/prompt_variables.html",
    "versions": "portal/pages/prompt_versions.html",
    "compare": "portal/pages/prompt_compare.html",
}


class PromptView(OperatorView):
    """What the pages of one prompt share: the frame, and the forms of its draft."""

    section = "prompts"

    def tab(self, tab: str, *, status: int = 200, **more: Any) -> HttpResponse:
        """A page below the prompt's frame."""
        frame = {
            "prompt": shown.prompt(instance=self.instance, actor=self.actor),
            "tab": tab,
            "session": self.request.POST.get("session") or correlation.new(),
        }
        return self.page(TEMPLATES[tab], {**frame, **more}, status=status)

    def text_tab(self, form: TextForm, *, status: int = 200, **more: Any) -> HttpResponse:
        """The editor."""
        instance = self.instance
        body = form.body if form.is_bound and form.body is not None else instance.body
        more.setdefault("preview", previewing.preview(instance=instance, actor=self.actor, body=body))
        if instance.archived_at is not None or not self.may[Permission.EDIT].allowed:
            form.fields["text"].widget.attrs["readonly"] = True
        schema = instance.template_version.variables
        own = instance.content_md is not None or instance.content_json is not None
        return self.tab(
            "prompt",
            status=status,
            form=form,
            notes=notes(body=body, schema=schema),
            own=own,
            known=schema.names,
            **more,
        )

    def variables_tab(self, form: VariablesForm, *, status: int = 200, **more: Any) -> HttpResponse:
        """The variables pane."""
        more.setdefault("preview", previewing.preview(instance=self.instance, actor=self.actor))
        return self.tab("variables", status=status, form=form, rows=list(form.rows()), **more)

    def variables_form(self, given: Any = None) -> VariablesForm:
        """The form of this prompt's variables; one JSON text where the address or the form asks for it."""
        instance, schema = self.instance, self.instance.template_version.variables
        wanted = self.request.POST if given is not None else self.request.GET
        return VariablesForm(
            given,
            schema=schema,
            values=instance.variables,
            secrets_set=schema.secret_names & instance.secret_values.keys(),
            as_json=wanted.get("as") == "json",
            revision=instance.revision,
        )


class Prompt(PromptView):
    """``/clients/<client>/prompts/<instance>/``."""

    permissions = {"GET": Permission.VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        """The tab the address asks for; ``?version=7`` opens that version."""
        tab = request.GET.get("tab", "prompt")
        if "version" in request.GET or tab == "versions":
            return self._versions(request.GET.get("version", ""))
        if tab == "variables":
            return self.variables_tab(self.variables_form())
        return self.text_tab(TextForm(instance=self.instance))

    def _versions(self, number: str) -> HttpResponse:
        chosen = self._chosen(number)
        if chosen is None:
            return self.tab("versions")
        return self.tab(
            "versions",
            chosen=chosen,
            sealed=previewing.shown(rendered=chosen.rendered, format=chosen.format),
            rollback=shown.rollback(self.instance, chosen),
        )

    def _chosen(self, number: str) -> InstanceVersion | None:
        """The version of that number; without one the newest, if there is any."""
        rows = versions.history(instance=self.instance)
        if not number:
            return rows.first()
        known = number.isascii() and number.isdigit() and len(number) < 10
        found = rows.filter(ordinal=int(number)).first() if known else None
        if found is None:
            raise NotFound("404.template_or_instance_not_found", "This prompt has no version of that number.")
        return found


class Preview(PromptView):
    """``…/preview/``: the text as it would be sent, with what the form holds. Stores nothing."""

    permissions = {"POST": Permission.VIEW}

    def post(self, request: HttpRequest) -> HttpResponse:
        """A fragment for htmx, the whole tab without."""
        if request.POST.get("part") == "variables":
            return self._of_variables(request)
        form = TextForm(request.POST, instance=self.instance)
        body = (form.body or self.instance.template_version.body) if form.is_valid() else None
        if request.headers.get("HX-Request"):
            if body is None:
                return self.page("portal/parts/preview.html", form=form)
            schema = self.instance.template_version.variables
            found = previewing.preview(instance=self.instance, actor=self.actor, body=body)
            return self.page(
                "portal/parts/preview_and_notes.html", preview=found, notes=notes(body=body, schema=schema)
            )
        return self.text_tab(form)

    def _of_variables(self, request: HttpRequest) -> HttpResponse:
        form = self.variables_form(request.POST)
        found = None
        if form.is_valid():
            values = {name: value for name, value in form.variables.items() if value is not None}
            found = previewing.preview(instance=self.instance, actor=self.actor, variables=values)
        if request.headers.get("HX-Request"):
            return self.page("portal/parts/preview.html", preview=found, form=form)
        return self.variables_tab(form) if found is None else self.variables_tab(form, preview=found)
