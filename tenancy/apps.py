"""The cellar's app."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Clients, projects, tokens."""

    name = "tenancy"
    label = "prompthub_tenancy"
