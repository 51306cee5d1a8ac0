"""The ledger, to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.actions import Action
from audit.models import AuditEvent, AuditLink
from foundation.admin import Endless, written


class ActionFilter(admin.SimpleListFilter):
    """By what was decided. The words come from the code: asking the ledger for them would read all of it."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(action), str(action)) for action in Action]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(Endless):
    list_display = ("at", "action", "subject_label", "subject_kind", "actor_label", "door", "correlation_id")
    list_filter = (ActionFilter,)
    search_fields = ("=correlation_id", "=subject_id")
    search_help_text = "A correlation id, or the id of what it was about"
    ordering = ("-id",)
    about = written("metadata", "Metadata")
    fields = (
        "at",
        "action",
        "actor_kind",
        "actor_id",
        "actor_label",
        "door",
        "subject_kind",
        "subject_id",
        "subject_label",
        "client_id",
        "project_id",
        "about",
        "correlation_id",
        "digest",
    )


@admin.register(AuditLink)
class AuditLinkAdmin(Endless):
    list_display = ("seq", "event_id", "hash", "at")
    ordering = ("-seq",)
    search_fields = ("=event_id",)
    search_help_text = "The number of an event"
    fields = ("seq", "event_id", "event_digest", "previous", "hash", "at")
