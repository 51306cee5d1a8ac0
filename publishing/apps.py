"""The app of deliveries."""

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    """Targets, placements, lanes, deliveries, drift."""

    name = "publishing"
    label = "prompthub_publishing"
    verbose_name = "Publishing"
