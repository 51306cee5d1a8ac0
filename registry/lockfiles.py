"""Lock files: exactly which releases a project uses, and whether those are what is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from foundation.actors import Actor
from prompthub_kernel import lockfile, shapes
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import NotFound, Problem
from prompthub_kernel.lockfile import LockedBundle, Lockfile
from prompthub_kernel.selector import Exact, Named, Range, Selector
from prompthub_kernel.semver import SemVer
from registry import bundles, choosing, dependencies, precedence, seals
from registry.models import Release, ReleaseMark
from tenancy import policy
from tenancy.models import Project

_BATCH = 500
WARNED: Mapping[str, str] = {ReleaseMark.Kind.RETIRE: "retired", ReleaseMark.Kind.YANK: "yanked"}
"""What is said of a release that is served nevertheless, by the mark that says it."""


@dataclass(frozen=True, slots=True)
class MarkedRelease:
    """What is to be known of a locked release that is served nevertheless.

    ``pointer`` is the place of its bundle in the lock file, ``code`` is ``retired`` or ``yanked``, ``reason`` one of
    :class:`ReleaseMark.Reason`.
    """

    pointer: str
    code: str
    reason: str
    message: str


def lock(*, requirements: Mapping[str, str], actor: Actor, locked: Lockfile | None = None) -> Lockfile:
    """Choose a release of every bundle that a project asks for, by ``@repository/bundle``, and of all those they need.

    What an earlier lock holds is kept where it still fits. A channel is locked at where it points now. Raises
    ``400.address_invalid`` and ``422.request_invalid`` at the requirement, ``422.dependency_unsatisfiable`` and
    ``422.dependency_cycle`` with the explanation, and ``502.seal_broken`` for a release that is not as it was sealed
    or that no key vouches for.
    """
    asked = shapes.selectors(requirements, "/requirements")
    wanted = {name: _fixed(name, selector, actor) for name, selector in asked.items()}
    held = {name: bundle.version for name, bundle in locked.bundles.items()} if locked else {}
    chosen = dependencies.solve(requirements=wanted, actor=actor, locked=held).releases
    wrong = seals.of_releases(releases=[*chosen.values()])
    if wrong:
        names = ", ".join(f"{name}@{chosen[name].version}" for name in wrong)
        problems = [problem for found in wrong.values() for problem in found]
        raise seals.broken(where=names, detail=f"{names}: this is not what was sealed.", problems=problems)
    return Lockfile.of(asked, [release.paper for release in chosen.values()])


def verify(*, lock: Lockfile, actor: Actor, requirements: Mapping[str, str] | None = None) -> list[Problem]:
    """Where a lock and what is served differ; empty when a frozen install may go on.

    Digests are taken anew over the manifests and over the texts that the lock names, and signatures are verified.
    ``requirements`` are what the project asks for now; without any, what the lock says it asked for. Codes are those of
    :func:`prompthub_kernel.lockfile.problems` and of :func:`registry.seals.of_releases`: a version that is gone, or
    that the actor may not see, is ``bundle_removed``. What was only yanked or retired is still served:
    :func:`marked` tells of it.
    """
    asked = lock.requirements if requirements is None else shapes.selectors(requirements, "/requirements")
    served = _served({name: bundle.version for name, bundle in lock.bundles.items()}, actor)
    wrong = seals.of_releases(releases=[*served.values()])
    whole = {name: release for name, release in served.items() if name not in wrong}
    told = {name: lock.bundles[name] if name in wrong else LockedBundle.of(whole[name].paper) for name in served}
    found = [problem for problems in wrong.values() for problem in problems]
    found += lockfile.problems(lock, Lockfile(asked, told))
    known = {problem.pointer for problem in found}
    texts = seals.of_texts(releases=whole, names={name: bundle.prompts for name, bundle in lock.bundles.items()})
    found += [problem for problem in texts if problem.pointer not in known]
    return found[: lockfile.MAX_PROBLEMS]


def marked(*, lock: Lockfile, actor: Actor) -> list[MarkedRelease]:
    """Which releases of a lock were retired or yanked meanwhile, by the name of their bundle; they break no install.

    Of several retirements of a release the last one counts.
    """
    served = _served({name: bundle.version for name, bundle in lock.bundles.items()}, actor)
    names = {release.pk: name for name, release in served.items()}
    marks = ReleaseMark.objects.filter(release__in=list(names), kind__in=WARNED).order_by("id")
    last = {(names[mark.release_id], WARNED[mark.kind]): mark for mark in marks}
    return [
        MarkedRelease(shapes.below("/bundles", name), code, mark.reason, mark.message)
        for (name, code), mark in sorted(last.items(), key=itemgetter(0))
    ]


def _fixed(name: str, selector: Selector, actor: Actor) -> Exact | Range:
    """A name that moves as the version it points at now."""
    if not isinstance(selector, Named):
        return selector
    address = BundleAddress.parse(name)
    here = shapes.below("/requirements", name)
    try:
        bundle = bundles.get(repository=address.repository, slug=address.bundle, actor=actor)
    except NotFound as missing:
        shapes.refuse(here, "unknown", missing.detail)
    found = choosing.best(bundle=bundle, selector=selector)
    if found is None:
        shapes.refuse(here, "unknown", "Nothing is there under this name.")
    return Exact(found.semver)


def _served(versions: Mapping[str, SemVer], actor: Actor) -> dict[str, Release]:
    """Those of these releases that there are for the actor."""
    projects = policy.visible(actor, Project)
    wanted = sorted(versions)
    found: dict[str, Release] = {}
    for start in range(0, len(wanted), _BATCH):
        batch = {name: BundleAddress.parse(name) for name in wanted[start : start + _BATCH]}
        rows = Release.objects.filter(
            bundle__project__in=projects,
            bundle__project__slug__in={address.repository for address in batch.values()},
            bundle__slug__in={address.bundle for address in batch.values()},
            precedence__in={precedence.of(versions[name]) for name in batch},
        ).exclude(marks__kind=ReleaseMark.Kind.REVERT)
        for release in rows.select_related("bundle__project").order_by():
            name = str(release.bundle.address)
            if name in batch and release.semver.key == versions[name].key:
                found[name] = release
    return found
