"""The registry at the staff's door, to be read: bundles and channels are changed in the portal and by the API."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from foundation.admin import Endless, Lines, ReadOnly, written
from registry.models import (
    Activation,
    Bundle,
    Channel,
    Inclusion,
    Member,
    Pin,
    Release,
    ReleaseMark,
    ReleaseRequirement,
    ReleaseSignature,
    RepositoryIndex,
    Requirement,
    SearchWord,
    SigningKey,
)
from tenancy.admin import History, Placed
from tenancy.models import Project

POLICIES = {"Live": "success", "Review": "info", "Locked": "warning"}
STATES = {"Active": "success", "Proposed": "info", "Scheduled": "info", "Rejected": "warning", "Failed": "danger"}


class _Joined(Lines):
    """Lines with the names of what they point at."""

    joined: tuple[str, ...] = ()
    per_page = 20

    def get_queryset(self, request: HttpRequest) -> Any:
        """In one query."""
        return super().get_queryset(request).select_related(*self.joined)


class Members(_Joined):
    model = Member
    fields = ("name", "template")
    joined = ("template",)


class Requirements(_Joined):
    model = Requirement
    fk_name = "bundle"
    fields = ("required", "selector")
    joined = ("required",)


class Pins(_Joined):
    model = Pin
    fields = ("name", "template_version")
    joined = ("template_version__template",)


class Needs(_Joined):
    model = ReleaseRequirement
    fk_name = "release"
    fields = ("required", "selector", "resolved")
    joined = ("required", "resolved")


class Inclusions(_Joined):
    model = Inclusion
    fk_name = "release"
    fields = ("name", "included", "prompt")
    joined = ("included",)


class Marks(Lines):
    model = ReleaseMark
    fields = ("kind", "reason", "message", "at", "by_label")
    per_page = 20


class Signatures(_Joined):
    model = ReleaseSignature
    fields = ("key", "signature", "at")
    joined = ("key",)


@admin.register(Bundle)
class BundleAdmin(History, Placed):
    place, places = "project", Project
    list_display = ("slug", "project", "title", "kind", "revision", "updated_at")
    list_select_related = ("project",)
    list_filter = ("kind",)
    search_fields = ("slug", "title", "=id")
    ordering = ("slug", "id")
    goes_with = written("compatibility", "Compatibility")
    fields = (
        "slug",
        "project",
        "id",
        "title",
        "kind",
        "description",
        "goes_with",
        "revision",
        "created_at",
        "updated_at",
    )
    inlines = (Members, Requirements)


@admin.register(Release)
class ReleaseAdmin(Placed, Endless):
    place, places = "bundle__project", Project
    list_display = ("bundle", "project", "version", "digest", "created_at", "created_by_label")
    list_select_related = ("bundle__project",)
    list_filter = ("pre_release",)
    search_fields = ("bundle__slug", "=number", "=digest")
    ordering = ("-id",)
    paper = written("manifest", "Manifest")
    fields = (
        "bundle",
        "version",
        "id",
        "variant",
        "pre_release",
        "digest",
        "paper",
        "notes",
        "created_at",
        "created_by",
        "created_by_label",
    )
    inlines = (Pins, Needs, Inclusions, Marks, Signatures)

    @display(description="Project")
    def project(self, row: Release) -> str:
        return row.bundle.project.name


@admin.register(Channel)
class ChannelAdmin(History, Placed):
    place, places = "bundle__project", Project
    list_display = ("bundle", "name", "ruled", "release", "split_release", "split_percent", "updated_at")
    list_select_related = ("bundle__project", "release", "split_release")
    list_filter = ("policy",)
    search_fields = ("bundle__slug", "name", "=id")
    ordering = ("bundle__slug", "name", "id")
    fields = (
        "bundle",
        "name",
        "id",
        "policy",
        "release",
        "split_release",
        "split_percent",
        "split_segments",
        "last_ordinal",
        "created_at",
        "updated_at",
    )

    @display(description="Policy", ordering="policy", label=POLICIES)
    def ruled(self, row: Channel) -> str:
        return str(row.get_policy_display())


@admin.register(Activation)
class ActivationAdmin(Placed, Endless):
    place, places = "channel__bundle__project", Project
    list_display = ("bundle", "channel", "ordinal", "stands", "previous", "release", "at", "by_label", "reason")
    list_select_related = ("channel__bundle__project", "previous", "release", "split_release")
    list_filter = ("state",)
    search_fields = ("=channel__name", "channel__bundle__slug", "=correlation_id")
    ordering = ("-id",)
    fields = (
        "channel",
        "ordinal",
        "id",
        "state",
        "policy",
        "previous",
        "release",
        "split_release",
        "split_percent",
        "split_segments",
        "at",
        "by",
        "by_label",
        "reason",
        "revision",
        "due_at",
        "active_at",
        "decided_at",
        "decided_by",
        "decided_by_label",
        "comment",
        "error_code",
        "error_detail",
        "correlation_id",
    )

    @display(description="Bundle")
    def bundle(self, row: Activation) -> str:
        return str(row.channel.bundle.address)

    @display(description="State", ordering="state", label=STATES)
    def stands(self, row: Activation) -> str:
        return str(row.get_state_display())


@admin.register(RepositoryIndex)
class RepositoryIndexAdmin(Placed, Endless):
    place, places = "project", Project
    list_display = ("project", "counter", "digest", "made_at", "expires_at")
    list_select_related = ("project",)
    search_fields = ("=project__slug", "=digest")
    ordering = ("-id",)
    paper, vouching = written("document", "Index"), written("signatures", "Signatures")
    fields = ("project", "counter", "digest", "paper", "vouching", "made_at", "expires_at")


@admin.register(SearchWord)
class SearchWordAdmin(Placed, Endless):
    place, places = "project", Project
    list_display = ("spelled", "bundle", "prompt")
    list_select_related = ("bundle", "project")
    search_fields = ("=prompt",)
    ordering = ("-id",)
    fields = ("spelled", "bundle", "prompt")

    @display(description="Word", ordering="word")
    def spelled(self, row: SearchWord) -> str:
        return str(row)


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly):
    list_display = ("id", "created_at", "retired_at")
    search_fields = ("=id",)
    ordering = ("-created_at", "id")
    fields = ("id", "public", "created_at", "retired_at")
