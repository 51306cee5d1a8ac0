"""Start-up of the roof: logs and surprises."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class PromptHubConfig(AppConfig):
    """Configures logging and, where a DSN is set, Sentry."""

    name = "prompthub"
    label = "prompthub_roof"

    def ready(self) -> None:
        """Configure logging first, so that everything after it is redacted."""
        from foundation import logging
        from prompthub import celery

        logging.configure(json=settings.LOG_JSON, level=settings.LOG_LEVEL)
        celery.app.set_default()  # shared tasks of every process, not only of workers, know their broker
        if settings.SENTRY_DSN:
            report_surprises(dsn=settings.SENTRY_DSN)


def report_surprises(*, dsn: str, **options: Any) -> None:
    """Tell Sentry what nobody expected, without secrets, texts or local variables. Coded errors are metrics."""
    import sentry_sdk

    from foundation import redaction

    def before_send(event: Any, hint: Any) -> Any:
        record = hint.get("log_record")
        if record is not None and isinstance(record.msg, dict):
            return None  # a line of our own log: its exception was told by foundation.logging
        return redaction.before_send(event, hint)

    sentry_sdk.init(
        dsn=dsn,
        include_local_variables=False,
        max_request_body_size="never",
        max_value_length=512,
        before_send=before_send,
        before_send_transaction=redaction.before_send_transaction,
        before_breadcrumb=redaction.before_breadcrumb,
        **options,
    )


class StaffConfig(AdminConfig):
    """Django's admin with our site behind it."""

    default_site = "prompthub.staff.StaffSite"
