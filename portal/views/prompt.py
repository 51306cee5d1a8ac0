"""A prompt's page: its text, its variables and its versions."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from foundation import correlation
from instances import versions
from instances.models import InstanceVersion
from portal.access import OperatorView
from portal.forms import chat
from portal.forms.chat import ChatForm
from portal.forms.draft import TextForm
from portal.forms.variables import VariablesForm
from portal.presenters import previewing, using
from portal.presenters import prompt as shown
from portal.presenters.writing import declared, notes
from prompthub_kernel.body import BodyFormat, PromptBody
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

    def text_tab(self, form: TextForm | ChatForm, *, status: int = 200, **more: Any) -> HttpResponse:
        """The editor."""
        instance = self.instance
        body = self.typed(form) or instance.body
        more.setdefault("preview", previewing.preview(instance=instance, actor=self.actor, body=body))
        if instance.archived_at is not None or not self.may[Permission.EDIT].allowed:
            form.lock()
        schema = instance.template_version.variables
        return self.tab(
            "prompt",
            status=status,
            form=form,
            notes=notes(body=body, schema=schema),
            own=shown.has_own_text(instance),
            known=schema.names,
            is_chat=body.format is BodyFormat.CHAT,
            declared=declared(schema),
            snippets=using.snippets(instance=instance, origin=self.request.build_absolute_uri("/")),
            **more,
        )

    def text_form(self, given: QueryDict | None = None) -> TextForm | ChatForm:
        """The form of this prompt's text: cards for a chat, unless the address or the form asks for its JSON."""
        if given is not None:
            cards = given.get("shape") == ChatForm.shape and self.instance.template_version.format == BodyFormat.CHAT
        else:
            cards = self.request.GET.get("as") != "json" and chat.suits(self.instance.body)
        return ChatForm(given, instance=self.instance) if cards else TextForm(given, instance=self.instance)

    def typed(self, form: TextForm | ChatForm) -> PromptBody | None:
        """What somebody typed, None where that is no text or nobody typed."""
        return (form.body or self.instance.template_version.body) if form.is_bound and form.is_valid() else None

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
        return self.text_tab(self.text_form())

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
    resumes = "portal:preview"

    def post(self, request: HttpRequest) -> HttpResponse:
        """A fragment for htmx, the whole tab without."""
        if request.POST.get("part") == "variables":
            return self._of_variables(request)
        given, focus = chat.rearranged(request.POST, request.POST.get("move", ""))
        form = self.text_form(given)
        body = self.typed(form)
        if request.headers.get("HX-Request"):
            if body is None:
                return self.page("portal/parts/preview.html", form=form)
            schema = self.instance.template_version.variables
            found = previewing.preview(instance=self.instance, actor=self.actor, body=body)
            return self.page(
                "portal/parts/preview_and_notes.html", preview=found, notes=notes(body=body, schema=schema)
            )
        if "show" in given:
            form = self._reshaped(form, given.get("show", ""))
        if isinstance(form, ChatForm):
            form.focus = focus
        return self.text_tab(form, resumed="resumed" in given)

    def _reshaped(self, form: TextForm | ChatForm, shape: str) -> TextForm | ChatForm:
        """The same messages as cards or as JSON; what is no list of messages stays JSON."""
        revision = self.request.POST.get("revision", "")
        if isinstance(form, ChatForm) and shape != ChatForm.shape:
            text = json.dumps(form.document(), indent=2, ensure_ascii=False)
            return TextForm({"text": text, "revision": revision}, instance=self.instance)
        body = self.typed(form)
        if isinstance(form, TextForm) and shape == ChatForm.shape and body is not None and chat.suits(body):
            return ChatForm.holding(body.document or (), revision=revision, instance=self.instance)
        return form

    def _of_variables(self, request: HttpRequest) -> HttpResponse:
        form = self.variables_form(request.POST)
        found = None
        if "show" in request.POST:
            return self.variables_tab(form.turned())
        if form.is_valid():
            values = {name: value for name, value in form.variables.items() if value is not None}
            found = previewing.preview(instance=self.instance, actor=self.actor, variables=values)
        if request.headers.get("HX-Request"):
            return self.page("portal/parts/preview.html", preview=found, form=form)
        return self.variables_tab(form) if found is None else self.variables_tab(form, preview=found)
