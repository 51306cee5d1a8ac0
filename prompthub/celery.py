"""The Celery application: ``celery -A prompthub worker`` and ``celery -A prompthub beat``.

Rows are the truth; a message only rings the bell.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_process_shutdown
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu.transport.redis import Channel

from prompthub import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prompthub.settings")

try:
    settings.configured or settings.DEBUG  # noqa: B018 - read them
    # Set for workers alone; a web process has /metrics already.
    METRICS_PORT = env.whole("PROMPTHUB_WORKER_METRICS_PORT", 0, least=0, most=65_535)
except ImproperlyConfigured as wrong:
    raise SystemExit(f"PromptHub does not start: {str(wrong).removesuffix('.')}.") from None

# The children of a worker count in files that its main process adds up. prometheus_client decides for files
# when it is imported, so this is the last moment; where it is imported already, the process is no worker.
if METRICS_PORT and "PROMETHEUS_MULTIPROC_DIR" not in os.environ and "prometheus_client" not in sys.modules:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="prompthub-metrics-")
    atexit.register(shutil.rmtree, os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)

app = Celery("prompthub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
Channel.do_restore = False  # a worker gives back no bells: with the connection gone there is nobody to take them

# A line for every ring of the bell, several each second, would hide all others. Failures are still written.
for chatty in ("celery.app.trace", "celery.beat", "celery.worker.strategy"):
    logging.getLogger(chatty).setLevel(logging.WARNING)
if env.text("CELERY_BROKER_URL", "memory://").startswith("memory:"):
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)  # it warns that memory:// names no host


@celeryd_init.connect
def check_and_expose(**_: Any) -> None:
    """Before a worker starts: refuse what must be refused, and serve its metrics.

    Raises SystemExit, the one exception that a Celery signal lets through.
    """
    from prompthub import starting

    if found := starting.refusals():
        raise SystemExit("\n".join(found))
    if METRICS_PORT:
        from publishing.metrics import QueueCollector

        serve_metrics(port=METRICS_PORT, collectors=[QueueCollector(disconnect=True)])


def serve_metrics(*, port: int, collectors: Sequence[Any] = ()) -> None:
    """Serve ``/metrics`` of the main process, all its children and ``collectors``.

    Raises SystemExit when the port is taken.
    """
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    for collector in collectors:
        registry.register(collector)
    try:
        start_http_server(port, registry=registry)
    except OSError as error:
        raise SystemExit(f"Port {port} is taken; set PROMPTHUB_WORKER_METRICS_PORT to a free one.") from error


@worker_process_shutdown.connect
def forget_gauges(*, pid: int, **_: Any) -> None:
    """A child that ended has no live values any more; what it counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)
