"""The floor's app: has the database triggers installed after every migrate, and searches know every alphabet."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class FoundationConfig(AppConfig):
    """Idempotency keys and the triggers on sealed and append-only tables."""

    name = "foundation"
    label = "prompthub_foundation"
    verbose_name = "Foundation"

    def ready(self) -> None:
        """Events of the database, not of the domain: the only signals that are used."""
        from foundation import searching, triggers

        post_migrate.connect(triggers.install, sender=self, dispatch_uid="prompthub_triggers")
        connection_created.connect(searching.connect, dispatch_uid="prompthub_searching")
