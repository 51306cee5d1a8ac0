"""What a release of a bundle's draft would be: its prompts, what it needs, and how it differs from the one before."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
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
from registry.choosing import HIDDEN, number
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
    content. ``present`` is the release that has the version already; ``reverted`` are the numbers of those that were
    taken back, which are never used again.
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
    present: Release | None = None
    reverted: frozenset[str] = frozenset()

    @property
    def needed(self) -> Bump:
        """The step that the changes ask for."""
        return bump.needed(self.changes)

    @property
    def goes_with(self) -> Sequence[Release]:
        """The releases it would be made with: those that are chosen, and those that texts are put in from."""
        put_in = [release for whole in self.prompts.values() for release, _ in whole.included]
        return list(dict.fromkeys([*self.chosen.values(), *put_in]))

    @property
    def lowest(self) -> SemVer | None:
        """The lowest version that is enough and free; None with nothing to be measured against, or none left."""
        if not self.fits_below or (self.used and not self.gone and not self.manifest.version.pre):
            return self.highest
        if self.previous is not None:
            found = _free(bump.raised(self.previous.semver, self.needed), self.reverted)
        elif self.gone:
            found = _free(_whole(self.manifest.version), self.reverted)
        else:
            return None
        return found if found is not None and self._fits(found) else self.highest

    @property
    def enough(self) -> bool:
        """Whether the version is high enough for the changes, and no other release has it."""
        if self.used or not self.fits_below:
            return False
        return self.previous is None or bump.step(self.previous.semver, self.manifest.version) >= self.needed

    @property
    def gone(self) -> bool:
        """Whether the release that has the version was taken back."""
        return self.present is not None and self.present.number in self.reverted

    @property
    def used(self) -> bool:
        """Whether the version cannot be cut any more: it was taken back, or has another content."""
        return self.present is not None and (self.gone or self.present.digest != self.manifest.digest())

    @property
    def fits_below(self) -> bool:
        """Whether the next release keeps what this one would promise to those who ask for it or higher."""
        return self._fits(self.manifest.version)

    def _fits(self, version: SemVer) -> bool:
        if self.above is None:
            return True
        above = self.above.semver
        return version.numbers < above.numbers and bump.step(version, above) >= bump.needed(self.leading)

    def require_enough(self) -> None:
        """Raises ``422.bump_too_small`` with the reasons unless the version is high enough, and fits below the next."""
        if self.previous is not None:
            old, new, found = self.previous.semver, self.manifest.version, [*self.changes]
            bump.require_bump(old=old, new=new, found=found, lowest=self.lowest)
        if self.above is not None:
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
    found = Plan(
        paper,
        prompts,
        chosen,
        before,
        changes,
        _same(bundle, paper),
        present=Release.objects.filter(bundle=bundle, number=number(version=version)).first(),
        reverted=_reverted(bundle, version),
    )
    above = None if version.pre else _finished(bundle, version).filter(precedence__gt=_precedence(version)).last()
    if above is None and not found.used:
        return found
    top = _finished(bundle, version).first()
    if top is None:
        return found
    beyond = bump.raised(top.semver, bump.needed(bump.changes(prompts_of(release=top), noticed)))
    leading = [] if above is None else bump.changes(noticed, prompts_of(release=above))
    return replace(found, above=above, leading=leading, highest=_free(beyond, found.reverted))


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


def _reverted(bundle: Bundle, version: SemVer) -> frozenset[str]:
    """The numbers of a version's variant that were taken back."""
    rows = Release.objects.filter(bundle=bundle, variant=version.variant, marks__kind=ReleaseMark.Kind.REVERT)
    return frozenset(rows.order_by().values_list("number", flat=True))


def _free(version: SemVer | None, used: Container[str]) -> SemVer | None:
    """The version, or the next patch of it that is not used; None where none is left."""
    while version is not None and number(version=version) in used:
        version = bump.raised(version, Bump.PATCH)
    return version


def _whole(version: SemVer) -> SemVer:
    """The finished version of these numbers."""
    return SemVer(*version.numbers, variant=version.variant)


def _precedence(version: SemVer) -> bytes:
    """Where the finished version of these numbers stands."""
    return precedence.of(_whole(version))


def _same(bundle: Bundle, paper: Manifest) -> Release | None:
    """The newest release of the variant, if all it says but the version is the same."""
    rows = Release.objects.filter(bundle=bundle, variant=paper.version.variant).exclude(marks__kind__in=HIDDEN)
    newest = rows.order_by("-precedence").first()
    if newest is None:
        return None
    said = paper.to_json()
    return newest if all(newest.manifest[part] == said[part] for part in _CONTENT) else None


_CONTENT = ("prompts", "requires", "compatibility")
