"""Packs: bundles of a system prompt and styles, one release of which is active in each environment (seed 001).

The active release of an environment is where its channel points: ``active``, or ``active@staging`` for one with a name.
Until somebody activated one there, it is the default that the installation's settings name.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from foundation.actors import Actor
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem, PromptHubError
from prompthub_kernel.pointer import pointer
from prompthub_kernel.selector import Exact, Named
from registry import aims, channels
from registry.channels import Moved
from registry.choosing import HIDDEN
from registry.models import Activation, Bundle, Channel, Release, ReleaseMark
from tenancy import policy
from tenancy.models import Project

log = structlog.get_logger(__name__)

ACTIVE = "active"
SYSTEM = "system"
STYLES = "styles/"


@dataclass(frozen=True, slots=True)
class PackVersion:
    """A release of a pack as a catalogue shows it. ``marks`` are the words ``retire`` and ``yank``, if it has them."""

    version: str
    digest: str
    styles: tuple[str, ...]
    compatibility: Mapping[str, Any]
    created_at: datetime
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack with its releases, the highest first, and the active one of each environment (``""``: without a name)."""

    bundle: Bundle
    versions: tuple[PackVersion, ...]
    active: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Active:
    """The release that an environment runs.

    ``origin`` is ``channel``, ``default`` (nobody activated one yet) or ``last_active``: then the default names no
    release, and ``warning`` says so.
    """

    release: Release
    environment: str
    origin: str
    warning: str = ""


def check_shape(*, names: Collection[str]) -> None:
    """A pack has the prompt ``system``, and beside it only ``styles/<id>``. Raises ``422.request_invalid`` naming what
    is missing and what does not belong.
    """
    problems = [
        Problem(pointer(("prompts", name)), "pattern", "A pack holds system, and styles under styles/.")
        for name in sorted(names)
        if name != SYSTEM and not (name.startswith(STYLES) and "/" not in name.removeprefix(STYLES))
    ]
    if SYSTEM not in names:
        problems.insert(0, Problem(pointer(("prompts", SYSTEM)), "required", "A pack has the prompt system."))
    if problems:
        raise Invalid("422.request_invalid", "This is not the shape of a pack.", problems=problems)


def style_member(*, style: str, names: Iterable[str]) -> str:
    """The name under which a release has a style. Raises ``422.style_unsupported`` naming the styles there are."""
    known = styles(names=names)
    if style in known:
        return STYLES + style
    detail = f"The pack has the styles {', '.join(known)}." if known else "The pack has no styles."
    raise Invalid(
        "422.style_unsupported", detail, problems=[Problem("/style", "enum", detail)], context={"styles": list(known)}
    )


def styles(*, names: Iterable[str]) -> tuple[str, ...]:
    """The styles among the prompts of a release, by the alphabet."""
    return tuple(sorted(name.removeprefix(STYLES) for name in names if name.startswith(STYLES)))


def channel_name(*, environment: str) -> str:
    """The channel whose release an environment runs. Raises ``400.address_invalid`` for what is no environment."""
    return str(Named.parse(f"{ACTIVE}@{environment}" if environment else ACTIVE))


def get(*, repository: str, slug: str, actor: Actor) -> Bundle:
    """A pack by the slugs of its address, as far as the actor may see its project; ``404.bundle_not_found``."""
    found = Bundle.objects.select_related("project").filter(project__slug=repository, slug=slug).first()
    if found is None or not policy.can(actor, policy.Permission.VIEW, found.project):
        raise NotFound("404.bundle_not_found", "No such pack.")
    _require_pack(found)
    return found


def of(*, project: Project, slug: str) -> Bundle | None:
    """A pack of a project, whoever asks; None for a bundle that is none."""
    return Bundle.objects.select_related("project").filter(project=project, slug=slug, kind=Bundle.Kind.PACK).first()


def here() -> str:
    """The environment of this installation."""
    return str(settings.PACKS["environment"])


def listing(*, actor: Actor) -> QuerySet[Bundle]:
    """The packs that the actor may see, by address; :func:`catalogue` tells of their releases."""
    packs = Bundle.objects.filter(kind=Bundle.Kind.PACK, project__in=policy.visible(actor, Project))
    return packs.select_related("project").order_by("project__slug", "slug", "id")


