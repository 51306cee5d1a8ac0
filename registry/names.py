"""What a name of a bundle means now, and what a release holds: the questions of whoever reads prompts.

Few statements each, prepared once. They ask for no permission: the reader asks that of every caller, and remembers the
answers to these for all of them. Every digest is checked against what was read.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.db.models import CharField, Q, QuerySet, SlugField, UUIDField

from foundation.prepared import Given, Query
from prompthub_kernel import manifest
from prompthub_kernel.errors import NotFound, PromptHubError
from prompthub_kernel.rollout import gets_split
from prompthub_kernel.selector import LATEST, Exact, Named, Range, Selector
from prompthub_kernel.semver import SemVer
from registry.models import Bundle, Channel, Pin, Release, ReleaseMark
from templates_app import versions
from templates_app.models import TemplateVersion

log = structlog.get_logger(__name__)

_BUNDLE = {"bundle__project": Given("project", UUIDField()), "bundle__slug": Given("slug", SlugField())}
_SKIPPED = (str(ReleaseMark.Kind.YANK), str(ReleaseMark.Kind.REVERT))
_CHANNEL = Query(
    lambda: (
        Channel.objects.select_related("release", "split_release")
        .filter(**_BUNDLE, name=Given("name", CharField()))
        .order_by()
    )
)
_NUMBER = Query(lambda: Release.objects.filter(**_BUNDLE, number=Given("number", CharField())).order_by())
_LATEST = Query(lambda: _offered().filter(**_BUNDLE, variant="", pre_release=False).order_by("-precedence")[:1])
_MARKS = Query(lambda: ReleaseMark.objects.filter(release=Given("release", UUIDField())).order_by("id"))
_PIN = Query(
    lambda: (
        Pin.objects.select_related("template_version")
        .filter(release=Given("release", UUIDField()), name=Given("name", CharField()))
        .order_by()
    )
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What was said of a release after it was cut: ``kind`` and ``reason`` are words of ``ReleaseMark``."""

    kind: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A release as a reader needs it; ``prompts`` are the digests of its texts by name. Shared: do not change it."""

    id: uuid.UUID
    bundle: uuid.UUID
    version: str
    digest: str
    prompts: Mapping[str, str]
    compatibility: Mapping[str, Any]
    marks: tuple[Mark, ...]

    def marked(self, kind: str) -> Mark | None:
        """The last mark of a kind."""
        return next((mark for mark in reversed(self.marks) if mark.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Split:
    """A second release, and who of the callers of a channel gets it."""

    channel: str
    cut: Cut
    percent: int
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meant:
    """What a selector means. Of a channel also how often it moved, and the second release, if there is one."""

    cut: Cut
    ordinal: int | None = None
    split: Split | None = None

    def chosen(self, *, key: str, segments: Collection[str]) -> Cut:
        """The release for one caller."""
        split = self.split
        if split is not None and gets_split(
            channel=split.channel, percent=split.percent, segments=split.segments, key=key, member_of=segments
        ):
            return split.cut
        return self.cut


@dataclass(frozen=True, slots=True)
class Text:
    """Sealed text as it is kept. Shared: do not change it."""

    digest: str
    format: str
    engine: str
    content_md: str | None
    content_json: Any
    variables_schema: Mapping[str, Any]


def meant(*, project: uuid.UUID, slug: str, selector: Selector) -> Meant:
    """The release that a selector means in the bundle ``slug`` of a project.

    Raises ``404.bundle_not_found``, ``404.channel_not_found`` (also for one that points nowhere yet),
    ``404.release_not_found``, and ``410.gone`` for a version that was taken back. A release whose manifest does not
    have its digest is refused with ``500.internal_error``.
    """
    match selector:
        case Named(name) if name != LATEST:
            return _by_channel(project, slug, str(selector))
        case Named():
            found = _LATEST.first(project=project, slug=slug)
        case Exact(version):
            found = _NUMBER.first(project=project, slug=slug, number=str(version).partition("+")[0])
        case Range():
            found = _best(project, slug, selector)
    if found is None:
        raise _missing(project, slug, "404.release_not_found", f"No release of this bundle is {selector}.")
    cut = _cut(found)
    if cut.marked(ReleaseMark.Kind.REVERT):
        raise NotFound("410.gone", f"Version {cut.version} was taken back.")
    return Meant(cut)


def bundle_of(*, project: uuid.UUID, slug: str) -> uuid.UUID | None:
    """The id of a bundle."""
    return Bundle.objects.filter(project=project, slug=slug).values_list("pk", flat=True).first()


def text(*, cut: Cut, name: str) -> Text:
    """The text that a release pins under a name.

    Raises ``404.prompt_not_found``; text that does not have the digest the release names is refused with
    ``500.internal_error``, and logged.
    """
    wanted = cut.prompts.get(name)
    if wanted is None:
        raise NotFound("404.prompt_not_found", f"Release {cut.version} has no prompt of that name.")
    pin = _PIN.first(release=cut.id, name=name)
    row: TemplateVersion | None = pin.template_version if pin is not None else None
    if row is None or row.digest != wanted or not versions.intact(version=row):
        raise _damaged(
            f"release {cut.id}, {name}", "The text of this prompt does not have the digest it was sealed with."
        )
    return Text(row.digest, row.format, row.engine, row.content_md, row.content_json, row.variables_schema)


def _by_channel(project: uuid.UUID, slug: str, name: str) -> Meant:
    channel = _CHANNEL.first(project=project, slug=slug, name=name)
    if channel is None:
        raise _missing(project, slug, "404.channel_not_found", "This bundle has no channel of that name.")
    if channel.release is None:
        raise NotFound("404.channel_not_found", "No release is active on this channel yet.")
    split = None
    if channel.split_release is not None:
        second, percent = _cut(channel.split_release), channel.split_percent or 0
        split = Split(str(channel.id), second, percent, tuple(channel.split_segments))
    return Meant(_cut(channel.release), channel.last_ordinal, split)


def _best(project: uuid.UUID, slug: str, wanted: Range) -> Release | None:
    rows = _offered().filter(bundle__project=project, bundle__slug=slug, variant=wanted.variant)
    spelled = {SemVer.parse(version): key for key, version in rows.values_list("pk", "version")}
    best = wanted.best(spelled)
    return None if best is None else Release.objects.get(pk=spelled[best])


def _offered() -> QuerySet[Release]:
    """Releases that ranges and ``latest`` take."""
    return Release.objects.filter(~Q(marks__kind__in=_SKIPPED))


def _cut(release: Release) -> Cut:
    paper = release.manifest
    if manifest.digest_of(paper=paper) != release.digest:
        raise _damaged(f"release {release.id}", "The manifest of this release does not have its digest.")
    marks = tuple(Mark(mark.kind, mark.reason, mark.message) for mark in _MARKS.all(release=release.pk))
    return Cut(
        release.pk,
        release.bundle_id,
        release.version,
        release.digest,
        paper["prompts"],
        release.compatibility,
        marks,
    )


def _missing(project: uuid.UUID, slug: str, code: str, detail: str) -> NotFound:
    """What to say: the bundle is missing, or only that part of it."""
    if bundle_of(project=project, slug=slug) is None:
        return NotFound("404.bundle_not_found", "This repository has no bundle of that name.")
    return NotFound(code, detail)


def _damaged(where: str, detail: str) -> PromptHubError:
    """Nobody gets a text that is not the one that was sealed, and the operator hears of it."""
    log.error("registry.damaged", where=where, why=detail)
    return PromptHubError("500.internal_error", f"{detail} It is not given to anybody.")
