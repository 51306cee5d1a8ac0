"""What publishing would change and where it would go, before anybody decides; and who was faster."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from foundation.actors import Actor
from instances import comparing, versions
from instances.comparing import Kind, Level, Side
from instances.models import InstanceVersion, PromptInstance, Publication
from portal.presenters import previewing, showing
from portal.presenters.previewing import Preview
from portal.presenters.showing import Shown
from prompthub_kernel.errors import Invalid, Problem
from publishing import sides, targets
from publishing.models import Target
from publishing.publish import UNANSWERED
from publishing.sides import Confirmed

TARGETS = "/targets/"


class View(StrEnum):
    """What a review shows: the change as it was written, as it is sent, or what somebody else published meanwhile."""

    SOURCE = "source"
    RENDERED = "rendered"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Goal:
    """A target with the prompt's places there. ``problems`` is None where its contract was not asked.

    ``unanswered`` is why the provider itself was not asked, or gave no answer.
    """

    target: Target
    places: Sequence[Confirmed]
    chosen: bool
    problems: Sequence[Problem] | None = None
    unanswered: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Diverged:
    """Another version became active than the draft started from (``based``, None for none)."""

    publication: Publication
    theirs: InstanceVersion
    based: InstanceVersion | None


@dataclass(frozen=True, slots=True)
class Review:
    """``version`` is the older one that is published again, None for the draft.

    ``shown`` compares with what is active; for a first publication ``whole`` is the text itself. ``problems`` are why
    the text cannot be rendered. ``same`` tells that nothing would move.
    """

    version: InstanceVersion | None
    view: View
    shown: Shown | None = None
    whole: Preview | None = None
    problems: Sequence[Problem] = ()
    same: bool = False


def review(
    *, instance: PromptInstance, actor: Actor, version: InstanceVersion | None, view: View, diverged: Diverged | None
) -> Review:
    """What is active against the draft, or against the older ``version``; or what changed on the way to it."""
    try:
        if view is View.THEIRS and diverged is not None:
            return Review(version, view, shown=_theirs(instance, diverged, actor))
        view = View.SOURCE if view is View.THEIRS else view
        word = str(Kind.DRAFT) if version is None else f"{Kind.VERSION}:{version.ordinal}"
        if instance.active_version is None:
            return Review(version, view, whole=_whole(instance, version, actor))
        base, target = (
            comparing.side(instance=instance, word=one, level=Level(view), actor=actor) for one in (Kind.ACTIVE, word)
        )
        return Review(version, view, shown=_shown(instance, base, target), same=_same(instance, version))
    except Invalid as error:
        return Review(version, view, problems=error.problems or (Problem("", error.code, error.detail),))


def diverged(*, instance: PromptInstance) -> Diverged | None:
    """Who published something else than this draft starts from; None when nobody did, or the draft says the same."""
    active, publication = instance.active_version, versions.newest_publication(instance=instance)
    if active is None or publication is None or active.pk == instance.based_on_id:
        return None
    try:
        same = _same(instance, None)
    except Invalid:
        same = False
    return None if same else Diverged(publication, active, instance.based_on)


def goals(
    *,
    instance: PromptInstance,
    chosen: Collection[uuid.UUID] | None = None,
    problems: Sequence[Problem] | None = None,
) -> list[Goal]:
    """The targets a prompt goes to, by name; all that are switched on are chosen unless said otherwise.

    ``problems`` of a check point at ``/targets/<target id>/…``.
    """
    places: dict[uuid.UUID, list[Confirmed]] = {}
    for place in sides.confirmed(placements=targets.placements_of(instance=instance)).values():
        places.setdefault(place.placement.target_id, []).append(place)
    found = [_goal(listed, chosen, problems) for listed in places.values()]
    return sorted(found, key=lambda goal: (goal.target.name, str(goal.target.pk)))


def _goal(
    places: Sequence[Confirmed], chosen: Collection[uuid.UUID] | None, problems: Sequence[Problem] | None
) -> Goal:
    target = places[0].placement.target
    if not target.enabled:
        return Goal(target=target, places=places, chosen=False)
    return Goal(
        target=target,
        places=places,
        chosen=chosen is None or target.pk in chosen,
        problems=None if problems is None else [p for p in objections(problems, target.pk) if p.code not in UNANSWERED],
        unanswered=[p for p in objections(problems or (), target.pk) if p.code in UNANSWERED],
    )


def objections(problems: Sequence[Problem], target: uuid.UUID) -> list[Problem]:
    """Of the problems of a check those of one target, with the pointers of its own contract."""
    before = f"{TARGETS}{target}"
    return [
        Problem(problem.pointer.removeprefix(before), problem.code, problem.detail)
        for problem in problems
        if problem.pointer == before or problem.pointer.startswith(f"{before}/")
    ]


def _theirs(instance: PromptInstance, diverged: Diverged, actor: Actor) -> Shown:
    base = str(Kind.TEMPLATE) if diverged.based is None else f"{Kind.VERSION}:{diverged.based.ordinal}"
    one, other = (
        comparing.side(instance=instance, word=word, level=Level.SOURCE, actor=actor) for word in (base, Kind.ACTIVE)
    )
    return _shown(instance, one, other)


def _shown(instance: PromptInstance, base: Side, target: Side) -> Shown:
    return showing.show(base=base, target=target, format=instance.template_version.format)


def _whole(instance: PromptInstance, version: InstanceVersion | None, actor: Actor) -> Preview:
    if version is None:
        return previewing.preview(instance=instance, actor=actor)
    return previewing.shown(rendered=version.rendered, format=version.format)


def _same(instance: PromptInstance, version: InstanceVersion | None) -> bool:
    """Whether that is what is active already."""
    active = instance.active_version
    if active is None:
        return False
    if version is not None:
        return version.pk == active.pk
    return (
        versions.material(instance=instance).digest == active.digest
        and active.body.digest() == instance.body.digest()
        and active.variables == instance.variables
        and active.template_version_id == instance.template_version_id
    )
