"""Projects and their bundles as the lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from foundation.actors import Actor
from portal.presenters.registry_words import KIND, VISIBILITY
from portal.presenters.words import State
from registry import bundles, standing
from registry.models import Bundle, Channel
from templates_app import versions
from tenancy import projects
from tenancy.models import Project


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project: who sees it, and how much is in it."""

    project: Project
    visibility: State
    bundles: int
    templates: int


@dataclass(frozen=True, slots=True)
class BundleLine:
    """One bundle with its counts (``registry.standing.bundles``) and the channels that point somewhere."""

    bundle: Bundle
    kind: State
    channels: Sequence[Channel]


def lines(*, actor: Actor) -> list[ProjectLine]:
    """Every project the actor may see, by name; three queries however many there are."""
    kept = bundles.listing(actor=actor).order_by().values_list("project").annotate(count=Count("pk"))
    sealed = versions.listing(actor=actor).order_by().values_list("template__project")
    counts, templates = dict(kept), dict(sealed.annotate(count=Count("template", distinct=True)))
    return [
        ProjectLine(row, VISIBILITY[row.visibility], counts.get(row.pk, 0), templates.get(row.pk, 0))
        for row in projects.listing(actor=actor).order_by("name", "slug")
    ]


def bundle_lines(*, project: Project, actor: Actor) -> list[BundleLine]:
    """The bundles of a project by name; two queries however many there are."""
    rows = standing.bundles(bundles.listing(actor=actor).filter(project=project))
    return [line_of(row) for row in rows]


def line_of(bundle: Bundle) -> BundleLine:
    """A bundle as a list shows it."""
    pointing = [channel for channel in bundle.channels.all() if channel.release_id is not None]
    return BundleLine(bundle, KIND[bundle.kind], pointing)
