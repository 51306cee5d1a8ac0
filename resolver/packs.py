"""The texts of a pack: ``system`` and the styles, always of one release (seed 001)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.pointer import pointer
from prompthub_kernel.resolution import ResolvedPrompt, Warned
from prompthub_kernel.schema_words import sentence
from prompthub_kernel.selector import Named
from prompthub_kernel.variables import MAX_PROBLEMS
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
    *,
    pack: BundleAddress,
    actor: Actor,
    at: datetime,
    values: Values | None = None,
    key: str = "",
    segments: Collection[str] = (),
) -> ResolvedPrompt:
    """The system prompt of a pack's active release, or of the one that the address selects (seed 001, FR-004).

    Raises as :func:`resolver.resolve.resolve` does.
    """
    release = _opened(pack, actor, key, segments)
    return resolve.read(release=release, name=packs.SYSTEM, actor=actor, at=at, values=values)


def get_style_prompt(
    *,
    pack: BundleAddress,
    style: str,
    actor: Actor,
    at: datetime,
    values: Values | None = None,
    key: str = "",
    segments: Collection[str] = (),
) -> ResolvedPrompt:
    """A style of a pack's active release. Raises ``422.style_unsupported`` naming the styles that there are."""
    release = _opened(pack, actor, key, segments)
    name = packs.style_member(style=style, names=release.cut.prompts)
    return resolve.read(release=release, name=name, actor=actor, at=at, values=values)


def stack(
    *,
    pack: BundleAddress,
    actor: Actor,
    at: datetime,
    style: str | None = None,
    values: Values | None = None,
    key: str = "",
    segments: Collection[str] = (),
) -> PromptStack:
    """The system prompt and a style, both of one release.

    ``values`` belong to the two together: each text takes those it declares. Raises what :func:`get_style_prompt`
    raises, and ``422.variables_invalid`` for a value that neither declares.
    """
    release = _opened(pack, actor, key, segments)
    names = [packs.SYSTEM]
    if style is not None:
        names.append(packs.style_member(style=style, names=release.cut.prompts))
    given: Sequence[Values | None] = [None] * len(names) if values is None else _shared(release, names, values)
    system, *styles = [
        resolve.read(release=release, name=name, actor=actor, at=at, values=own)
        for name, own in zip(names, given, strict=True)
    ]
    cut, chosen = release.cut, styles[0] if styles else None
    return PromptStack(
        cut.id, release.address, cut.version, cut.digest, cut.compatibility, system, chosen, system.warnings
    )


def _opened(pack: BundleAddress, actor: Actor, key: str, segments: Collection[str]) -> OpenRelease:
    """The release that the pack's address means; what runs in this installation's environment without a selector."""
    here = packs.channel_name(environment=packs.here())
    asked = replace(pack, selector=pack.selector or Named.parse(here))
    return resolve.opened(address=asked, actor=actor, key=key, segments=segments)


def _shared(release: OpenRelease, names: Sequence[str], values: Values) -> list[Values]:
    """For each of the texts the values that it declares. Raises ``422.variables_invalid`` with what is wrong in any."""
    schemas = [resolve.variables(release=release, name=name) for name in names]
    given: list[Values] = [{key: value for key, value in values.items() if key in one.names} for one in schemas]
    known = frozenset().union(*(schema.names for schema in schemas))
    problems = [
        Problem(pointer(("variables", name)), "additionalProperties", sentence("additionalProperties"))
        for name in sorted(values.keys() - known)
    ]
    problems += [problem for schema, own in zip(schemas, given, strict=True) for problem in schema.problems(own)]
    if problems:
        problems = list(dict.fromkeys(problems))[:MAX_PROBLEMS]
        raise Invalid("422.variables_invalid", problems[0].detail, problems=problems)
    return given
