"""The registry's app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Bundles, releases, channels, signatures."""

    name = "registry"
    label = "prompthub_registry"
    verbose_name = "Registry"
