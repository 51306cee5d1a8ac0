"""The app of suggestions."""

from django.apps import AppConfig


class AssistConfig(AppConfig):
    """Suggestions of a language model, and for whom they are switched on."""

    name = "assist"
    label = "prompthub_assist"
    verbose_name = "Assist"
