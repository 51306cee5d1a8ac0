"""Usage at the staff's door: to be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from foundation.admin import Endless
from resolver.models import UsageDaily
from tenancy import policy
from tenancy.admin import Placed, who
from tenancy.models import Client, Project


@admin.register(UsageDaily)
class UsageDailyAdmin(Placed, Endless):
    list_display = ("prompt", "version", "day", "fetches", "token", "last_at")
    list_select_related = ("token",)
    search_fields = ("prompt",)
    ordering = ("-day", "-fetches", "id")
    fields = ("prompt", "version", "project", "client", "token", "day", "fetches", "last_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What was fetched of a project or of a client that this person sees."""
        rows: QuerySet[Any] = super(Placed, self).get_queryset(request)
        if request.user.is_superuser:
            return rows
        by = who(request)
        mine = Q(project__in=policy.visible(by, Project)) | Q(client__in=policy.visible(by, Client))
        return rows.filter(mine)
