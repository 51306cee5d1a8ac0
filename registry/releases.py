"""Releases: a bundle's draft, sealed under a version that is never used again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit import events
from audit.actions import Action
from foundation import broadcast
from foundation.actors import Actor
from prompthub_kernel import rendering, shapes
from prompthub_kernel.errors import Conflict, NotFound, Problem
from prompthub_kernel.manifest import digest_of
from prompthub_kernel.place import Place
from prompthub_kernel.rendering import Rendered
from prompthub_kernel.semver import SemVer
from prompthub_kernel.strict_json import require_storable
from registry import bundles, composing, plans, precedence, seals, signing
from registry.choosing import best, latest, number
from registry.composing import Whole
from registry.models import Bundle, Channel, Inclusion, Pin, Release, ReleaseMark, ReleaseRequirement
from registry.plans import Plan
from templates_app import versions
from templates_app.models import TemplateVersion
from tenancy import policy
from tenancy.policy import Permission

__all__ = [
    "Cut",
    "Preview",
    "best",
    "cut",
    "find",
    "get",
    "latest",
    "listing",
    "marks",
    "pins",
    "plan",
    "preview",
    "retire",
    "revert",
    "subject",
    "yank",
]

REVERT_WITHIN = timedelta(hours=1)
MAX_NOTES_LENGTH = 10_000
MAX_MESSAGE_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Cut:
    """A release; whether this call cut it, and the newest release before it, if that has the same content.

    ``goes_with`` are the releases that its draft is made with (:attr:`registry.plans.Plan.goes_with`).
    """

    release: Release
    created: bool
    same_as: Release | None = None
    goes_with: Sequence[Release] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """A prompt of a draft, rendered; ``whole`` is the text that a cut would seal."""

    rendered: Rendered
    whole: Whole


def preview(*, bundle: Bundle, name: str, values: Mapping[str, Any], actor: Actor) -> Preview:
    """A prompt of the draft as it would be sealed, under these variables; secrets stay placeholders. Stores nothing.

    Raises ``404.prompt_not_found``, ``422.variables_invalid``, and what :func:`registry.composing.wholes` raises.
    """
    policy.require(actor, Permission.VIEW, bundle.project)
    choose = plans.choosing(bundle=bundle, actor=actor)
    whole = composing.wholes(bundle=bundle, actor=actor, choose=choose, only=name)[name]
    given = whole.variables.require(values)
    return Preview(rendering.render(body=whole.body, variables=whole.variables, values=given), whole)


def plan(*, bundle: Bundle, version: str, actor: Actor) -> Plan:
    """What :func:`cut` would do, without doing it (see :func:`registry.plans.plan`)."""
    policy.require(actor, Permission.VIEW, bundle.project)
    return plans.plan(bundle=bundle, version=_version(version), actor=actor)


def cut(*, bundle: Bundle, version: str, by: Actor, at: datetime, revision: int | None = None, notes: str = "") -> Cut:
    """Seal the draft under a version: validate, solve, compare, seal what changed, pin, sign.

    ``revision`` is that of the draft as it was looked at. The same version with the same content is the release that
    is there already. Raises ``409.draft_stale``, ``409.version_conflict`` for a version that has another content or
    was taken back, ``422.bump_too_small`` with the reasons, and what :func:`registry.plans.plan` raises.
    """
    policy.require(by, Permission.PUBLISH, bundle.project)
    wanted = _version(version)
    _check_text(notes, "/notes", MAX_NOTES_LENGTH)
    with transaction.atomic():
        row = bundles.locked(bundle=bundle, revision=revision)
        found = plans.plan(bundle=row, version=wanted, actor=by)
        if found.present is not None:
            return _again(found.present, found)
        found.require_enough()
        release = _sealed(row, found, notes, by, at)
        metadata = {"digest": release.digest, "prompts": len(found.prompts), "bundle": str(row.pk)}
        events.record(action=Action.RELEASE_CUT, subject=subject(release), by=by, at=at, metadata=metadata)
        broadcast.announce(topic="bundle", key=row.pk)
    return Cut(release, created=True, same_as=found.same_as, goes_with=found.goes_with)


def retire(*, release: Release, reason: str, by: Actor, at: datetime, message: str = "") -> ReleaseMark:
    """Say that a release should no longer be used, and why. It is still found, with the warning."""
    policy.require(by, Permission.ADMIN, release.bundle.project)
    return _marked(release, ReleaseMark.Kind.RETIRE, Action.RELEASE_RETIRE, reason, message, by, at)


def yank(*, release: Release, reason: str, by: Actor, at: datetime, message: str = "") -> ReleaseMark:
    """Have ranges and ``latest`` skip a release; its exact version and lock files still find it."""
    policy.require(by, Permission.ADMIN, release.bundle.project)
    return _marked(release, ReleaseMark.Kind.YANK, Action.RELEASE_YANK, reason, message, by, at)


def revert(
    *, release: Release, by: Actor, at: datetime, reason: str = ReleaseMark.Reason.INVALID, message: str = ""
) -> ReleaseMark:
    """Take a release back within an hour. What is left is a tombstone: its version is never used again.

    Raises ``409.state_conflict`` after the hour and ``409.in_use`` while a channel points at it or a release was cut
    with it.
    """
    policy.require(by, Permission.ADMIN, release.bundle.project)
    if at - release.created_at > REVERT_WITHIN:
        raise Conflict("409.state_conflict", "A release is taken back within an hour; later it can be yanked.")
    return _marked(release, ReleaseMark.Kind.REVERT, Action.RELEASE_REVERT, reason, message, by, at)


def get(*, bundle: Bundle, version: str, actor: Actor) -> Release:
    """A release by its version, whatever stands behind ``+``.

    Raises ``404.release_not_found``, ``410.gone`` for one that was taken back, ``400.address_invalid``.
    """
    policy.require(actor, Permission.VIEW, bundle.project)
    return _there(listing(bundle=bundle).filter(number=number(version=_version(version))).first())


def find(*, key: uuid.UUID | str, actor: Actor) -> Release:
    """A release by id, as far as the actor may see its project; ``404.release_not_found`` otherwise, ``410.gone``."""
    found = _told().filter(pk=key).first()
    return _there(found if found is not None and policy.can(actor, Permission.VIEW, found.bundle.project) else None)


def listing(*, bundle: Bundle) -> QuerySet[Any]:
    """All releases of a bundle, the highest first; each tells whether it was ``yanked``, ``retired``, ``reverted``."""
    return _told().filter(bundle=bundle).order_by("-precedence")


def marks(*, release: Release) -> list[ReleaseMark]:
    """What was said of a release after it was cut, newest first."""
    return list(ReleaseMark.objects.filter(release=release).order_by("-id"))


def manifest(*, release: Release) -> dict[str, Any]:
    """What a release is made of, as it was sealed; ``502.seal_broken`` for one that no longer has its digest."""
    paper: dict[str, Any] = release.manifest
    if digest_of(paper=paper) != release.digest:
        detail = "The manifest of this release does not have its digest."
        raise seals.broken(where=f"release {release.pk}", detail=detail)
    return paper


def pins(*, release: Release) -> dict[str, TemplateVersion]:
    """The texts of a release by name."""
    rows = Pin.objects.filter(release=release).select_related("template_version__template").order_by("name")
    return {pin.name: pin.template_version for pin in rows}


def subject(release: Release) -> events.Subject:
    """A release as the ledger knows it."""
    label = f"{release.bundle.address}@{release.version}"
    return events.Subject(kind="release", id=str(release.pk), label=label, project_id=release.bundle.project_id)


def _sealed(bundle: Bundle, found: Plan, notes: str, by: Actor, at: datetime) -> Release:
    version = found.manifest.version
    pinned = _pinned(found, by, at)
    release = Release(
        bundle=bundle,
        version=str(version),
        number=number(version=version),
        precedence=precedence.of(version),
        variant=version.variant,
        pre_release=bool(version.pre),
        digest=found.manifest.digest(),
        manifest=found.manifest.to_json(),
        compatibility=bundle.compatibility,
        notes=notes,
        created_at=at,
        created_by=by.id,
        created_by_label=by.label,
    )
    release.save()
    Pin.objects.bulk_create(Pin(release=release, name=name, template_version=sealed) for name, sealed in pinned.items())
    ReleaseRequirement.objects.bulk_create(
        ReleaseRequirement(
            release=release, required=found.chosen[name].bundle, selector=str(selector), resolved=found.chosen[name]
        )
        for name, selector in found.manifest.requires.items()
    )
    Inclusion.objects.bulk_create(
        Inclusion(release=release, name=name, included=included, prompt=prompt)
        for name, whole in found.prompts.items()
        for included, prompt in whole.included
    )
    signing.sign_release(release=release, paper=found.manifest, at=at)
    return release


def _pinned(found: Plan, by: Actor, at: datetime) -> dict[str, TemplateVersion]:
    """The sealed version of each prompt; a template that stands under two names is sealed once."""
    done: dict[uuid.UUID, TemplateVersion] = {}
    pinned: dict[str, TemplateVersion] = {}
    for name, whole in found.prompts.items():
        if whole.sealed is None and whole.template.pk not in done:
            done[whole.template.pk] = versions.seal(template=whole.template, texts=whole.texts, by=by, at=at)
        pinned[name] = whole.sealed or done[whole.template.pk]
        if pinned[name].digest != whole.digest:  # somebody edited the template's draft meanwhile
            raise Conflict("409.draft_stale", f"The text of {name} was changed meanwhile. Look at it, then cut again.")
    return pinned


def _again(present: Release, found: Plan) -> Cut:
    """The release that has the version already, if the draft is the same."""
    if present.marks.filter(kind=ReleaseMark.Kind.REVERT).exists():
        detail = f"Version {present.version} was taken back, and its number is never used again."
    elif present.digest == found.manifest.digest():
        return Cut(present, created=False, goes_with=found.goes_with)
    else:
        detail = f"Version {present.version} is there already, with another content."
    raise Conflict(
        "409.version_conflict",
        detail,
        problems=[Problem("/version", "unique", "is used")],
        context={"release": str(present.pk), "digest": present.digest},
    )


def _marked(
    release: Release, kind: ReleaseMark.Kind, action: Action, reason: str, message: str, by: Actor, at: datetime
) -> ReleaseMark:
    if reason not in ReleaseMark.Reason.values:
        shapes.refuse("/reason", "enum", f"Reasons are {', '.join(ReleaseMark.Reason.values)}.")
    _check_text(message, "/message", MAX_MESSAGE_LENGTH)
    with transaction.atomic():
        bundles.locked(bundle=release.bundle)
        Release.objects.select_for_update().get(pk=release.pk)  # whoever activates it waits here, and sees the mark
        if kind == ReleaseMark.Kind.REVERT:
            _require_unused(release)
        present = set(ReleaseMark.objects.filter(release=release).values_list("kind", flat=True))
        if ReleaseMark.Kind.REVERT in present:
            raise NotFound("410.gone", f"Version {release.version} was taken back.")
        if kind == ReleaseMark.Kind.YANK and kind in present:
            raise Conflict("409.state_conflict", f"Version {release.version} is yanked already.")
        mark = ReleaseMark(
            release=release, kind=kind, reason=reason, message=message, at=at, by=by.id, by_label=by.label
        )
        mark.save()
        events.record(action=action, subject=subject(release), by=by, at=at, metadata={"reason": str(reason)})
        broadcast.announce(topic="bundle", key=release.bundle_id)
    return mark


def _require_unused(release: Release) -> None:
    """Raises ``409.in_use`` while somebody would be left with a release that is gone."""
    pointing = Channel.objects.filter(Q(release=release) | Q(split_release=release))
    if names := sorted(channel.name for channel in pointing):
        raise Conflict("409.in_use", f"It is active on {', '.join(names[:5])}: move that first.")
    needing = ReleaseRequirement.objects.filter(resolved=release).exclude(release__marks__kind=ReleaseMark.Kind.REVERT)
    if needing.exists():
        raise Conflict("409.in_use", "A release of another bundle was cut with it.")


def _there(found: Any) -> Release:
    if found is None:
        raise NotFound("404.release_not_found", "The bundle has no such release.")
    if found.reverted:
        raise NotFound("410.gone", f"Version {found.version} was taken back.")
    release: Release = found
    return release


def _told() -> QuerySet[Any]:
    """Releases with what was said of them."""
    rows: QuerySet[Any] = Release.objects.select_related("bundle__project")
    said = ReleaseMark.objects.filter(release=OuterRef("pk"))
    yanked, retired, reverted = (Exists(said.filter(kind=kind)) for kind in ("yank", "retire", "revert"))
    told: QuerySet[Any] = rows.annotate(yanked=yanked, retired=retired, reverted=reverted)
    return told


def _version(text: str) -> SemVer:
    return SemVer.parse(text, where=Place("/version"))


def _check_text(text: str, at: str, most: int) -> None:
    require_storable(text, at)
    if len(text) > most:
        shapes.refuse(at, "maxLength", f"At most {most:,} characters.")
