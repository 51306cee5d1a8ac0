"""What a name of a bundle means now, and what a release holds: the questions of whoever reads prompts.

Few statements each, prepared once. They ask for no permission: the reader asks that of every caller, and remembers the
answers to these for all of them. Every digest is checked against what was read.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog
from django.db.models import CharField, Exists, FilteredRelation, OuterRef, Q, QuerySet, SlugField, UUIDField

from foundation.prepared import Given, Query
from prompthub_kernel import manifest
from prompthub_kernel.errors import NotFound
from prompthub_kernel.rollout import gets_split
from prompthub_kernel.selector import LATEST, Exact, Named, Range, Selector
from prompthub_kernel.semver import SemVer
from registry import seals
from registry.models import Bundle, Channel, Pin, Release, ReleaseMark

Row: TypeAlias = Sequence[Any]

log = structlog.get_logger(__name__)

_IN_BUNDLE = {"bundle__project": Given("project", UUIDField()), "bundle__slug": Given("slug", SlugField())}
_SKIPPED = (str(ReleaseMark.Kind.YANK), str(ReleaseMark.Kind.REVERT))
_RELEASE = Given("release", UUIDField())
_PROMPT = Given("prompt", CharField())
_SEALED = ("version", "digest", "manifest", "compatibility")
_TEXT = ("digest", "format", "engine", "content_md", "content_json", "variables_schema")
_CHANNEL = Query(
    lambda: _with_text(
        Channel.objects.filter(**_IN_BUNDLE, name=Given("name", CharField())).order_by(),
        *("bundle_id", "release_id", _marked("release_id"), "id", "last_ordinal"),
        *("split_release_id", _marked("split_release_id"), "split_percent", "split_segments"),
        release="release__",
    )
)
_NUMBER = Query(lambda: _found(Release.objects.filter(**_IN_BUNDLE, number=Given("number", CharField())).order_by()))
_LATEST = Query(
    lambda: _found(_offered().filter(**_IN_BUNDLE, variant="", pre_release=False).order_by("-precedence"))[:1]
)
_CHOSEN = Query(lambda: _found(Release.objects.filter(pk=_RELEASE).order_by()))
_CUT = Query(lambda: Release.objects.filter(pk=_RELEASE).order_by().values_list("bundle_id", *_SEALED))
_MARKS = Query(
    lambda: ReleaseMark.objects.filter(release=_RELEASE).order_by("id").values_list("kind", "reason", "message")
)
_PINNED = Query(
    lambda: (
        Pin.objects.filter(release=_RELEASE, name=_PROMPT)
        .order_by()
        .values_list(*(f"template_version__{name}" for name in _TEXT))
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What a selector means, and what the same query told of the first release, as it stands in the rows: ``sealed``
    for :func:`cut`, and ``text`` of the prompt that was asked for, for :func:`text`; empty where it has none.
    """

    meant: Meant
    sealed: Row
    text: Row


def ask(*, project: uuid.UUID, slug: str, selector: Selector, prompt: str = "") -> Asked:
    """The release that a selector means in the bundle ``slug`` of a project, and one of its texts; one query.

    Raises ``404.bundle_not_found``, ``404.channel_not_found`` (also for one that points nowhere yet) and
    ``404.release_not_found``.
    """
    match selector:
        case Named(name) if name != LATEST:
            return _by_channel(project, slug, str(selector), prompt)
        case Named():
            row = _LATEST.first(project=project, slug=slug, prompt=prompt)
        case Exact(version):
            row = _NUMBER.first(project=project, slug=slug, number=str(version).partition("+")[0], prompt=prompt)
        case Range():
            row = _best(project, slug, selector, prompt)
    if row is None:
        raise _missing(project, slug, "404.release_not_found", f"No release of this bundle is {selector}.")
    return _asked(Meant(row[0], Found(row[1], bool(row[2]))), row)


def cut(*, release: uuid.UUID, row: Row = ()) -> Cut:
    """A release as it was sealed; one query, or none where ``row`` has it.

    One whose manifest does not have its digest is refused with ``502.seal_broken``, and logged.
    """
    [(bundle, version, digest, paper, compatibility)] = [row] if row else _CUT.all(release=release)
    if manifest.digest_of(paper=paper) != digest:
        detail = "The manifest of this release does not have its digest."
        raise seals.broken(where=f"release {release}", detail=detail)
    return Cut(release, bundle, version, digest, paper["prompts"], compatibility)


