"""The one way text is read: walk the steps, take the first that has it, tell the way that was gone.

By address: ``registry_address``. By client: ``client_instance``, ``category_default``, ``global_default``,
``builtin``; so a client's request always ends with a text, unless its client may not be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from prompthub_kernel import rendering
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import Invalid, NotFound, Problem
from prompthub_kernel.rendering import Rendered
from prompthub_kernel.resolution import Freshness, ResolvedPrompt, ResolveRequest, Tried, Warned
from prompthub_kernel.selector import Exact
from prompthub_kernel.semver import SemVer
from prompthub_kernel.variables import VariablesSchema
from registry.names import Cut
from resolver import metrics, steps, usage
from resolver.cache import Read
from resolver.steps import Hit, Miss, Step
from tenancy import projects
from tenancy.models import Project

BY_ADDRESS: tuple[Step, ...] = (steps.registry_address,)
BY_CLIENT: tuple[Step, ...] = (
    steps.client_instance,
    steps.category_default,
    steps.global_default,
    steps.builtin,
)
MOST_PROMPTS = 200
"""Prompts of a bundle that are given in one answer."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The way to a text: what was found, None if nothing, the steps, and the error that a reader would get."""

    found: Hit | None
    trail: tuple[Tried, ...]
    error: NotFound | None = None


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """One release of a bundle, whatever its channels do meanwhile; ``warnings`` are of how it was found."""

    project: Project
    slug: str
    found: Read
    warnings: tuple[Warned, ...] = ()

    @property
    def address(self) -> BundleAddress:
        """The exact one."""
        return BundleAddress(self.project.slug, self.slug, Exact(SemVer.parse(self.cut.version)))

    @property
    def cut(self) -> Cut:
        """The release as it was sealed."""
        return self.found.cut


@dataclass(frozen=True, slots=True)
class ResolvedBundle:
    """All prompts of one release by name, and its passport (see :class:`ResolvedPrompt`)."""

    address: str
    version: str
    release: str
    ordinal: int | None
    warnings: tuple[Warned, ...]
    prompts: dict[str, ResolvedPrompt]


def resolve(*, request: ResolveRequest, actor: Actor, at: datetime) -> ResolvedPrompt:
    """The text that a request means, with the variables put in if there are any; the fetch is counted.

    Raises ``404.not_found`` for a repository or client one may not see, ``404.bundle_not_found``,
    ``404.channel_not_found``, ``404.release_not_found``, ``404.prompt_not_found``, ``410.gone`` for a release that was
    taken back; ``422.request_invalid`` unless the request names an address or a client; ``422.variables_invalid`` and
    ``400.template_schema_invalid`` as the rendering does. A text that does not have its digest is refused with
    ``502.seal_broken``.
    """
    explained = explain(request=request, actor=actor)
    if explained.found is None:
        error = explained.error or NotFound("404.prompt_not_found")
        metrics.unresolved.labels(code=error.code).inc()
        raise error
    return _answer(explained.found, explained.trail, request, actor, at)


def explain(*, request: ResolveRequest, actor: Actor) -> Explanation:
    """Which step has the text and why those before it do not; nothing is rendered.

    Raises ``404.not_found`` for a client one may not see, and ``422.request_invalid`` as :func:`resolve` does.
    """
    if (request.address is None) == (not request.client):
        raise Invalid(
            "422.request_invalid",
            "A text is asked for by its address or for a client, one of the two.",
            problems=[Problem("", "oneOf", "names an address or a client")],
        )
    trail: list[Tried] = []
    error: NotFound | None = None
    for step in BY_ADDRESS if request.address is not None else BY_CLIENT:
        match step(request=request, actor=actor):
            case Hit() as found:
                return Explanation(found, (*trail, Tried(step.__name__, hit=True)))
            case Miss() as miss:
                error = miss.error
                trail.append(Tried(step.__name__, hit=False, reason=miss.reason))
    return Explanation(None, tuple(trail), error)


def opened(*, address: BundleAddress, actor: Actor, key: str = "", segments: Collection[str] = ()) -> OpenRelease:
    """The release that the address of a bundle means, to read several of its prompts: which one is asked once.

    Raises as :func:`resolve` does.
    """
    project = projects.get(key=address.repository, actor=actor)
    return opened_in(project=project, address=address, key=key, segments=segments)


def opened_in(
    *, project: Project, address: BundleAddress, key: str = "", segments: Collection[str] = (), prompt: str = ""
) -> OpenRelease:
    """The same in a project that the reader is known to see; ``prompt`` is what will be read of it.

    Raises as :func:`resolve` does.
    """
    found, warned = steps.meant(
        project=project,
        slug=address.bundle,
        selector=address.selector,
        key=key,
        segments=segments,
        prompt=prompt,
    )
    return OpenRelease(project, address.bundle, found, warned)


def read(
    *, release: OpenRelease, name: str, actor: Actor, at: datetime, values: Mapping[str, Any] | None = None
) -> ResolvedPrompt:
    """A prompt of an open release; the fetch is counted. Raises as :func:`resolve` does."""
    found = steps.released(read=release.found, project=release.project, slug=release.slug, name=name)
    trail = (Tried(steps.registry_address.__name__, hit=True),)
    if release.warnings:
        found = replace(found, warnings=(*release.warnings, *found.warnings))
    return _answer(found, trail, ResolveRequest(values=values), actor, at)


def variables(*, release: OpenRelease, name: str) -> VariablesSchema:
    """What a prompt of an open release declares. Raises ``404.prompt_not_found``."""
    found = steps.released(read=release.found, project=release.project, slug=release.slug, name=name)
    return VariablesSchema.parse(found.variables)


def whole(*, release: OpenRelease, actor: Actor, at: datetime) -> ResolvedBundle:
    """All prompts of an open release. Raises ``422.request_invalid`` for more than :data:`MOST_PROMPTS`."""
    cut = release.cut
    if len(cut.prompts) > MOST_PROMPTS:
        detail = f"This release has more than {MOST_PROMPTS} prompts; read them one by one."
        raise Invalid("422.request_invalid", detail, problems=[Problem("/query/address", "maxItems", detail)])
    prompts = {name: read(release=release, name=name, actor=actor, at=at) for name in sorted(cut.prompts)}
    warned = (*release.warnings, *steps.warnings(read=release.found))
    return ResolvedBundle(str(release.address), cut.version, cut.digest, release.found.ordinal, warned, prompts)


def _answer(
    found: Hit, trail: tuple[Tried, ...], request: ResolveRequest, actor: Actor, at: datetime
) -> ResolvedPrompt:
    rendered = _rendered(found, request)
    metrics.resolved.labels(origin=found.origin).inc()
    if (what := usage.fetched(found=found, actor=actor)) is not None:
        usage.count(what=what, at=at.timestamp())
    return ResolvedPrompt(
        digest=found.digest,
        origin=found.origin,
        freshness=Freshness.FRESH,
        version=found.version,
        trail=trail,
        body=found.body,
        variables=found.variables,
        rendered=rendered,
        address=found.address,
        release=found.release,
        ordinal=found.ordinal,
        compatibility=found.compatibility,
        warnings=found.warnings,
    )


def _rendered(found: Hit, request: ResolveRequest) -> Rendered | None:
    """The text with the caller's values; a client's prompt was rendered when it was sealed."""
    if found.rendered is not None or request.values is None or found.body is None:
        return found.rendered
    schema = VariablesSchema.parse(found.variables)
    return rendering.render(body=found.body, variables=schema, values=schema.require(request.values))
