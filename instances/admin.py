"""Clients' prompts at the staff's door: drafts with their history, sealed versions, and what was active when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold import widgets
from unfold.decorators import display
from unfold.enums import ActionVariant

from foundation.admin import Confirm, Endless, JsonMapping, Lines, Unshown, as_text, decision, written
from instances import drafts
from instances.models import InstanceVersion, PromptInstance, Publication
from prompthub_kernel.body import BodyFormat
from tenancy.admin import History, Placed, who

LABELS = {"draft": "info", "active": "success", "archived": "warning"}


class EditVariables(Confirm):
    """``revision`` is the one the person was shown: a later edit by somebody else is refused."""

    variables = JsonMapping(widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 12}))
    secrets = JsonMapping(
        required=False,
        help_text="New values of secret variables, as JSON. Left out: they stay. null takes one away. Never shown.",
        widget=Unshown(attrs={"rows": 3}),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *given: Any, row: Any = None, **more: Any) -> None:
        super().__init__(*given, row=row, **more)
        self.initial = {"variables": row.variables, "revision": row.revision}


class Versions(Lines):
    model = InstanceVersion
    fk_name = "instance"
    fields = ("ordinal", "digest", "created_at", "created_by_label")
    ordering = ("-ordinal",)
    per_page = 10


class Publications(Lines):
    model = Publication
    fields = ("ordinal", "version", "previous", "at", "by_label", "reason")
    ordering = ("-ordinal",)
    per_page = 10

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the versions' names."""
        return super().get_queryset(request).select_related("version", "previous")


@admin.register(PromptInstance)
class PromptInstanceAdmin(History, Placed):
    list_display = ("name", "client", "template", "runs", "revision", "updated_at")
    list_select_related = ("client", "template_version__template", "active_version")
    list_filter = (("archived_at", admin.EmptyFieldListFilter), ("active_version", admin.EmptyFieldListFilter))
    search_fields = ("name", "client__slug", "=id")
    ordering = ("-updated_at",)
    own_text, own_document = written("content_md", "Own text"), written("content_json", "Own document")
    filled_in = written("variables", "Variables")
    fields = (
        "name",
        "client",
        "id",
        "runs",
        "template",
        "filled_in",
        "secret_names",
        "own_text",
        "own_document",
        "revision",
        "based_on",
        "active_version",
        "created_at",
        "updated_at",
        "archived_at",
    )
    inlines = (Versions, Publications)
    actions_detail = ("edit", "archive")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everything a page names."""
        rows = super().get_queryset(request)
        return rows.select_related("client", "template_version__template", "based_on", "active_version")

    @display(description="Template")
    def template(self, row: PromptInstance) -> str:
        return str(row.template_version)

    @display(description="State", label=LABELS)
    def runs(self, row: PromptInstance) -> str:
        return row.status

    @display(description="Secret variables set")
    def secret_names(self, row: PromptInstance) -> str:
        return ", ".join(sorted(row.secret_values))

    @decision("Edit the variables", form=EditVariables, icon="edit", when=lambda row: row.archived_at is None)
    def edit(self, request: HttpRequest, row: PromptInstance, values: dict[str, Any]) -> str:
        given = {**values["variables"], **(values["secrets"] or {})}
        draft = drafts.edit(
            instance=row, revision=values["revision"], variables=given, by=who(request), at=timezone.now()
        )
        return f"The draft is at revision {draft.revision}; what runs is unchanged until it is published."

    @decision(
        "Archive",
        text="It is not edited or published any more. What providers run stays as it is.",
        icon="archive",
        variant=ActionVariant.DANGER,
        when=lambda row: row.archived_at is None,
    )
    def archive(self, request: HttpRequest, row: PromptInstance, values: dict[str, Any]) -> str:
        drafts.archive(instance=row, by=who(request), at=timezone.now())
        return f"{row.name} is archived."


@admin.register(InstanceVersion)
class InstanceVersionAdmin(Placed, Endless):
    place = "instance__client"
    list_display = ("instance", "client", "ordinal", "digest", "created_at", "created_by_label")
    list_select_related = ("instance__client",)
    search_fields = ("=digest", "=instance__id", "instance__name")
    ordering = ("-id",)
    source, document = written("content_md", "Source"), written("content_json", "Source document")
    filled_in = written("variables", "Variables")
    fields = (
        "instance",
        "ordinal",
        "id",
        "text",
        "source",
        "document",
        "filled_in",
        "template_version",
        "format",
        "engine",
        "digest",
        "created_at",
        "created_by",
        "created_by_label",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everything a page names."""
        return super().get_queryset(request).select_related("instance__client", "template_version__template")

    @display(description="Client")
    def client(self, row: InstanceVersion) -> str:
        return row.instance.client.name

    @display(description="Sealed text")
    def text(self, row: InstanceVersion) -> SafeString | str:
        return as_text(row.as_json() if row.format in {BodyFormat.JSON, BodyFormat.CHAT} else row.rendered.text())


@admin.register(Publication)
class PublicationAdmin(Placed, Endless):
    place = "instance__client"
    list_display = ("instance", "client", "ordinal", "version", "previous", "at", "by_label", "reason")
    list_select_related = ("instance__client", "version", "previous")
    search_fields = ("=correlation_id", "=instance__id", "instance__name")
    ordering = ("-id",)
    fields = (
        "instance",
        "ordinal",
        "id",
        "version",
        "previous",
        "secret_revision",
        "at",
        "by",
        "by_label",
        "reason",
        "correlation_id",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everything a page names."""
        return super().get_queryset(request).select_related("instance__client", "version", "previous")

    @display(description="Client")
    def client(self, row: Publication) -> str:
        return row.instance.client.name
