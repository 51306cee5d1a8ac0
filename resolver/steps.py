"""The steps of the way to a text, each asked in its turn: it has the text, or says why not.

By address there is one. By client there are four: the client's own prompt, then the default of the category, then the
default of all, then what is shipped. A step never raises for a text that is not there; it raises for what the caller
may not do and for what is broken.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from foundation.actors import Actor, system
from instances import versions as instance_versions
from prompthub_kernel.address import Address
from prompthub_kernel.body import BodyFormat, Engine, PromptBody
from prompthub_kernel.canonical import sha256_digest
from prompthub_kernel.errors import NotFound
from prompthub_kernel.rendering import Rendered
from prompthub_kernel.resolution import Origin, ResolveRequest, Warned
from prompthub_kernel.selector import LATEST, Exact, Named, Selector
from prompthub_kernel.semver import SemVer
from registry import packs
from resolver import cache as remembered
from resolver.cache import Read
from tenancy import clients, projects
from tenancy.models import Project

DEFAULTS = ("prompthub", "defaults")
"""The bundle an installation may cut to replace the texts that are shipped: ``@prompthub/defaults``."""
LAST = (
    "You are a careful assistant. Answer what is asked, with what you were given; where something is missing, say so "
    "instead of making it up. Keep the answer short and in the language of the question."
)
"""What is given when nothing else is there: nobody gets an empty text."""
GLOBAL = "default"
_WARNED = {"retire": "retired", "yank": "yanked"}
_BUILTIN = Path(__file__).parent / "builtin"


@dataclass(frozen=True, slots=True)
class Hit:
    """A text and its passport; see :class:`prompthub_kernel.resolution.ResolvedPrompt`."""

    digest: str
    origin: Origin
    version: str
    body: PromptBody | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    rendered: Rendered | None = None
    address: str = ""
    release: str = ""
    ordinal: int | None = None
    compatibility: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()
    project: uuid.UUID | None = None
    client: uuid.UUID | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a step has no text: a sentence, and the error that tells of it when no later step has one."""

    error: NotFound

    @property
    def reason(self) -> str:
        """For the trail."""
        return f"{self.error.code}: {self.error.detail}"


class Step(Protocol):
    """One rung of the way; its name is what the trail says."""

    __name__: str

    def __call__(self, *, request: ResolveRequest, actor: Actor) -> Hit | Miss:
        """The text, or why there is none here."""


def registry_address(*, request: ResolveRequest, actor: Actor) -> Hit | Miss:
    """The prompt of the release that the address means."""
    address = request.address
    assert address is not None  # noqa: S101 - the step is tried for addresses alone
    try:
        project = projects.get(key=address.repository, actor=actor)
        read, warned = meant(
            project=project,
            slug=address.bundle,
            selector=address.selector,
            key=request.key,
            segments=request.segments,
            prompt=address.prompt,
        )
        found = released(read=read, project=project, slug=address.bundle, name=address.prompt)
    except NotFound as missing:
        return Miss(missing)
    return replace(found, warnings=(*warned, *found.warnings)) if warned else found


def client_instance(*, request: ResolveRequest, actor: Actor) -> Hit | Miss:
    """The text that runs for the client under the name. Raises ``404.not_found`` for a client one may not see."""
    client = clients.get(key=request.client, actor=actor)
    if not request.name:
        return Miss(NotFound("404.template_or_instance_not_found", "No name was asked for."))
    try:
        version = instance_versions.active_for(client=client, name=request.name, actor=actor)
    except NotFound as missing:
        return Miss(missing)
    if version.erased:
        return Miss(NotFound("410.gone", "The text of the active version was erased."))
    instance_versions.require_intact(version=version)
    return Hit(
        digest=version.digest,
        origin=Origin.INSTANCE,
        version=str(version.ordinal),
        body=version.body,
        rendered=version.rendered,
        client=client.pk,
        prompt=request.name,
    )


