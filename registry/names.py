"""What a name of a bundle means now, and what a release holds: the questions of whoever reads prompts.

Few statements each, prepared once. They ask for no permission: the reader asks that of every caller, and remembers the
answers to these for all of them. Every digest is checked against what was read.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, SlugField, UUIDField

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

_IN_BUNDLE = {"bundle__project": Given("project", UUIDField()), "bundle__slug": Given("slug", SlugField())}
_SKIPPED = (str(ReleaseMark.Kind.YANK), str(ReleaseMark.Kind.REVERT))
_RELEASE = Given("release", UUIDField())
_CHANNEL = Query(
    lambda: (
        Channel.objects.filter(**_IN_BUNDLE, name=Given("name", CharField()))
        .order_by()
        .values_list(
            *("id", "bundle_id", "last_ordinal", "release_id", _marked("release_id")),
            *("split_release_id", _marked("split_release_id"), "split_percent", "split_segments"),
        )
    )
)
_NUMBER = Query(lambda: _found(Release.objects.filter(**_IN_BUNDLE, number=Given("number", CharField())).order_by()))
_LATEST = Query(
    lambda: _found(_offered().filter(**_IN_BUNDLE, variant="", pre_release=False).order_by("-precedence"))[:1]
)
_SEALED = Query(
    lambda: (
        Release.objects.filter(pk=_RELEASE)
        .order_by()
        .values_list("bundle_id", "version", "digest", "manifest", "compatibility")
    )
)
_MARKS = Query(
    lambda: ReleaseMark.objects.filter(release=_RELEASE).order_by("id").values_list("kind", "reason", "message")
)
_PINNED = Query(
    lambda: (
        Pin.objects.select_related("template_version")
        .filter(release=_RELEASE, name=Given("name", CharField()))
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
    """A release as it was sealed; ``prompts`` are the digests of its texts by name. Shared: do not change it."""

    id: uuid.UUID
    bundle: uuid.UUID
    version: str
    digest: str
    prompts: Mapping[str, str]
    compatibility: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A release by its id, and whether something was said of it since it was cut."""

    release: uuid.UUID
    marked: bool


@dataclass(frozen=True, slots=True)
class Split:
    """A second release, and who of the callers of a channel gets it."""

    channel: str
    second: Found
    percent: int
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meant:
    """What a selector means. Of a channel also how often it moved, and the second release, if there is one."""

    bundle: uuid.UUID
    first: Found
    ordinal: int | None = None
    split: Split | None = None

    def chosen(self, *, key: str, segments: Collection[str]) -> Found:
        """The release for one caller."""
        split = self.split
        if split is not None and gets_split(
            channel=split.channel, percent=split.percent, segments=split.segments, key=key, member_of=segments
        ):
            return split.second
        return self.first


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
    """The release that a selector means in the bundle ``slug`` of a project; one query.

    Raises ``404.bundle_not_found``, ``404.channel_not_found`` (also for one that points nowhere yet) and
    ``404.release_not_found``.
    """
    match selector:
        case Named(name) if name != LATEST:
            return _by_channel(project, slug, str(selector))
        case Named():
            row = _LATEST.first(project=project, slug=slug)
        case Exact(version):
            row = _NUMBER.first(project=project, slug=slug, number=str(version).partition("+")[0])
        case Range():
            row = _best(project, slug, selector)
    if row is None:
        raise _missing(project, slug, "404.release_not_found", f"No release of this bundle is {selector}.")
    return Meant(row[0], Found(row[1], bool(row[2])))


def cut(*, release: uuid.UUID) -> Cut:
    """A release as it was sealed; one query.

    One whose manifest does not have its digest is refused with ``500.internal_error``, and logged.
    """
    [(bundle, version, digest, paper, compatibility)] = _SEALED.all(release=release)
    if manifest.digest_of(paper=paper) != digest:
        raise _damaged(f"release {release}", "The manifest of this release does not have its digest.")
    return Cut(release, bundle, version, digest, paper["prompts"], compatibility)