def catalogue(*, packs: Sequence[Bundle]) -> list[Pack]:
    """Packs with their releases and what runs where, in three queries; reverted releases are left out."""
    versions: dict[uuid.UUID, list[PackVersion]] = {pack.pk: [] for pack in packs}
    active: dict[uuid.UUID, dict[str, str]] = {pack.pk: {} for pack in packs}
    marks: dict[uuid.UUID, set[str]] = {}
    for key, kind in ReleaseMark.objects.filter(release__bundle__in=packs).values_list("release_id", "kind"):
        marks.setdefault(key, set()).add(kind)
    for release in Release.objects.filter(bundle__in=packs).order_by("-precedence"):
        found = marks.get(release.pk, set())
        if ReleaseMark.Kind.REVERT not in found:
            versions[release.bundle_id].append(_version(release, tuple(sorted(found))))
    moving = Channel.objects.filter(bundle__in=packs, release__isnull=False).select_related("release").order_by("name")
    for channel in moving:
        name = Named.parse(channel.name)
        if name.name == ACTIVE and channel.release is not None:
            active[channel.bundle_id][name.environment] = channel.release.version
    return [Pack(pack, tuple(versions[pack.pk]), active[pack.pk]) for pack in packs]


def going_back(*, packs: Sequence[Bundle]) -> dict[uuid.UUID, set[str]]:
    """The environments in which there is something to roll back to, by the pack's id; three queries."""
    found: dict[uuid.UUID, set[str]] = {pack.pk: set() for pack in packs}
    moving = Channel.objects.filter(bundle__in=packs, release__isnull=False)
    ways = channels.ways(rows=moving)
    marks = ReleaseMark.objects.filter(release__bundle__in=packs, kind__in=HIDDEN)
    hidden = set(marks.values_list("release_id", flat=True))
    for channel in moving:
        name = Named.parse(channel.name)
        if name.name == ACTIVE and (channel.split_release_id is not None or ways[channel.pk].keys() - hidden):
            found[channel.bundle_id].add(name.environment)
    return found


def active(*, pack: Bundle, actor: Actor, environment: str | None = None) -> Active:
    """The release that an environment runs, by default the installation's own.

    Where nobody activated one yet it is the default of the settings. One that names no release is told loudly, and what
    was active last, in whichever environment, stands in for it. Raises ``404.channel_not_found`` when there is nothing.
    """
    policy.require(actor, policy.Permission.VIEW, pack.project)
    where = here() if environment is None else environment
    name = channel_name(environment=where)
    channel = Channel.objects.filter(bundle=pack, name=name).select_related("release").first()
    if channel is not None and channel.release is not None:
        return Active(channel.release, where, "channel")
    return standing_in(pack=pack, environment=where)


def standing_in(*, pack: Bundle, environment: str) -> Active:
    """What an environment runs in which nobody activated a release yet; :func:`active` says what and when it raises."""
    default = default_of(pack=pack.address) if environment == here() else None
    if default is None:
        raise NotFound("404.channel_not_found", "No release of this pack is active in this environment yet.")
    offered = Release.objects.exclude(marks__kind=ReleaseMark.Kind.REVERT)
    release = offered.filter(bundle=pack, number=_number(default)).first()
    if release is not None:
        return Active(release, environment, "default")
    last = (
        Activation.objects.filter(Q(channel__name=ACTIVE) | Q(channel__name__startswith=f"{ACTIVE}@"))
        .filter(channel__bundle=pack, ordinal__isnull=False, release__in=offered)
        .select_related("release")
        .order_by("-active_at", "-id")
        .first()
    )
    if last is None or last.release is None:
        log.error("pack.default_unknown", pack=str(pack.address), default=str(default), instead=None)
        raise NotFound("404.channel_not_found", "The default of this pack names no release, and none was ever active.")
    warning = f"The default {default} of {pack.address} names no release; {last.release.version} was active last."
    log.error("pack.default_unknown", pack=str(pack.address), default=str(default), instead=last.release.version)
    return Active(last.release, environment, "last_active", warning)


