"""Everything of a prompt that can be put beside something else, for the two pickers of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext as _

from foundation.actors import Actor
from instances import versions
from instances.comparing import Kind, Level, Side
from instances.models import PromptInstance
from portal.presenters.prompt import VERSIONS_AT_MOST
from publishing import sides, targets
from publishing.sides import TEXTS
from templates_app import versions as template_versions


@dataclass(frozen=True, slots=True)
class Option:
    """One side to choose. ``rendered_only``: nobody knows how it was written."""

    word: str
    label: str
    rendered_only: bool = False


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Sides of one kind."""

    label: str
    options: Sequence[Option]


def options(*, instance: PromptInstance, actor: Actor) -> list[OptionGroup]:
    """Every side there is, in groups."""
    now = [Option(str(Kind.DRAFT), _("Draft"))]
    if instance.active_version is not None:
        label = _("Active (version %(number)s)") % {"number": instance.active_version.ordinal}
        now.append(Option(str(Kind.ACTIVE), label))
    groups = [
        OptionGroup(_("Now"), now),
        OptionGroup(_("What a provider last confirmed"), _confirmed(instance)),
        OptionGroup(_("Versions of this prompt"), _versions(instance)),
        OptionGroup(_("Template"), _templates(instance, actor)),
    ]
    return [group for group in groups if group.options]


def side_label(side: Side) -> str:
    """A side in words."""
    match side.kind:
        case Kind.DRAFT:
            return _("Draft")
        case Kind.ACTIVE:
            return _("Active (version %(number)s)") % {"number": side.name}
        case Kind.VERSION:
            return _("Version %(number)s") % {"number": side.name}
        case Kind.CONFIRMED:
            return _("Confirmed by %(target)s") % {"target": side.name}
        case _:
            return _("Template %(name)s") % {"name": side.name}


def level_for(*, words: Sequence[str], groups: Sequence[OptionGroup], wanted: Level) -> Level:
    """The level at which all those sides are known."""
    only = {option.word for group in groups for option in group.options if option.rendered_only}
    return Level.RENDERED if only.intersection(words) else wanted


def _confirmed(instance: PromptInstance) -> list[Option]:
    found = []
    for key, place in sides.confirmed(placements=targets.placements_of(instance=instance)).items():
        if place.delivery is None:
            continue
        name = place.placement.target.name
        ordinal = place.delivery.publication.version.ordinal
        if place.drift is not None:
            label = _("%(target)s: changed there") % {"target": name}
        else:
            label = _("%(target)s: version %(number)s") % {"target": name, "number": ordinal}
        found.append(Option(f"{Kind.CONFIRMED}:{key}", label, rendered_only=place.drift is not None))
    return found


def _versions(instance: PromptInstance) -> list[Option]:
    rows = versions.history(instance=instance).select_related(None).defer(*TEXTS)[:VERSIONS_AT_MOST]
    return [
        Option(
            f"{Kind.VERSION}:{row.ordinal}",
            _("Version %(number)s, %(day)s, %(person)s")
            % {
                "number": row.ordinal,
                "day": formats.date_format(row.created_at, "SHORT_DATE_FORMAT"),
                "person": row.created_by_label,
            },
        )
        for row in rows
    ]


def _templates(instance: PromptInstance, actor: Actor) -> list[Option]:
    own = instance.template_version
    found = [
        Option(
            str(Kind.TEMPLATE), _("%(name)s %(label)s, this draft's") % {"name": own.template.name, "label": own.label}
        )
    ]
    others = template_versions.listing(actor=actor).filter(template=own.template_id).exclude(pk=own.pk)
    found += [
        Option(f"{Kind.TEMPLATE}:{row.pk}", f"{own.template.name} {row.label}")
        for row in others.select_related(None).order_by("-ordinal").only("label", "ordinal")[:VERSIONS_AT_MOST]
    ]
    return found
