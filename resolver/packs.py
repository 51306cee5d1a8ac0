"""The texts of a pack: ``system`` and the styles, always of one release (seed 001)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.resolution import ResolvedPrompt, Warned
from prompthub_kernel.selector import Named
from resolver import resolve
from resolver.resolve import OpenRelease

ACTIVE = "active"
SYSTEM = "system"
STYLES = "styles/"

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PromptStack:
    """What a coach runs with: the system prompt, the style that was chosen, and exactly which release they are of."""

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
    return resolve.read(release=_opened(pack, actor, key), name=SYSTEM, actor=actor, at=at, values=values)


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
    system = resolve.read(release=release, name=SYSTEM, actor=actor, at=at, values=values)
    chosen = None if style is None else _style(release, style, actor, at, values)
    cut = release.cut
    return PromptStack(release.address, cut.version, cut.digest, cut.compatibility, system, chosen, system.warnings)


def _opened(pack: BundleAddress, actor: Actor, key: str) -> OpenRelease:
    """``active`` if the address selects nothing."""
    return resolve.opened(address=replace(pack, selector=pack.selector or Named(ACTIVE)), actor=actor, key=key)


def _style(release: OpenRelease, style: str, actor: Actor, at: datetime, values: Values | None) -> ResolvedPrompt:
    if STYLES + style not in release.cut.prompts:
        known = [name.removeprefix(STYLES) for name in sorted(release.cut.prompts) if name.startswith(STYLES)]
        detail = f"This pack has the styles {', '.join(known)}." if known else "This pack has no styles."
        problem = Problem("/style", "enum", detail)
        raise Invalid("422.style_unsupported", detail, problems=[problem], context={"styles": known})
    return resolve.read(release=release, name=STYLES + style, actor=actor, at=at, values=values)
