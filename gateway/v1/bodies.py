"""Parts of request bodies as the kernel knows them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.variables import VariablesSchema
from templates_app.models import TemplateVersion


def text_of(body: Mapping[str, Any]) -> PromptBody:
    """A template's text. Raises ``400.template_schema_invalid``."""
    return PromptBody.parse(
        content_md=body.get("content_md"),
        content_json=body.get("content_json"),
        engine=body.get("engine", "jinja2"),
        format=body.get("format"),
    )


def variables_of(body: Mapping[str, Any]) -> VariablesSchema:
    """A template's declared variables. Raises ``400.template_schema_invalid``."""
    return VariablesSchema.parse(body.get("variables_schema"))


def own_text_of(body: Mapping[str, Any], sealed: TemplateVersion) -> PromptBody | None:
    """A client's own text, in the format and engine of its template; None when it is given as null or not at all."""
    content_md, content_json = body.get("content_md"), body.get("content_json")
    if content_md is None and content_json is None:
        return None
    same_kind = (content_md is None) == (sealed.content_md is None)
    return PromptBody.parse(
        content_md=content_md,
        content_json=content_json,
        engine=sealed.engine,
        format=sealed.format if same_kind else None,
    )


def uuid_of(text: str) -> uuid.UUID:
    """A UUID whose form the contract has checked."""
    return uuid.UUID(text)


def moment_of(text: str, pointer: str) -> datetime:
    """A time whose form the contract has checked. Raises ``422.request_invalid`` for one that no calendar has."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("422.request_invalid", problems=[Problem(pointer, "format", "there is no such time")]) from error


def due_of(body: Mapping[str, Any]) -> datetime | None:
    """When something is due, if that is said. Raises ``422.request_invalid``."""
    given = body.get("due_at")
    return None if given is None else moment_of(given, "/due_at")


def share_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """To which part of the callers; all, if none is named. JSON knows one kind of number: ``50.0`` is 50."""
    percent = body.get("percent")
    return {"percent": None if percent is None else int(percent), "segments": body.get("segments", [])}
