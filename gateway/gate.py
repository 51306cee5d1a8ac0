"""The gate before every JSON body of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.http import UnreadablePostError
from rest_framework.parsers import BaseParser

from prompthub_kernel.errors import Invalid
from prompthub_kernel.strict_json import MAX_BYTES, strict_json, too_large


class StrictJSONParser(BaseParser):
    """``application/json`` through :func:`strict_json`. An empty body is not JSON: 400.

    (REST framework asks no parser when ``Content-Length`` is 0; such a request has the data ``{}``.)
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value of the body; never reads more of it than is accepted."""
        try:
            raw = stream.read(MAX_BYTES + 1)
        except UnreadablePostError as failure:
            raise Invalid("400.json_invalid", "The body broke off.") from failure
        if len(raw) > MAX_BYTES:
            raise too_large(MAX_BYTES)
        return strict_json(raw)
