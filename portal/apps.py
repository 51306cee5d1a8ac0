"""The door's app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The operators' pages."""

    name = "portal"
    label = "prompthub_portal"
    verbose_name = "Portal"
