"""One prompt as its page shows it: where it stands, where it runs, and its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from assist import switches
from foundation.actors import Actor
from instances import versions
from instances.models import InstanceVersion, PromptInstance, Publication
from publishing import sides, targets
from publishing.sides import TEXTS, Confirmed
from publishing.states import OPEN, DeliveryState
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion

VERSIONS_AT_MOST = 100
ROUTES = ("publish", "archive", "activity")
"""Pages of other parts of the portal that every prompt's page leads to."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What one place runs. ``current`` tells whether that is the active version."""

    place: Confirmed
    current: bool

    @property
    def ordinal(self) -> int | None:
        """The number of the version that arrived last."""
        return self.place.delivery.publication.version.ordinal if self.place.delivery is not None else None

    @property
    def on_its_way(self) -> bool:
        """Whether something newer is to arrive."""
        return self.place.newest is not None and self.place.newest.state in OPEN

    @property
    def given_up(self) -> bool:
        """Whether the newest delivery did not arrive and is not tried any more."""
        return self.place.newest is not None and self.place.newest.state == DeliveryState.BURIED


@dataclass(frozen=True, slots=True)
class Version:
    """A sealed version in the timeline; ``publication`` is the last move that made it active, if any did."""

    row: InstanceVersion
    active: bool
    based: bool
    publication: Publication | None
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class PromptPage:
    """Everything above the tabs and the timeline. ``unpublished``: the draft is not what is active.

    ``behind`` is the newer version of its template, if there is one, ``behind_shown`` whether this person may read it.
    """

    instance: PromptInstance
    status: str
    tone: str
    unpublished: bool
    behind: TemplateVersion | None
    behind_shown: bool
    places: Sequence[Runs]
    timeline: Sequence[Version]
    routes: dict[str, str]


def prompt(*, instance: PromptInstance, actor: Actor) -> PromptPage:
    """The frame of a prompt's pages; seven queries, however many versions and places there are."""
    placed = sides.confirmed(placements=targets.placements_of(instance=instance))
    places = [
        Runs(one, one.delivery is not None and one.delivery.publication.version_id == instance.active_version_id)
        for one in placed.values()
    ]
    differs = versions.unpublished(instance=instance)
    status, tone = standing(instance, differs=differs)
    behind, behind_shown = _behind(instance, actor)
    return PromptPage(
        instance=instance,
        status=status,
        tone=tone,
        unpublished=differs,
        behind=behind,
        behind_shown=behind_shown,
        places=places,
        timeline=_timeline(instance, places),
        routes=routes(instance),
    )


def routes(instance: PromptInstance) -> dict[str, str]:
    """The addresses of the pages this one leads to; ``refine`` only where a model may be asked."""
    where = {"client": instance.client.slug, "instance": instance.pk}
    found = {name: reverse(f"portal:{name}", kwargs=where) for name in ROUTES}
    if switches.standing(client=instance.client).available:
        found["refine"] = reverse("portal:refine", kwargs=where)
    return found


def rollback(instance: PromptInstance, version: InstanceVersion) -> str:
    """The address at which an older version is made active again."""
    where = {"client": instance.client.slug, "instance": instance.pk, "version": version.pk}
    return reverse("portal:rollback", kwargs=where)


def _timeline(instance: PromptInstance, places: Sequence[Runs]) -> list[Version]:
    rows = versions.history(instance=instance).select_related(None).defer(*TEXTS)[:VERSIONS_AT_MOST]
    moves: dict[object, Publication] = {}
    for move in versions.publications(instance=instance).select_related(None)[:VERSIONS_AT_MOST]:
        moves.setdefault(move.version_id, move)
    names: dict[int | None, list[str]] = {}
    for place in places:
        names.setdefault(place.ordinal, []).append(place.place.placement.target.name)
    return [
        Version(
            row,
            row.pk == instance.active_version_id,
            row.pk == instance.based_on_id,
            moves.get(row.pk),
            names.get(row.ordinal, ()),
        )
        for row in rows
    ]


def _behind(instance: PromptInstance, actor: Actor) -> tuple[TemplateVersion | None, bool]:
    own = instance.template_version
    readable = template_versions.listing(actor=actor).filter(pk=OuterRef("pk")).select_related(None)
    newer = template_versions.history(template=own.template).filter(ordinal__gt=own.ordinal)
    found = newer.annotate(readable=Exists(readable)).defer("content_md", "content_json", "variables_schema").first()
    return found, bool(found is not None and found.readable)


def has_own_text(instance: PromptInstance) -> bool:
    """Whether the draft has a text of its own, in place of its template's."""
    return instance.content_md is not None or instance.content_json is not None


def standing(instance: PromptInstance, *, differs: bool) -> tuple[str, str]:
    """The word and the tone of where a prompt stands; ``differs``: its draft is not what is active."""
    if instance.status == "archived":
        return _("archived"), "calm"
    if instance.status == "draft":
        return _("draft"), "note"
    return (_("active, with unpublished changes"), "warn") if differs else (_("active"), "good")
