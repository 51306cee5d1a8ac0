"""What a release of a bundle's draft would be: its prompts, what it needs, and how it differs from the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from django.db.models import QuerySet

from foundation.actors import Actor
from prompthub_kernel import bump, shapes
from prompthub_kernel.body import BodyFormat
from prompthub_kernel.bump import Bump, Change
from prompthub_kernel.errors import Invalid, Problem
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.pointer import pointer
from prompthub_kernel.semver import SemVer
from registry import bundles, composing, dependencies, packs, precedence
from registry.choosing import HIDDEN
from registry.composing import Whole
from registry.models import Bundle, Pin, Release, ReleaseMark
from templates_app.models import TemplateVersion
from tenancy.models import Project


@dataclass(frozen=True, slots=True)
class Plan:
    """A release that was not cut.

    ``chosen`` are the releases of all bundles it needs, also by way of others, ``changes`` its differences from
    ``previous``, the release it is measured against, and ``lowest`` the lowest version that would do for them.
    ``above`` is the next finished release, where there is one, ``leading`` the differences of that from this one, and
    ``highest`` the lowest version above all that there are. ``same_as`` is the newest release, if that has the same
    content.
    """

    manifest: Manifest
    prompts: Mapping[str, Whole]
    chosen: Mapping[str, Release]
    previous: Release | None
    changes: Sequence[Change]
    same_as: Release | None
    above: Release | None = None
    leading: Sequence[Change] = ()
    highest: SemVer | None = None

    @property
    def needed(self) -> Bump:
        """The step that the changes ask for."""
        return bump.needed(self.changes)

    @property
    def lowest(self) -> SemVer | None:
        """The lowest version that is enough; None where there is nothing to be measured against."""
        if not self.fits_below:
            return self.highest
        return None if self.previous is None else bump.raised(self.previous.semver, self.needed)

    @property
    def enough(self) -> bool:
        """Whether the version is high enough for the changes."""
        if not self.fits_below:
            return False
        return self.previous is None or bump.step(self.previous.semver, self.manifest.version) >= self.needed

    @property
    def fits_below(self) -> bool:
        """Whether the next release keeps what this one would promise to those who ask for it or higher."""
        return self.above is None or bump.step(self.manifest.version, self.above.semver) >= bump.needed(self.leading)

    def require_enough(self) -> None:
        """Raises ``422.bump_too_small`` with the reasons unless the version is high enough, and fits below the next."""
        if self.previous is not None:
            bump.require_bump(old=self.previous.semver, new=self.manifest.version, found=[*self.changes])
        if self.above is not None and self.highest is not None:
            found, lowest = [*self.leading], self.highest
            bump.require_room(new=self.manifest.version, above=self.above.semver, found=found, lowest=lowest)


def plan(*, bundle: Bundle, version: SemVer, actor: Actor) -> Plan:
    """The release that the draft would be; whether its version is high enough is told, not refused.

    Raises ``422.request_invalid`` for a draft without prompts and requirements and for a pack of another shape,
    ``422.dependency_private`` for a public bundle that needs or puts in what not everybody may see, what
    :func:`registry.dependencies.solve` and :func:`registry.composing.wholes` raise.
    """
    requires = bundles.requirements(bundle=bundle)
    chosen = dependencies.solve(requirements=requires, actor=actor, bundle=str(bundle.address)).releases
    prompts = composing.wholes(bundle=bundle, actor=actor, version=str(version), choose=lambda: chosen)
    if not prompts and not requires:
        shapes.refuse("/members", "minProperties", "A release has at least one prompt, or needs another bundle.")
    if bundle.kind == Bundle.Kind.PACK:
        packs.check_shape(names=prompts.keys())
    _require_open(bundle, chosen, prompts)
    paper = Manifest(
        bundle=str(bundle.address),
        version=version,
        prompts={name: whole.digest for name, whole in prompts.items()},
        requires=requires,
        compatibility=bundle.compatibility,
    )
    before, noticed = _previous(bundle, version), _noticed(prompts)
    changes = [] if before is None else bump.changes(prompts_of(release=before), noticed)
    found = Plan(paper, prompts, chosen, before, changes, _same(bundle, paper))
    above = None if version.pre else _finished(bundle, version).filter(precedence__gt=_precedence(version)).last()
    if above is None:
        return found
    top = _finished(bundle, version).first() or above
    beyond = bump.raised(top.semver, bump.needed(bump.changes(prompts_of(release=top), noticed)))
    leading = bump.changes(noticed, prompts_of(release=above))
    return replace(found, above=above, leading=leading, highest=beyond)


def choosing(*, bundle: Bundle, actor: Actor) -> Callable[[], Mapping[str, Release]]:
    """Chooses the releases of what the draft needs when it is asked, once."""

    @cache
    def choose() -> Mapping[str, Release]:
        requires = bundles.requirements(bundle=bundle)
        return dependencies.solve(requirements=requires, actor=actor, bundle=str(bundle.address)).releases

    return choose


def _require_open(bundle: Bundle, chosen: Mapping[str, Release], prompts: Mapping[str, Whole]) -> None:
    """Whoever sees a public bundle reads its whole texts and its manifest, and has to find what it needs."""
    public = Project.Visibility.PUBLIC
    if bundle.project.visibility != public:
        return
    used = [(("requirements", name), release.bundle) for name, release in chosen.items()]
    used += [(("members", name), one.bundle) for name, whole in prompts.items() for one, _ in whole.included]
    problems = [
        Problem(pointer(place), "private", f"{found.address} is private, and this bundle is public.")
        for place, found in dict.fromkeys(used)
        if found.project.visibility != public
    ]
    if problems:
        detail = "A public bundle needs and puts in public ones alone: make those public, or the project private."
        raise Invalid("422.dependency_private", detail, problems=problems)


def prompts_of(*, release: Release) -> dict[str, bump.Member]:
    """What callers notice of a release's prompts, by name."""
    rows = Pin.objects.filter(release=release).select_related("template_version")
    rows = rows.defer("template_version__content_md", "template_version__content_json")
    return {pin.name: _prompt(pin.template_version) for pin in rows}


def _prompt(version: TemplateVersion) -> bump.Member:
    return bump.Member(version.digest, BodyFormat(version.format), version.variables)


def _noticed(prompts: Mapping[str, Whole]) -> dict[str, bump.Member]:
    return {name: whole.prompt for name, whole in prompts.items()}


def _previous(bundle: Bundle, version: SemVer) -> Release | None:
    """The highest finished release before a version, of its variant; one that was yanked still counts."""
    return _finished(bundle, version).filter(precedence__lt=_precedence(version)).first()


def _finished(bundle: Bundle, version: SemVer) -> QuerySet[Release]:
    """The finished releases of a version's variant, the highest first."""
    rows = Release.objects.filter(bundle=bundle, variant=version.variant, pre_release=False)
    return rows.exclude(marks__kind=ReleaseMark.Kind.REVERT).order_by("-precedence")


def _precedence(version: SemVer) -> bytes:
    """Where the finished version of these numbers stands."""
    return precedence.of(SemVer(*version.numbers, variant=version.variant))


def _same(bundle: Bundle, paper: Manifest) -> Release | None:
    """The newest release of the variant, if all it says but the version is the same."""
    rows = Release.objects.filter(bundle=bundle, variant=paper.version.variant).exclude(marks__kind__in=HIDDEN)
    newest = rows.order_by("-precedence").first()
    if newest is None:
        return None
    said = paper.to_json()
    return newest if all(newest.manifest[part] == said[part] for part in _CONTENT) else None


_CONTENT = ("prompts", "requires", "compatibility")
