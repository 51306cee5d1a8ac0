"""The gate before every JSON body of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.http import UnreadablePostError
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser

from prompthub_kernel.errors import Invalid
from prompthub_kernel.strict_json import MAX_BYTES, strict_json, too_large


class StrictJSONParser(BaseParser):
    """``application/json`` in UTF-8, not encoded, through :func:`strict_json`. An empty body is not JSON: 400.

    What says that it is in another character set or compressed is refused unread (``415.media_type_unsupported``):
    read as UTF-8 it would be something else than was meant.

    (REST framework asks no parser when ``Content-Length`` is 0; such a request has the data ``{}``.)
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value of the body; never reads more of it than is accepted."""
        request = (parser_context or {}).get("request")
        _require_plain(media_type or self.media_type, request)
        # Of a body that announces to be far too large the server has read nothing: the stream would be empty.
        if request is not None and int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
            raise too_large(MAX_BYTES)
        try:
            raw = stream.read(MAX_BYTES + 1)
        except UnreadablePostError as failure:
            raise Invalid("400.json_invalid", "The body broke off.") from failure
        if len(raw) > MAX_BYTES:
            raise too_large(MAX_BYTES)
        return strict_json(raw)


def _require_plain(media_type: str, request: Any) -> None:
    """Raises ``415.media_type_unsupported`` for a range, a character set or a content coding (RFC 9110 8.3.2, 8.4)."""
    named, parameters = parse_header_parameters(media_type)
    if "*" in named:  # a range is for asking, in Accept; a body is of one type
        raise Invalid("415.media_type_unsupported", "Bodies are application/json.")
    codings = request.headers.get("Content-Encoding", "") if request is not None else ""
    if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise Invalid("415.media_type_unsupported", "Bodies are JSON in UTF-8; no other charset is read.")
    if not {coding.strip().lower() for coding in codings.split(",")} <= {"", "identity"}:
        raise Invalid("415.media_type_unsupported", "Bodies are sent as they are; no Content-Encoding is undone.")
