"""The app of clients' prompts."""

from django.apps import AppConfig


class InstancesConfig(AppConfig):
    """Prompt instances, versions, publications."""

    name = "instances"
    label = "prompthub_instances"
    verbose_name = "Prompts"
