"""What is asked of the one read path, and what it answers: the same on the server, in the client library and on paper.

A request names a prompt in one of two ways: by its address, or as a client's prompt. The answer is sealed text with
its passport, and a trail of the steps that were tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from prompthub_kernel.address import Address
from prompthub_kernel.body import PromptBody
from prompthub_kernel.rendering import Rendered


class Origin(StrEnum):
    """Where a text came from."""

    REGISTRY = "registry"
    INSTANCE = "instance"
    EXTERNAL = "external"
    DEFAULT = "default"
    BUILTIN = "builtin"


class Freshness(StrEnum):
    """Whether the name was looked up where it lives, or an older answer had to do."""

    FRESH = "fresh"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """Which text is wanted: ``address``, or the prompt ``name`` of the client with the slug ``client``.

    ``category`` chooses the default text of a client without such a prompt. ``key`` and ``segments`` are the caller's
    words for whom it asks (a user or a session, and the groups it is in): of a release that is rolled out in part,
    the same key always gets the same (:mod:`prompthub_kernel.rollout`). ``values`` are the variables to put in;
    without any the text is given as it was written.
    """

    address: Address | None = None
    client: str = ""
    name: str = ""
    category: str = ""
    key: str = ""
    segments: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """One step of the way: its name, whether it had the text, and why not."""

    step: str
    hit: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """What is to be known of a release that is given nevertheless: ``code`` is ``retired``, ``yanked``, or
    ``default_unknown`` where it stands in for a pack's default that does not exist.
    """

    code: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ResolvedPrompt:
    """A text and where it came from.

    ``digest`` is that of the sealed text as it is kept. ``address`` is exact: it gives the same text for ever; empty
    of a text that is in no release, as ``release`` (the release's digest) is. ``ordinal`` counts the moves of the
    channel it was asked by, None without one. ``rendered`` is the text with the variables in it, secrets as places;
    None when it was not asked for, and then ``body`` is the text.
    """

    digest: str
    origin: Origin
    freshness: Freshness
    version: str
    trail: tuple[Tried, ...]
    body: PromptBody | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    rendered: Rendered | None = None
    address: str = ""
    release: str = ""
    ordinal: int | None = None
    compatibility: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()

    @property
    def text(self) -> str:
        """What a person reads: the rendered text with its secrets masked, else the source as it was written."""
        if self.rendered is not None:
            return self.rendered.text()
        return "" if self.body is None else self.body.source()
