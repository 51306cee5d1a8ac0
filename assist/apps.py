"""The app of suggestions."""

from django.apps import AppConfig


class AssistConfig(AppConfig):
    """Suggestions of a language model, and for whom they are switched on."""

    name = "assist"
    label = "prompthub_assist"
    verbose_name = "Assist"

    def ready(self) -> None:
        """Have the figures shown before the first suggestion."""
        from django.conf import settings

        from assist import metrics

        metrics.begin(provider=settings.ASSIST["llm"])
