"""Releases as the pages show them: what was cut, what vouches for it, who needs it, what the next one would be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator

from foundation.actors import Actor
from portal.presenters import release_changes
from portal.presenters.documents import DocumentComparison, documents
from portal.presenters.registry_words import BUMP, LATEST, MARK, PRE_RELEASE
from portal.presenters.release_changes import Reason, ReleaseChanges
from portal.presenters.showing import Shape
from portal.presenters.words import State
from prompthub_kernel import signing as papers
from prompthub_kernel.bump import raised
from prompthub_kernel.errors import Problem, PromptHubError
from prompthub_kernel.manifest import digest_of
from prompthub_kernel.semver import SemVer
from registry import dependencies, ed25519, plans, releases, signing, standing
from registry.models import Bundle, Channel, Inclusion, Release, ReleaseMark, ReleaseRequirement
from registry.releases import REVERT_WITHIN
from templates_app.models import TemplateVersion

PAGE = 50
FIRST = SemVer(1, 0, 0)


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A release of a list: its states as badges, and the channels that point at it."""

    release: Release
    states: Sequence[State]
    channels: Sequence[Channel] = ()

    @property
    def gone(self) -> bool:
        """Whether it was taken back: it has no page."""
        return any(state is MARK[ReleaseMark.Kind.REVERT] for state in self.states)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and whether it vouches for the release as it is kept here."""

    key: str
    good: bool


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """Everything about a release. ``intact``: its manifest still has its digest. ``revertible`` until that time.
    ``included``: in which prompts which texts of other releases were put.
    """

    line: ReleaseLine
    pins: Mapping[str, TemplateVersion]
    requirements: Sequence[ReleaseRequirement]
    included: Sequence[Inclusion]
    signatures: Sequence[Signature]
    marks: Sequence[tuple[ReleaseMark, State]]
    manifest: str
    intact: bool
    before: Release | None
    revertible: datetime | None

    @property
    def compatibility(self) -> str:
        """What it goes with, as JSON; empty where nothing was said."""
        said = self.line.release.compatibility
        return json.dumps(said, indent=2, ensure_ascii=False) if said else ""


@dataclass(frozen=True, slots=True)
class Next:
    """What the next release would be. ``refusal`` is why there can be none: sentences that explain a conflict among
    them, and the places it is about. ``marks`` is what was said of releases that it would go with, or would have texts
    of, by their addresses.
    """

    version: str
    plan: plans.Plan | None = None
    changes: ReleaseChanges | None = None
    reasons: Sequence[Reason] = ()
    refusal: PromptHubError | None = None
    marks: Sequence[tuple[str, ReleaseMark, State]] = ()

    @property
    def step(self) -> State | None:
        """The size of the step that is needed; None for a first release."""
        return None if self.plan is None or self.plan.previous is None else BUMP[self.plan.needed]

    @property
    def explanation(self) -> Sequence[str]:
        """The conflict, sentence by sentence."""
        told: Sequence[str] = self.refusal.context.get("explanation", ()) if self.refusal else ()
        return told

    @property
    def problems(self) -> Sequence[Problem]:
        """What else is wrong, with its place."""
        return () if self.refusal is None or self.explanation else self.refusal.problems

    @property
    def first(self) -> bool:
        """Whether nothing was released before that it could be measured against."""
        return self.plan is not None and self.plan.previous is None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two releases beside each other; ``requires`` and ``goes_with`` where those changed too."""

    changes: ReleaseChanges
    requires: DocumentComparison | None
    goes_with: DocumentComparison | None


def page_of(*, bundle: Bundle, number: str = "") -> tuple[Page[Any], list[ReleaseLine]]:
    """A bundle's releases, the highest first; four queries however many there are."""
    page = Paginator(releases.listing(bundle=bundle), PAGE).get_page(number)
    latest = releases.latest(bundle=bundle)
    pointing = standing.pointing(page.object_list)
    return page, [_line(row, latest, pointing.get(row.pk, ())) for row in page]