def default_of(*, pack: BundleAddress) -> Exact | None:
    """The release of a pack that the settings name for this installation's environment."""
    for text in settings.PACKS["defaults"]:
        address = BundleAddress.parse(text)
        if address.name == pack.name and isinstance(address.selector, Exact):
            return address.selector
    return None


def unknown_defaults() -> list[str]:
    """A sentence for each default of the settings that names no release, or a pack that has one: the server does not
    start with one.
    """
    found = []
    named: set[str] = set()
    for text in settings.PACKS["defaults"]:
        try:
            address = BundleAddress.parse(text)
        except PromptHubError as error:
            found.append(f"PROMPTHUB_PACK_DEFAULTS: {text} cannot be read. {error.detail}")
            continue
        if address.name in named:
            found.append(f"PROMPTHUB_PACK_DEFAULTS names {address.name} more than once. A pack has one default.")
        named.add(address.name)
        packs = Bundle.objects.filter(project__slug=address.repository, slug=address.bundle, kind=Bundle.Kind.PACK)
        offered = Release.objects.filter(bundle__in=packs).exclude(marks__kind=ReleaseMark.Kind.REVERT)
        if not isinstance(address.selector, Exact):
            found.append(f"PROMPTHUB_PACK_DEFAULTS: {text} must name one version, as {address.name}@1.4.0 does.")
        elif not offered.filter(number=_number(address.selector)).exists():
            numbers = list(offered.order_by("-precedence").values_list("version", flat=True)[:5])
            there = f"It has {', '.join(numbers)}" if numbers else "There is no such pack, or it has no release"
            found.append(f"PROMPTHUB_PACK_DEFAULTS names {text}, which is no release. {there}.")
    return found


def activate(
    *,
    pack: Bundle,
    to: str | Release,
    by: Actor,
    at: datetime,
    environment: str | None = None,
    reason: str = "",
    expected: str | None = None,
    confirm: bool = False,
) -> Moved:
    """Have an environment run a release; an older one, too (seed 001, FR-003). Its channel is made when it is missing.

    Raises what :func:`registry.channels.activate` and, the first time, :func:`registry.channels.create` raise.
    """
    with transaction.atomic():  # a channel that was made for a move that is refused goes with it
        channel = _channel(pack, environment, to, by, at)
        return channels.activate(
            channel=channel, to=to, by=by, at=at, reason=reason, expected=expected, confirm=confirm
        )


def rollback(
    *,
    pack: Bundle,
    by: Actor,
    at: datetime,
    environment: str | None = None,
    reason: str = "",
    expected: str | None = None,
) -> Moved:
    """Have an environment run what it ran before. Raises what :func:`registry.channels.rollback` raises."""
    _require_pack(pack)
    name = channel_name(environment=here() if environment is None else environment)
    channel = channels.get(bundle=pack, name=name, actor=by)
    return channels.rollback(channel=channel, by=by, at=at, reason=reason, expected=expected)


def _channel(pack: Bundle, environment: str | None, to: str | Release, by: Actor, at: datetime) -> Channel:
    """The channel of an environment, made when it is missing: then the release is locked before that is announced,
    because whoever else locks it announces afterwards.
    """
    _require_pack(pack)
    name = channel_name(environment=here() if environment is None else environment)
    try:
        return channels.get(bundle=pack, name=name, actor=by)
    except NotFound:
        policy.require(by, policy.Permission.PUBLISH, pack.project)
        aims.find(bundle=pack, to=to, actor=by)
        try:
            return channels.create(bundle=pack, name=name, by=by, at=at)
        except Conflict:  # somebody else made it meanwhile
            return channels.get(bundle=pack, name=name, actor=by)


def _require_pack(bundle: Bundle) -> None:
    if bundle.kind != Bundle.Kind.PACK:
        raise NotFound("404.bundle_not_found", "That bundle is no pack.")


def _version(release: Release, marks: tuple[str, ...]) -> PackVersion:
    return PackVersion(
        release.version,
        release.digest,
        styles(names=release.manifest.get("prompts", ())),
        release.compatibility,
        release.created_at,
        marks,
    )


def _number(selector: Exact) -> str:
    return str(selector.version).partition("+")[0]