def marks(*, release: uuid.UUID) -> tuple[Mark, ...]:
    """What was said of a release since it was cut, in order."""
    return tuple(Mark(*row) for row in _MARKS.all(release=release))


def settled(*, project: uuid.UUID, slug: str, selector: Selector) -> Cut:
    """The release that a selector means for callers without a key. Raises as :func:`ask`, and ``410.gone``."""
    asked = ask(project=project, slug=slug, selector=selector)
    found = asked.meant.first
    release = cut(release=found.release, row=asked.sealed)
    if found.marked and any(mark.kind == ReleaseMark.Kind.REVERT for mark in marks(release=release.id)):
        raise NotFound("410.gone", f"Version {release.version} was taken back.")
    return release


def bundle_of(*, project: uuid.UUID, slug: str) -> uuid.UUID | None:
    """The id of a bundle."""
    return Bundle.objects.filter(project=project, slug=slug).values_list("pk", flat=True).first()


def text(*, of: Cut, name: str, row: Row = ()) -> Text:
    """The text that a release pins under a name; one query, or none where ``row`` has it.

    Raises ``404.prompt_not_found``; text that does not have the digest the release names is refused with
    ``502.seal_broken``, and logged.
    """
    wanted = of.prompts.get(name)
    if wanted is None:
        raise NotFound("404.prompt_not_found", f"Release {of.version} has no prompt of that name.")
    found = row or _PINNED.first(release=of.id, prompt=name)
    text = Text(*found) if found else None
    if text is None or text.digest != wanted or not seals.intact(text=text):
        detail = "The text of this prompt does not have the digest it was sealed with."
        raise seals.broken(where=f"release {of.id}, {name}", detail=detail)
    return text


def _by_channel(project: uuid.UUID, slug: str, name: str, prompt: str) -> Asked:
    row = _CHANNEL.first(project=project, slug=slug, name=name, prompt=prompt)
    if row is None:
        raise _missing(project, slug, "404.channel_not_found", "This bundle has no channel of that name.")
    bundle, release, marked, channel, ordinal, second, second_marked, percent, segments = row[:9]
    if release is None:
        raise NotFound("404.channel_not_found", "No release is active on this channel yet.")
    split = None
    if second is not None:
        split = Split(str(channel), Found(second, bool(second_marked)), percent or 0, tuple(segments))
    return _asked(Meant(bundle, Found(release, bool(marked)), ordinal, split), row)


def _asked(meant: Meant, row: Row) -> Asked:
    sealed, text = row[-len(_SEALED + _TEXT) : -len(_TEXT)], row[-len(_TEXT) :]
    return Asked(meant, (meant.bundle, *sealed), text if text[0] is not None else ())


def _best(project: uuid.UUID, slug: str, wanted: Range, prompt: str) -> Row | None:
    rows = _offered().filter(bundle__project=project, bundle__slug=slug, variant=wanted.variant)
    spelled = {SemVer.parse(version): key for key, version in rows.values_list("pk", "version")}
    best = wanted.best(spelled)
    return None if best is None else _CHOSEN.first(release=spelled[best], prompt=prompt)


def _offered() -> QuerySet[Release]:
    """Releases that ranges and ``latest`` take."""
    return Release.objects.filter(~Q(marks__kind__in=_SKIPPED))


def _found(releases: QuerySet[Release]) -> QuerySet[Release, Any]:
    return _with_text(releases, "bundle_id", "id", _marked("pk"))


def _with_text(rows: QuerySet[Any], *columns: Any, release: str = "") -> QuerySet[Any, Any]:
    """These columns, then what the release at the end of a path was sealed with, and its text of that name."""
    pinned = FilteredRelation(f"{release}pins", condition=Q(**{f"{release}pins__name": _PROMPT}))
    sealed = (f"{release}{name}" for name in _SEALED)
    text = (f"pinned__template_version__{name}" for name in _TEXT)
    found: QuerySet[Any, Any] = rows.annotate(pinned=pinned).values_list(*columns, *sealed, *text)
    return found


def _marked(column: str) -> Exists:
    """Whether the release in a column has marks."""
    return Exists(ReleaseMark.objects.filter(release=OuterRef(column)))


def _missing(project: uuid.UUID, slug: str, code: str, detail: str) -> NotFound:
    """What to say: the bundle is missing, or only that part of it."""
    if bundle_of(project=project, slug=slug) is None:
        return NotFound("404.bundle_not_found", "This repository has no bundle of that name.")
    return NotFound(code, detail)
