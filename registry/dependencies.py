"""What bundles need of each other: the releases that fit together, and who needs whom."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, QuerySet

from foundation.actors import Actor
from prompthub_kernel import solving
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.selector import Exact, Range
from prompthub_kernel.semver import SemVer
from registry.bundles import read_requirement
from registry.models import Bundle, Inclusion, Release, ReleaseMark, ReleaseRequirement
from tenancy import policy
from tenancy.models import Project

MAX_RELEASES = 200_000
"""That one question looks at: two hundred of each of a thousand bundles."""
_BATCH = 500
_SKIPPED = (ReleaseMark.Kind.YANK, ReleaseMark.Kind.REVERT)

Requirements = Mapping[str, Exact | Range]


@dataclass(frozen=True, slots=True)
class Solution:
    """The release of each bundle that is needed, by ``@repository/bundle`` in order."""

    releases: Mapping[str, Release]


def solve(
    *, requirements: Requirements, actor: Actor, bundle: str = "", locked: Mapping[str, SemVer] | None = None
) -> Solution:
    """Choose a release of every bundle that is needed, of those that the actor may see; others are as if missing.

    ``bundle`` is the address of the bundle whose requirements these are, ``locked`` what a lock file holds. Raises
    ``422.dependency_cycle`` and ``422.dependency_unsatisfiable`` as the kernel's ``solve`` does.
    """
    if not requirements:
        return Solution({})
    stock = Stock(actor)
    found = solving.solve(requirements, stock, bundle=bundle, locked=locked)
    keys = {stock.key(name, version): name for name, version in found.versions.items()}
    rows = Release.objects.filter(pk__in=keys).select_related("bundle__project")
    return Solution(dict(sorted((keys[row.pk], row) for row in rows)))


def dependants(*, bundle: Bundle, actor: Actor) -> QuerySet[Any]:
    """The releases of other bundles that need a bundle or have texts of it in their prompts, as far as the actor may
    see them, the newest first; those taken back left out. Each has its ``needs`` (one :class:`ReleaseRequirement`, or
    none) and its ``includes`` (:class:`Inclusion` rows by prompt) of that bundle. Three queries.
    """
    needing = ReleaseRequirement.objects.filter(required=bundle).order_by()
    including = Inclusion.objects.filter(included__bundle=bundle).exclude(release__bundle=bundle).order_by()
    rows: QuerySet[Any] = Release.objects.filter(
        pk__in=needing.values("release").union(including.values("release")),
        bundle__project__in=policy.visible(actor, Project),
    )
    rows = rows.exclude(marks__kind=ReleaseMark.Kind.REVERT).defer("manifest", "compatibility", "notes")
    return (
        rows.select_related("bundle__project")
        .prefetch_related(
            Prefetch("requirements", needing.select_related("resolved"), to_attr="needs"),
            Prefetch(
                "inclusions",
                including.select_related("included__bundle__project").order_by("name", "id"),
                to_attr="includes",
            ),
        )
        .order_by("-id")
    )


@dataclass(slots=True)
class _Known:
    """The releases of one bundle; ``keys`` and ``needs`` are filled together."""

    keys: dict[SemVer, uuid.UUID] = field(default_factory=dict)
    yanked: set[SemVer] = field(default_factory=set)
    needs: dict[SemVer, dict[str, Exact | Range]] = field(default_factory=dict)


class Stock:
    """The releases that the actor may see, as the solver asks for them.

    When a bundle is asked for that is not known, all bundles that those read before need are read with it: as many
    rounds as the longest way from bundle to bundle, of three queries for each :data:`_BATCH` bundles.
    """

    def __init__(self, actor: Actor) -> None:
        self._projects = policy.visible(actor, Project)
        self._known: dict[str, _Known] = {}
        self._waiting: dict[str, None] = {}
        self._selectors: dict[str, Exact | Range] = {}
        self._releases = 0

    def versions(self, bundle: str) -> Iterable[SemVer]:
        """The versions of a bundle's releases."""
        return self._of(bundle).keys

    def yanked(self, bundle: str) -> Iterable[SemVer]:
        """Those of them that ranges skip."""
        return self._of(bundle).yanked

    def requirements(self, bundle: str, version: SemVer) -> Requirements:
        """What a release needs."""
        return self._of(bundle).needs.get(version, {})

    def key(self, bundle: str, version: SemVer) -> uuid.UUID:
        """The id of a release."""
        return self._of(bundle).keys[version]

    def _of(self, bundle: str) -> _Known:
        if bundle not in self._known:
            wanted = [name for name in {bundle: None, **self._waiting} if name not in self._known]
            self._waiting.clear()
            for start in range(0, len(wanted), _BATCH):
                self._read(wanted[start : start + _BATCH])
        return self._known[bundle]

    def _read(self, names: list[str]) -> None:
        self._known |= {name: _Known() for name in names}
        bundles = self._visible(set(names))
        releases = Release.objects.filter(bundle__in=bundles).order_by()
        rows = list(releases.values_list("pk", "bundle_id", "version")[: MAX_RELEASES - self._releases + 1])
        self._releases += len(rows)
        if self._releases > MAX_RELEASES:
            detail = f"More than {MAX_RELEASES:,} releases would have to be looked at."
            raise Invalid(
                "422.dependency_unsatisfiable", detail, problems=[Problem("/requirements", "maxItems", detail)]
            )
        marks = ReleaseMark.objects.filter(release__bundle__in=bundles, kind__in=_SKIPPED).order_by()
        marked: dict[str, set[uuid.UUID]] = {kind: set() for kind in _SKIPPED}
        for key, kind in marks.values_list("release_id", "kind"):
            marked[kind].add(key)
        places: dict[uuid.UUID, tuple[_Known, SemVer]] = {}
        for key, bundle, spelled in rows:
            if key not in marked[ReleaseMark.Kind.REVERT]:
                known, version = self._known[bundles[bundle]], SemVer.parse(spelled)
                known.keys[version] = key
                places[key] = known, version
                if key in marked[ReleaseMark.Kind.YANK]:
                    known.yanked.add(version)
        needs = ReleaseRequirement.objects.filter(release__bundle__in=bundles).order_by()
        columns = ("release_id", "required__project__slug", "required__slug", "selector")
        for key, repository, slug, selector in needs.values_list(*columns):
            if key in places:
                known, version = places[key]
                name = f"@{repository}/{slug}"
                known.needs.setdefault(version, {})[name] = self._selector(selector)
                if name not in self._known:
                    self._waiting[name] = None

    def _visible(self, names: set[str]) -> dict[uuid.UUID, str]:
        addresses = [BundleAddress.parse(name) for name in names]
        rows = Bundle.objects.filter(
            project__slug__in={address.repository for address in addresses},
            slug__in={address.bundle for address in addresses},
            project__in=self._projects,
        ).order_by()
        found = {key: f"@{project}/{slug}" for key, project, slug in rows.values_list("pk", "project__slug", "slug")}
        return {key: name for key, name in found.items() if name in names}

    def _selector(self, text: str) -> Exact | Range:
        """Many releases need the same: what they need is read once."""
        if text not in self._selectors:
            self._selectors[text] = read_requirement(text=text, pointer="/requirements")
        return self._selectors[text]
