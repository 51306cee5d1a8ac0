"""A bundle's draft as its page shows it: prompts with their sealed and unsealed text, and what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from foundation.actors import Actor
from portal.presenters import templates
from portal.presenters.projects import BundleLine, line_of
from portal.presenters.templates import TemplateLine
from registry import bundles, standing
from registry.models import Bundle, Member

BUNDLES_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A prompt of the draft, with its template's newest version and its draft, if any."""

    member: Member
    template: TemplateLine

    @property
    def dirty(self) -> bool:
        """Whether cutting seals a new text for it."""
        return self.template.draft is not None


@dataclass(frozen=True, slots=True)
class DraftPage:
    """The draft: its prompts by name, its requirements by address, and every template of the project to choose from."""

    line: BundleLine
    members: Sequence[MemberLine]
    requirements: Sequence[tuple[str, Any]]
    templates: Sequence[TemplateLine]


def draft_page(*, bundle: Bundle, actor: Actor) -> DraftPage:
    """Everything about the draft; as many queries for a hundred prompts as for one."""
    row = standing.bundles(bundles.listing(actor=actor).filter(pk=bundle.pk)).get()
    known = templates.lines(project=bundle.project, actor=actor)
    by_key = {line.template.pk: line for line in known}
    members = [
        MemberLine(one, by_key.get(one.template_id) or TemplateLine(one.template, None, None))
        for one in bundles.members(bundle=row)
    ]
    return DraftPage(line_of(row), members, list(bundles.requirements(bundle=row).items()), known)


def addresses(*, bundle: Bundle, actor: Actor) -> list[str]:
    """Other bundles that could be needed, by address, for the field that suggests them."""
    rows = bundles.listing(actor=actor).exclude(pk=bundle.pk)[:BUNDLES_AT_MOST]
    return [str(row.address) for row in rows]
