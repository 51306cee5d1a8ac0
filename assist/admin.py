"""Suggestions, switches and coach sessions at the staff's door: to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from assist.models import CoachSession, RefineSwitch, Suggestion
from foundation.admin import Endless, written
from tenancy.admin import Placed
from tenancy.models import Project

LABELS = {
    "asked": "info",
    "running": "info",
    "ready": "warning",
    "failed": "danger",
    "accepted": "success",
    "rejected": "",
    "stale": "",
}


@admin.register(Suggestion)
class SuggestionAdmin(Placed, Endless):
    place = "instance__client"
    list_display = ("instance", "client", "stage", "provider", "model", "created_by_label", "created_at")
    list_filter = ("state", "provider")
    list_select_related = ("instance__client",)
    search_fields = ("=id", "instance__name")
    search_help_text = "The id of a suggestion, or the name of a prompt"
    ordering = ("-created_at", "-id")
    problems_found = written("problems", "Problems")
    fields = (
        "instance",
        "client",
        "id",
        "stage",
        "revision",
        "instruction",
        "previous",
        "base",
        "text",
        "notes",
        "progress",
        "provider",
        "model",
        "input_tokens",
        "output_tokens",
        "error_code",
        "error_detail",
        "problems_found",
        "retry_at",
        "tries",
        "created_at",
        "created_by_label",
        "ended_at",
        "correlation_id",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the prompts and their clients."""
        return super().get_queryset(request).select_related("instance__client", "previous")

    @display(description="Client")
    def client(self, row: Suggestion) -> str:
        return row.instance.client.name

    @display(description="State", label=LABELS)
    def stage(self, row: Suggestion) -> str:
        return str(row.standing)


@admin.register(RefineSwitch)
class RefineSwitchAdmin(Placed):
    list_display = ("client", "enabled", "changed_at")
    list_select_related = ("client",)
    search_fields = ("client__name", "client__slug")
    ordering = ("client__slug",)
    fields = ("client", "enabled", "changed_at")


@admin.register(CoachSession)
class CoachSessionAdmin(Placed, Endless):
    place, places = "release__bundle__project", Project
    list_display = ("id", "release", "style", "started_by_label", "started_at")
    list_select_related = ("release__bundle__project",)
    search_fields = ("=id", "=correlation_id")
    ordering = ("-started_at", "-id")
    fields = ("release", "style", "id", "started_at", "started_by_label", "correlation_id")
