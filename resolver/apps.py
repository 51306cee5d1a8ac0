"""The app of the one read path."""

from django.apps import AppConfig


class ResolverConfig(AppConfig):
    """What is read, remembered and counted."""

    name = "resolver"
    label = "prompthub_resolver"
    verbose_name = "Resolver"

    def ready(self) -> None:
        """Have this process forget what it moved, before it answers."""
        from foundation import broadcast
        from resolver import cache

        broadcast.listen(cache.catch_up)
