"""Start-up of the roof: logs and surprises."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class PromptHubConfig(AppConfig):
    """Configures logging and, where a DSN is set, Sentry."""

    name = "prompthub"
    label = "prompthub_roof"

    def ready(self) -> None:
        """Configure logging first, so that everything after it is redacted."""
        from foundation import logging, redaction
        from prompthub import celery

        logging.configure(json=settings.LOG_JSON, level=settings.LOG_LEVEL)
        celery.app.set_default()  # shared tasks of every process, not only of workers, know their broker
        if settings.SENTRY_DSN:
            import sentry_sdk

            sentry_sdk.init(
                dsn=settings.SENTRY_DSN, send_default_pii=False, before_send=redaction.before_send, max_value_length=512
            )


class StaffConfig(AdminConfig):
    """Django's admin with our site behind it."""

    default_site = "prompthub.staff.StaffSite"
