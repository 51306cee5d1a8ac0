"""Log lines: one event each, with the correlation id of the work they belong to, and without secrets.

``configure`` routes structlog and the standard library through the same processors, so that a line of Django
or Celery looks like one of ours. In production a line is a JSON object; in development it is made for eyes.

Prompt text is never logged above DEBUG: fields that carry it are replaced by their length.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import sentry_sdk
import structlog

from foundation import correlation
from foundation.redaction import redact_event

Event = MutableMapping[str, Any]

# Names under which prompts and their variables travel through the code.
TEXT_FIELDS = frozenset(
    {"text", "prompt", "content", "content_md", "content_json", "content_materialized", "document", "segments"}
    | {"rendered", "body", "variables", "values", "defaults", "messages"}
)

# Chatty below warnings, or writing URLs with their query.
_QUIET = ("httpcore2", "httpx2", "httpcore", "httpx", "urllib3", "asyncio", "parso")


def configure(*, json: bool, level: str | int = "INFO") -> None:
    """Set up all logging of this process, replacing what was there. Lines go to standard error.

    ``json`` chooses JSON lines; ``level`` is the lowest level that is written, a name or a number.
    """
    number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        add_correlation_id,
        withhold_text,
        redact_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), name_request, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    for name in ("django", "django.server", "celery", "uvicorn", "uvicorn.access", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            report_surprise,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=json,
    )


def report_surprise(_: Any, __: str, event: Event) -> Event:
    """Structlog processor: a logged exception goes to Sentry itself, with its stack; lines alone do not."""
    failure = event.get("exc_info")
    if failure:
        sentry_sdk.capture_exception(None if failure is True else failure)
    return event


@contextmanager
def bind(
    *,
    template_id: object = None,
    instance_id: object = None,
    client_id: object = None,
    action: str | None = None,
) -> Iterator[None]:
    """Log lines inside the block say what they are about. What is None is left as it was."""
    about = {"template_id": template_id, "instance_id": instance_id, "client_id": client_id, "action": action}
    with structlog.contextvars.bound_contextvars(**{name: str(it) for name, it in about.items() if it is not None}):
        yield


def add_correlation_id(_: Any, __: str, event: Event) -> Event:
    """Structlog processor: every line has one; ``-`` outside of any request or task."""
    event.setdefault("correlation_id", correlation.current() or "-")
    return event


def name_request(_: Any, __: str, event: Event) -> Event:
    """Structlog processor: of the request that Django hangs on its lines, the id and the method; never its query."""
    request = event.pop("request", None)
    if request is not None:
        event["method"] = getattr(request, "method", None)
        if found := getattr(request, "correlation_id", None):
            event["correlation_id"] = found
    return event


def withhold_text(_: Any, method: str, event: Event) -> Event:
    """Structlog processor: above DEBUG, fields that carry prompt text say only how long it is."""
    if event.get("level", method) != "debug":
        for name in TEXT_FIELDS & event.keys():
            event[name] = f"[{len(event[name])} characters]" if isinstance(event[name], str) else "[withheld]"
    return event
