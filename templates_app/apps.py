"""The bricks' app."""

from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    """Templates, drafts, sealed versions."""

    name = "templates_app"
    label = "prompthub_templates"
    verbose_name = "Templates"
