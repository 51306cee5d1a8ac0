"""How REST framework writes an answer: one representation, by orjson."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

PROBLEM = "application/problem+json"


def dumps(value: Any) -> bytes:
    """JSON in UTF-8. Whole numbers beyond 64 bits, which orjson refuses, are written by the standard library."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


class JSONRenderer(BaseRenderer):
    """``application/json``."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The bytes of an answer; none for an answer without a body, and JSON that is written already as it is."""
        if isinstance(data, bytes):
            return data
        return b"" if data is None else dumps(data)


class OneRepresentation(DefaultContentNegotiation):
    """There is one to choose; only what a caller accepts in many words is read by REST framework."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """The renderer and its media type. Raises NotAcceptable (406).

        Who accepts only how problems are told gets what else there is to tell as JSON.
        """
        if request.META.get("HTTP_ACCEPT", "*/*") in {"*/*", JSONRenderer.media_type}:
            return next(iter(renderers)), JSONRenderer.media_type
        try:
            found: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            if PROBLEM not in request.META["HTTP_ACCEPT"].lower():
                raise
            return next(iter(renderers)), JSONRenderer.media_type
        return found