def category_default(*, request: ResolveRequest, actor: Actor) -> Hit | Miss:
    """The text for the category in the installation's own ``@prompthub/defaults``."""
    del actor  # everybody's
    if not request.category:
        return Miss(NotFound("404.prompt_not_found", "No category was asked for."))
    return _default(request.category)


def global_default(*, request: ResolveRequest, actor: Actor) -> Hit | Miss:
    """The text for everything else in the installation's own ``@prompthub/defaults``."""
    del request, actor  # everybody's
    return _default(GLOBAL)


def builtin(*, request: ResolveRequest, actor: Actor) -> Hit | Miss:
    """What is shipped: for the category, for all, and at last one sentence that needs no file."""
    del actor  # everybody's
    shipped = _shipped()
    name = request.category if request.category in shipped else GLOBAL
    body = PromptBody.parse(content_md=shipped.get(name, LAST), content_json=None, format="markdown")
    return Hit(digest=sha256_digest(body.digest().encode()), origin=Origin.BUILTIN, version="", body=body, prompt=name)


def meant(
    *,
    project: Project,
    slug: str,
    selector: Selector | None,
    key: str = "",
    segments: Collection[str] = (),
    prompt: str = "",
) -> tuple[Read, tuple[Warned, ...]]:
    """What :func:`release` finds, and what is to be known of that. Where nobody activated a pack in the environment
    that is meant, it is what :func:`registry.packs.standing_in` names, with its warning.
    """
    try:
        found = release(project=project.pk, slug=slug, selector=selector, key=key, segments=segments, prompt=prompt)
    except NotFound as missing:
        if missing.code != "404.channel_not_found" or not isinstance(selector, Named) or selector.name != packs.ACTIVE:
            raise
        pack = packs.of(project=project, slug=slug)
        if pack is None:
            raise
    else:
        return found, ()
    active = packs.standing_in(pack=pack, environment=selector.environment)
    exact = Exact(SemVer.parse(active.release.version))
    warned = (Warned("default_unknown", "other", active.warning),) if active.warning else ()
    return release(project=project.pk, slug=slug, selector=exact, prompt=prompt), warned


def release(
    *,
    project: uuid.UUID,
    slug: str,
    selector: Selector | None,
    key: str = "",
    segments: Collection[str] = (),
    prompt: str = "",
) -> Read:
    """The release that a selector means for this caller, ``latest`` without one; ``prompt`` is what is read of it."""
    wanted = selector or Named(LATEST)
    return remembered.release(project=project, slug=slug, selector=wanted, key=key, segments=segments, prompt=prompt)


def released(*, read: Read, project: Project, slug: str, name: str) -> Hit:
    """A text of a release with its passport. Raises ``404.prompt_not_found``."""
    cut = read.cut
    text = remembered.text(cut=cut, name=name)
    exact = Address(project.slug, slug, Exact(SemVer.parse(cut.version)), name)
    return Hit(
        digest=text.digest,
        origin=Origin.REGISTRY,
        version=cut.version,
        body=PromptBody(BodyFormat(text.format), Engine(text.engine), text.content_md, text.content_json),
        variables=text.variables_schema,
        address=str(exact),
        release=cut.digest,
        ordinal=read.ordinal,
        compatibility=cut.compatibility,
        warnings=warnings(read=read),
        project=project.pk,
        prompt=f"@{project.slug}/{slug}/{name}",
    )


def warnings(*, read: Read) -> tuple[Warned, ...]:
    """What is to be known of a release that was retired or yanked."""
    found = (read.marked("retire"), read.marked("yank"))
    return tuple(Warned(_WARNED[mark.kind], mark.reason, mark.message) for mark in found if mark is not None)


def _default(name: str) -> Hit | Miss:
    repository, slug = DEFAULTS
    try:
        project = projects.get(key=repository, actor=system())
        read = release(project=project.pk, slug=slug, selector=None, prompt=name)
        found = released(read=read, project=project, slug=slug, name=name)
    except NotFound as missing:
        return Miss(missing)
    return replace(found, origin=Origin.DEFAULT)


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, str]:
    """The shipped texts by name; none where the files are missing."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_BUILTIN.glob("*.md"))}
