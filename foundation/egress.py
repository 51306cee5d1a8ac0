"""The one way out: every HTTP request PromptHub makes leaves through :func:`request`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class EgressError(Exception):
    """A request that has no answer. The message never contains the URL's path, query, headers or body."""


class EgressRefused(EgressError):
    """The address is not one PromptHub may call: nothing was sent."""


class EgressNotSent(EgressError):
    """No connection, or no trusted one: nothing was sent."""


class EgressUnanswered(EgressError):
    """The request was sent, or perhaps was, and no usable answer came: its outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``headers`` has lower-case names, repeated ones joined with ``", "``; ``content`` is as sent."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
