"""Templates at the staff's door: versions are read, drafts are edited, sealed or thrown away by their verbs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold import widgets
from unfold.decorators import display
from unfold.enums import ActionVariant

from foundation.admin import Confirm, JsonField, JsonMapping, Lines, decision, written
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from templates_app import drafts, versions
from templates_app.models import Template, TemplateDraft, TemplateVersion
from tenancy.admin import History, Placed, who
from tenancy.models import Project


class SealAs(Confirm):
    label = forms.CharField(
        required=False,
        max_length=64,
        help_text="A version word of yours, e.g. 1.4. Empty: the next number.",
        widget=widgets.UnfoldAdminTextInputWidget,
    )


class EditText(Confirm):
    """The text of a draft. ``revision`` is the one the person was shown: a later edit by somebody else is refused."""

    text = forms.CharField(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 18}), strip=False)
    variables_schema = JsonMapping(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 10}))
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *given: Any, row: Any = None, **more: Any) -> None:
        super().__init__(*given, row=row, **more)
        self.initial = {
            "text": row.content_md,
            "variables_schema": row.variables_schema,
            "revision": row.revision,
        }
        if row.content_md is None:
            self.fields["text"] = JsonField(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 18}))
            self.initial["text"] = row.content_json


class Versions(Lines):
    model = TemplateVersion
    fields = ("ordinal", "label", "digest", "created_at", "created_by_label")
    ordering = ("-ordinal",)
    per_page = 20


@admin.register(Template)
class TemplateAdmin(Placed):
    place, places = "project", Project
    list_display = ("name", "project", "last_ordinal", "created_at")
    list_select_related = ("project",)
    list_filter = ("project",)
    search_fields = ("name",)
    fields = ("name", "project", "id", "last_ordinal", "created_at")
    inlines = (Versions,)


@admin.register(TemplateDraft)
class TemplateDraftAdmin(History, Placed):
    place, places = "template__project", Project
    list_display = ("name", "project", "format", "engine", "revision", "updated_at")
    list_select_related = ("template__project",)
    list_filter = ("format", "engine")
    search_fields = ("template__name",)
    ordering = ("-updated_at",)
    as_text, as_document = written("content_md", "Text"), written("content_json", "Document")
    asks_for = written("variables_schema", "Variables")
    fields = ("template", "format", "engine", "as_text", "as_document", "asks_for", "revision", "updated_at")
    actions_detail = ("edit", "seal", "discard")

    @display(description="Template", ordering="template__name")
    def name(self, row: TemplateDraft) -> str:
        return row.template.name

    @display(description="Project")
    def project(self, row: TemplateDraft) -> str:
        return row.template.project.name

    @decision("Edit", form=EditText, icon="edit")
    def edit(self, request: HttpRequest, row: TemplateDraft, values: dict[str, Any]) -> str:
        column = "content_json" if row.content_md is None else "content_md"
        body = PromptBody.parse(
            **{"content_md": None, "content_json": None, column: values["text"]}, engine=row.engine, format=row.format
        )
        draft = drafts.edit(
            template=row.template,
            revision=values["revision"],
            body=body,
            variables=VariablesSchema.parse(values["variables_schema"]),
            by=who(request),
            at=timezone.now(),
        )
        return f"The draft is at revision {draft.revision}."

    @decision("Seal", form=SealAs, icon="lock", text="The draft becomes the next version, which never changes again.")
    def seal(self, request: HttpRequest, row: TemplateDraft, values: dict[str, Any]) -> Any:
        sealed = versions.seal(template=row.template, label=values["label"] or None, by=who(request), at=timezone.now())
        return self.elsewhere(request, f"Sealed as version {sealed.label}.")

    @decision("Throw away", icon="delete", variant=ActionVariant.DANGER, text="Sealed versions stay as they are.")
    def discard(self, request: HttpRequest, row: TemplateDraft, values: dict[str, Any]) -> Any:
        drafts.discard(template=row.template, revision=row.revision, by=who(request), at=timezone.now())
        return self.elsewhere(request, "The draft is thrown away.")


@admin.register(TemplateVersion)
class TemplateVersionAdmin(Placed):
    place, places = "template__project", Project
    list_display = ("template", "label", "ordinal", "format", "engine", "digest", "created_at", "created_by_label")
    list_select_related = ("template__project",)
    list_filter = ("format", "engine")
    search_fields = ("template__name", "=label", "=digest")
    as_text, as_document = written("content_md", "Text"), written("content_json", "Document")
    asks_for = written("variables_schema", "Variables")
    fields = (
        "template",
        "label",
        "ordinal",
        "id",
        "format",
        "engine",
        "as_text",
        "as_document",
        "asks_for",
        "digest",
        "created_at",
        "created_by",
        "created_by_label",
    )
