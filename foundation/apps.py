"""The floor's app: has the database triggers installed after every migrate."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FoundationConfig(AppConfig):
    """Idempotency keys and the triggers on sealed and append-only tables."""

    name = "foundation"
    label = "prompthub_foundation"
    verbose_name = "Foundation"

    def ready(self) -> None:
        """A schema event, not a domain one: the only signal that is used."""
        from foundation import triggers

        post_migrate.connect(triggers.install, sender=self, dispatch_uid="prompthub_triggers")
