"""The texts of a pack: ``system`` and the styles, always of one release (seed 001)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.resolution import ResolvedPrompt, Warned
from prompthub_kernel.selector import Named
from registry import packs
from resolver import resolve
from resolver.resolve import OpenRelease

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PromptStack:
    """What a coach runs with: the system prompt, the style that was chosen, and exactly which release they are of.

    ``id`` is the release's, ``release`` its digest.
    """

    id: uuid.UUID
    pack: BundleAddress
    version: str
    release: str
    compatibility: Mapping[str, Any]
    system: ResolvedPrompt
    style: ResolvedPrompt | None
    warnings: tuple[Warned, ...]


def get_system_prompt(
    *, pack: BundleAddress, actor: Actor, at: datetime, values: Values | None = None, key: str = ""
) -> ResolvedPrompt:
    """The system prompt of a pack's active release, or of the one that the address selects (seed 001, FR-004).

    Raises as :func:`resolver.resolve.resolve` does.
    """
    return resolve.read(release=_opened(pack, actor, key), name=packs.SYSTEM, actor=actor, at=at, values=values)


def get_style_prompt(
    *, pack: BundleAddress, style: str, actor: Actor, at: datetime, values: Values | None = None, key: str = ""
) -> ResolvedPrompt:
    """A style of a pack's active release. Raises ``422.style_unsupported`` naming the styles that there are."""
    return _style(_opened(pack, actor, key), style, actor, at, values)


def stack(
    *,
    pack: BundleAddress,
    actor: Actor,
    at: datetime,
    style: str | None = None,
    values: Values | None = None,
    key: str = "",
) -> PromptStack:
    """The system prompt and a style, both of one release. Raises what :func:`get_style_prompt` raises."""
    release = _opened(pack, actor, key)
    system = resolve.read(release=release, name=packs.SYSTEM, actor=actor, at=at, values=values)
    chosen = None if style is None else _style(release, style, actor, at, values)
    cut = release.cut
    return PromptStack(
        cut.id, release.address, cut.version, cut.digest, cut.compatibility, system, chosen, system.warnings
    )


def _opened(pack: BundleAddress, actor: Actor, key: str) -> OpenRelease:
    """The release that the pack's address means; what runs in this installation's environment without a selector."""
    here = packs.channel_name(environment=packs.here())
    asked = replace(pack, selector=pack.selector or Named.parse(here))
    return resolve.opened(address=asked, actor=actor, key=key)


def _style(release: OpenRelease, style: str, actor: Actor, at: datetime, values: Values | None) -> ResolvedPrompt:
    name = packs.style_member(style=style, names=release.cut.prompts)
    return resolve.read(release=release, name=name, actor=actor, at=at, values=values)