def marks(*, release: uuid.UUID) -> tuple[Mark, ...]:
    """What was said of a release since it was cut, in order."""
    return tuple(Mark(*row) for row in _MARKS.all(release=release))


def settled(*, project: uuid.UUID, slug: str, selector: Selector) -> Cut:
    """The release that a selector means for callers without a key. Raises as :func:`meant`, and ``410.gone``."""
    found = meant(project=project, slug=slug, selector=selector).first
    release = cut(release=found.release)
    if found.marked and any(mark.kind == ReleaseMark.Kind.REVERT for mark in marks(release=release.id)):
        raise NotFound("410.gone", f"Version {release.version} was taken back.")
    return release


def bundle_of(*, project: uuid.UUID, slug: str) -> uuid.UUID | None:
    """The id of a bundle."""
    return Bundle.objects.filter(project=project, slug=slug).values_list("pk", flat=True).first()


def text(*, of: Cut, name: str) -> Text:
    """The text that a release pins under a name.

    Raises ``404.prompt_not_found``; text that does not have the digest the release names is refused with
    ``500.internal_error``, and logged.
    """
    wanted = of.prompts.get(name)
    if wanted is None:
        raise NotFound("404.prompt_not_found", f"Release {of.version} has no prompt of that name.")
    pin = _PINNED.first(release=of.id, name=name)
    row: TemplateVersion | None = pin.template_version if pin is not None else None
    if row is None or row.digest != wanted or not versions.intact(version=row):
        raise _damaged(
            f"release {of.id}, {name}", "The text of this prompt does not have the digest it was sealed with."
        )
    return Text(row.digest, row.format, row.engine, row.content_md, row.content_json, row.variables_schema)


def _by_channel(project: uuid.UUID, slug: str, name: str) -> Meant:
    row = _CHANNEL.first(project=project, slug=slug, name=name)
    if row is None:
        raise _missing(project, slug, "404.channel_not_found", "This bundle has no channel of that name.")
    channel, bundle, ordinal, release, marked, second, second_marked, percent, segments = row
    if release is None:
        raise NotFound("404.channel_not_found", "No release is active on this channel yet.")
    split = None
    if second is not None:
        split = Split(str(channel), Found(second, bool(second_marked)), percent or 0, tuple(segments))
    return Meant(bundle, Found(release, bool(marked)), ordinal, split)


def _best(project: uuid.UUID, slug: str, wanted: Range) -> Sequence[Any] | None:
    rows = _offered().filter(bundle__project=project, bundle__slug=slug, variant=wanted.variant)
    spelled = {SemVer.parse(version): key for key, version in rows.values_list("pk", "version")}
    best = wanted.best(spelled)
    return None if best is None else _found(Release.objects.filter(pk=spelled[best])).first()


def _offered() -> QuerySet[Release]:
    """Releases that ranges and ``latest`` take."""
    return Release.objects.filter(~Q(marks__kind__in=_SKIPPED))


def _found(releases: QuerySet[Release]) -> QuerySet[Release, Any]:
    return releases.values_list("bundle_id", "id", _marked("pk"))


def _marked(column: str) -> Exists:
    """Whether the release in a column has marks."""
    return Exists(ReleaseMark.objects.filter(release=OuterRef(column)))


def _missing(project: uuid.UUID, slug: str, code: str, detail: str) -> NotFound:
    """What to say: the bundle is missing, or only that part of it."""
    if bundle_of(project=project, slug=slug) is None:
        return NotFound("404.bundle_not_found", "This repository has no bundle of that name.")
    return NotFound(code, detail)


def _damaged(where: str, detail: str) -> PromptHubError:
    """Nobody gets a text that is not the one that was sealed, and the operator hears of it."""
    log.error("registry.damaged", where=where, why=detail)
    return PromptHubError("500.internal_error", f"{detail} It is not given to anybody.")
