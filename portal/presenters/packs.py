"""Packs as their page shows them: what each environment runs, and every version with its styles."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from foundation.actors import Actor
from portal.access import Control
from portal.presenters.registry_words import MARK
from portal.presenters.words import State
from portal.project_access import controls
from prompthub_kernel.errors import NotFound
from registry import packs
from registry.packs import Pack, PackVersion
from tenancy import policy


@dataclass(frozen=True, slots=True)
class Environment:
    """What one environment runs; ``default`` when nobody activated it: the settings name it. ``rollback`` is None then,
    else whether this person may roll it back.
    """

    name: str
    channel: str
    version: str
    styles: Sequence[str]
    rollback: Control | None = None
    default: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True)
class PackLine:
    """A pack with what runs where; ``may`` is what this person may do in its project."""

    pack: Pack
    environments: Sequence[Environment]
    versions: Sequence[tuple[PackVersion, Sequence[State]]]
    may: Mapping[str, Control]


def lines(*, actor: Actor) -> list[PackLine]:
    """Every pack the actor may see, by address."""
    rows = list(packs.listing(actor=actor))
    found, back = packs.catalogue(packs=rows), packs.going_back(packs=rows)
    rights: dict[uuid.UUID, Mapping[str, Control]] = {}
    for pack in found:
        project = pack.bundle.project
        if project.pk not in rights:
            rights[project.pk] = controls(permissions=policy.permissions(actor, project))
    return [
        PackLine(
            pack,
            _environments(pack, back[pack.bundle.pk], rights[pack.bundle.project_id], actor),
            [(version, [MARK[kind] for kind in version.marks]) for version in pack.versions],
            rights[pack.bundle.project_id],
        )
        for pack in found
    ]


def _environments(pack: Pack, back: Collection[str], may: Mapping[str, Control], actor: Actor) -> list[Environment]:
    """What each runs; the installation's own also when nobody activated anything there."""
    styles = {version.version: version.styles for version in pack.versions}
    first = Control(allowed=False, reason=_("There is no earlier release to go back to."))
    found = [
        Environment(
            name,
            packs.channel_name(environment=name),
            version,
            styles.get(version, ()),
            may["publish"] if name in back else first,
        )
        for name, version in pack.active.items()
    ]
    return found if packs.here() in pack.active else [*_default(pack, actor), *found]


def _default(pack: Pack, actor: Actor) -> list[Environment]:
    """What stands in where nobody activated anything."""
    if packs.default_of(pack=pack.bundle.address) is None:
        return []
    try:
        active = packs.active(pack=pack.bundle, actor=actor)
    except NotFound:
        return []
    styles = next((one.styles for one in pack.versions if one.version == active.release.version), ())
    channel = packs.channel_name(environment=active.environment)
    return [
        Environment(active.environment, channel, active.release.version, styles, default=True, warning=active.warning)
    ]
