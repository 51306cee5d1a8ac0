"""A draft as it would be sent, with its secrets masked; or why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.actors import Actor
from instances import comparing, drafts
from instances.models import PromptInstance
from prompthub_kernel.body import BodyFormat, PromptBody
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.rendering import Rendered, Segment


@dataclass(frozen=True, slots=True)
class Preview:
    """``messages`` for chat, else ``segments``: texts and the places of secrets. ``problems`` instead of either."""

    segments: Sequence[Segment] = ()
    messages: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[Problem] = ()
    secrets: Sequence[str] = ()
    characters: int = 0

    @property
    def parts(self) -> list[tuple[bool, str]]:
        """The segments for a template: whether it is a secret, and the text or the secret's name."""
        return [(not isinstance(one, str), one if isinstance(one, str) else one.name) for one in self.segments]


def preview(
    *,
    instance: PromptInstance,
    actor: Actor,
    body: PromptBody | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Preview:
    """The draft rendered, with another text or other variables if given."""
    try:
        rendered = drafts.preview(instance=instance, actor=actor, body=body, variables=variables)
    except Invalid as error:
        return Preview(problems=error.problems or (Problem("", error.code, error.detail),))
    return shown(rendered=rendered, format=instance.template_version.format)


def shown(*, rendered: Rendered, format: str) -> Preview:
    """A rendered or sealed text."""
    text = rendered.text()
    common: dict[str, Any] = {"secrets": sorted(rendered.secret_names), "characters": len(text)}
    if format not in comparing.DOCUMENTS:
        return Preview(segments=rendered.segments, **common)
    indented, document = comparing.shown(text=text, format=format)
    if format == BodyFormat.CHAT and isinstance(document, list):
        return Preview(messages=document, **common)
    return Preview(segments=(indented,), **common)
