"""The cellar's app."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Clients, projects, tokens."""

    name = "tenancy"
    label = "prompthub_tenancy"
    verbose_name = "Clients and projects"
