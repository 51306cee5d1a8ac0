"""Start-up of the roof: logs, surprises and spans."""

from __future__ import annotations

import os
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import ImproperlyConfigured


class PromptHubConfig(AppConfig):
    """Configures logging and, where they are asked for, Sentry and spans."""

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
        if settings.TRACES_EXPORTER != "none":
            export_spans(exporter=settings.TRACES_EXPORTER)


def report_surprises(*, dsn: str, **options: Any) -> None:
    """Tell Sentry what nobody expected, without secrets, texts or local variables. Coded errors are metrics."""
    import sentry_sdk
    from sentry_sdk.integrations.logging import ignore_logger

    from foundation import redaction

    ignore_logger("django.security.*")  # errors by their level, and yet requests that Django refused with a 400

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


def export_spans(*, exporter: str) -> None:
    """Send spans by ``otlp`` (http/protobuf) or to the ``console``; how, OpenTelemetry's own variables say.

    A tracer provider that is there already, as with ``opentelemetry-instrument``, stays. Raises ImproperlyConfigured
    without the extra ``otel``.
    """
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
    except ImportError as error:
        raise ImproperlyConfigured(
            "The OTEL_ variables ask for spans, but the extra `otel` is not installed. "
            "Install requirements/otel.txt, or set OTEL_TRACES_EXPORTER=none"
        ) from error
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    named = {"service.name": "prompthub", **OTELResourceDetector().detect().attributes}
    # A collector that is away must not hold up a stop, for which orchestrators wait ten seconds: the library's default.
    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter() if exporter == "otlp" else ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)


class StaffConfig(AdminConfig):
    """Django's admin with our site behind it."""

    default_site = "prompthub.staff.StaffSite"