def release_page(*, release: Release, at: datetime) -> ReleasePage:
    """A release with its papers. ``release`` is one of ``releases.get``, which knows what was said of it."""
    latest = releases.latest(bundle=release.bundle)
    pointing = standing.pointing([release]).get(release.pk, ())
    until = release.created_at + REVERT_WITHIN
    return ReleasePage(
        line=_line(release, latest, pointing),
        pins=releases.pins(release=release),
        requirements=standing.requirements(release),
        included=standing.inclusions(release),
        signatures=_signatures(release),
        marks=[(mark, MARK[mark.kind]) for mark in releases.marks(release=release)],
        manifest=json.dumps(release.manifest, indent=2, ensure_ascii=False),
        intact=digest_of(paper=release.manifest) == release.digest,
        before=standing.before(release),
        revertible=until if at <= until else None,
    )


def next_release(*, bundle: Bundle, version: str, actor: Actor) -> Next:
    """What cutting the draft would make. Without a version the lowest that fits is looked for."""
    latest = releases.latest(bundle=bundle)
    asked = version or str(FIRST if latest is None else raised(latest.semver, max(BUMP)) or latest.semver)
    try:
        plan = releases.plan(bundle=bundle, version=asked, actor=actor)
    except PromptHubError as error:
        return Next(version or asked, refusal=error)
    fits = version or str(plan.lowest or asked)
    before = {} if plan.previous is None else releases.pins(release=plan.previous)
    old, new = release_changes.sealed(before), release_changes.planned(plan.prompts)
    changes = release_changes.between(old=old, new=new)
    goes_with = {row.pk: f"{row.bundle.address}@{row.version}" for row in plan.goes_with}
    marks = [(goes_with[mark.release_id], mark, MARK[mark.kind]) for mark in standing.warnings(plan.goes_with)]
    return Next(fits, plan, changes, release_changes.reasons(plan.changes), marks=marks)


def compared(*, old: Release, new: Release, shape: Shape) -> Compared:
    """What changed from one release to another: prompts, requirements, and what they go with."""
    sides = [release_changes.sealed(releases.pins(release=one)) for one in (old, new)]
    changes = release_changes.between(old=sides[0], new=sides[1], shape=shape)
    requires = _papers(old.manifest.get("requires", {}), new.manifest.get("requires", {}), changes.count)
    before = changes.count + (requires.changes if requires is not None else 0)
    return Compared(changes, requires, _papers(old.compatibility, new.compatibility, before))


def dependants_page(*, bundle: Bundle, actor: Actor, number: str = "") -> Page[Any]:
    """Releases of other bundles that need this one or have texts of it in their prompts, the newest first."""
    return Paginator(dependencies.dependants(bundle=bundle, actor=actor), PAGE).get_page(number)


def _line(release: Any, latest: Release | None, pointing: Sequence[Channel]) -> ReleaseLine:
    said = {
        ReleaseMark.Kind.REVERT: release.reverted,
        ReleaseMark.Kind.YANK: release.yanked,
        ReleaseMark.Kind.RETIRE: release.retired,
    }
    states = [MARK[kind] for kind, so in said.items() if so]
    if latest is not None and release.pk == latest.pk:
        states.insert(0, LATEST)
    if release.pre_release:
        states.append(PRE_RELEASE)
    return ReleaseLine(release, states, pointing)


def _signatures(release: Release) -> list[Signature]:
    keys = signing.public_keys(retired=True)
    message = papers.signed_bytes(release.paper)
    return [
        Signature(key, key in keys and ed25519.verified(keys[key], raw, message))
        for key, raw in signing.signatures(release=release).items()
    ]


def _papers(old: Any, new: Any, before: int) -> DocumentComparison | None:
    found = documents(old=old, new=new)
    return release_changes.outline(found, before) if found.changes else None
