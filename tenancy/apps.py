"""The cellar's app."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Clients, projects, tokens."""

    name = "tenancy"
    label = "prompthub_tenancy"
    verbose_name = "Clients and projects"

    def ready(self) -> None:
        """Have the triggers installed that renew the access epoch."""
        from foundation import triggers
        from tenancy import access

        triggers.also(access.ADDITION)
