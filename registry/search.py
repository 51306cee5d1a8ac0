"""Bundles and prompts by words of their names, in what the actor may see.

Every word of the question has to begin a word of the name; an address, whole or begun, is such words, whichever
release its selector asks for. However much there is, what is read is bounded: the rarest of the words is looked up in
the index, and of what it begins the first are shown in order.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import BinaryField, Exists, Func, OuterRef, QuerySet, UUIDField

from foundation.actors import Actor
from foundation.prepared import Given, Query
from prompthub_kernel import shapes
from prompthub_kernel.address import BundleAddress
from registry import words
from registry.models import SearchWord
from tenancy import access, policy
from tenancy.models import Project

LIMIT = 50
MAX_LIMIT = 100
MAX_WORDS = 8
COUNTED = 2_000
"""How far is counted to find out which word is the rarest."""
FEW_PROJECTS = 10
"""So many are asked one by one: in each, what a word begins stands together and in order."""
AT_ONCE = 100
"""So many entries of one project are read in one go; a word that begins no more than these is answered by that."""
Row: TypeAlias = Sequence[Any]
_AFTER_EVERY_WORD = b"\xff"
"""UTF-8 has no such byte."""
_SELECTOR = re.compile(r"(@[^/@\s]+/[^/@\s]+)@(?:[^/]*(?=/)|\S*(?:\s+[<>=^~,|*]+\s*\S*)*)")
"""Of an address up to its prompt: the bundle, and behind it the selector, whose ranges may have spaces."""
_ENTRY = ("word", "id", "project_id", "bundle__slug", "bundle__title", "bundle__kind", "prompt")


def _unseen(name: str) -> Func:
    """A value that PostgreSQL does not plan by. It would plan every search anew, to find that the index is best."""
    return Func(Given(name, BinaryField()), template="(SELECT %(expressions)s)", output_field=BinaryField())


_BEGUN = Query(
    lambda: (
        SearchWord.objects.filter(
            project=Given("project", UUIDField()),
            word__gte=_unseen("first"),
            word__lt=_unseen("beyond"),
        )
        .order_by("word", "id")
        .values_list(*_ENTRY)[:AT_ONCE]
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """A bundle (``prompt`` empty) or a prompt of it."""

    project: Project
    bundle: str
    title: str
    kind: str
    prompt: str

    @property
    def address(self) -> str:
        """``@repository/bundle`` or ``@repository/bundle/prompt``."""
        own = BundleAddress(self.project.slug, self.bundle)
        return f"{own}/{self.prompt}" if self.prompt else str(own)


def find(*, text: str, actor: Actor, limit: int = LIMIT) -> list[Found]:
    """What the words find: bundles before prompts, and both by the alphabet of the word that was found. Nothing for a
    text without words.

    Raises ``422.request_invalid`` for more than :data:`MAX_WORDS` words or a limit that is none.
    """
    if not 1 <= limit <= MAX_LIMIT:
        shapes.refuse("/limit", "range", f"From 1 to {MAX_LIMIT}.")
    if len(text) > 512:
        shapes.refuse("/text", "maxLength", "At most 512 characters.")
    asked = words.of(_SELECTOR.sub(r"\1 ", text))
    if len(asked) > MAX_WORDS:
        shapes.refuse("/text", "maxItems", f"At most {MAX_WORDS} words.")
    if not asked:
        return []
    own = _own(actor)
    few = _few(own, asked[0]) if len(asked) == 1 and len(own) <= FEW_PROJECTS else None
    return (_many(_seen(own, actor), asked, limit) if few is None else few)[:limit]


def _own(actor: Actor) -> tuple[Project, ...]:
    """The projects that the actor may see; of many the first, one more than few."""

    def ask() -> tuple[Project, ...]:
        return tuple(policy.visible(actor, Project)[: FEW_PROJECTS + 1])

    return access.recall(actor.sight, ("projects", actor.kind, actor.id, actor.scopes, actor.projects), ask)


def _few(own: tuple[Project, ...], word: str) -> list[Found] | None:
    """All that a word begins in a few projects, one query each; None where it is too much to read whole."""
    key = word.encode()
    rows: list[Row] = []
    for project in own:
        part = _BEGUN.all(project=project.pk, first=key, beyond=key + _AFTER_EVERY_WORD)
        if len(part) == AT_ONCE:
            return None
        rows += part
    found = _found(rows, {project.pk: project for project in own})
    return sorted(found, key=lambda one: bool(one.prompt))


def _many(parts: list[QuerySet[SearchWord]], asked: list[str], limit: int) -> list[Found]:
    """The first that all the words begin: those of bundles, and of prompts if bundles are not enough."""
    rarest = asked[0]
    if len(asked) > 1:
        rarest = min(asked, key=lambda word: sum(_beginning(part, word)[:COUNTED].count() for part in parts))
    others = [word for word in asked if word != rarest]
    rows = [row for part in parts for row in _first(_matching(part, rarest, others, of_bundles=True), limit)]
    prompts: list[Row] = []
    if _different(rows) < limit:
        prompts = [row for part in parts for row in _first(_matching(part, rarest, others, of_bundles=False), limit)]
    projects = Project.objects.in_bulk({row[2] for row in (*rows, *prompts)})
    return [*_found(rows, projects), *_found(prompts, projects)]


def _first(entries: QuerySet[SearchWord, Row], limit: int) -> list[Row]:
    """Entries from the first on, until they are of ``limit`` bundles or prompts, or there are no more.

    Most have one or two words that begin so, and the first read is enough. Where many words of one do, as much again
    is read each time, which ends: nothing has more than :data:`registry.words.MAX_WORDS`.
    """
    rows: list[Row] = []
    while True:
        most = len(rows) or 2 * limit
        more = list(entries[len(rows) : len(rows) + most])
        rows += more
        if len(more) < most or _different(rows) >= limit:
            return rows


def _different(rows: list[Row]) -> int:
    """Of how many bundles and prompts entries are."""
    return len({tuple(row[2:]) for row in rows})


def _found(rows: list[Row], projects: Mapping[uuid.UUID, Project]) -> list[Found]:
    """What entries are of, each once, in the order of their words."""
    in_order = sorted(rows, key=lambda row: (bytes(row[0]), row[1]))
    return [Found(projects[project], *more) for project, *more in dict.fromkeys(tuple(row[2:]) for row in in_order)]


def _seen(own: tuple[Project, ...], actor: Actor) -> list[QuerySet[SearchWord]]:
    """The entries of the projects that the actor may see, in parts: by project where those are few."""
    if len(own) <= FEW_PROJECTS:
        return [SearchWord.objects.filter(project=project) for project in own]
    projects = policy.visible(actor, Project)
    if projects.count() == Project.objects.count():
        return [SearchWord.objects.all()]
    return [SearchWord.objects.filter(project__in=projects)]


def _matching(
    rows: QuerySet[SearchWord], word: str, others: list[str], *, of_bundles: bool
) -> QuerySet[SearchWord, Any]:
    """Entries of bundles, or of prompts, whose words begin with all of these, in order."""
    found = _beginning(rows, word)
    found = found.filter(prompt="") if of_bundles else found.exclude(prompt="")
    for other in others:
        same = SearchWord.objects.filter(bundle=OuterRef("bundle"), prompt=OuterRef("prompt"))
        found = found.filter(Exists(_beginning(same, other)))
    return found.order_by("word", "id").values_list(*_ENTRY)


def _beginning(rows: QuerySet[SearchWord], word: str) -> QuerySet[SearchWord]:
    key = word.encode()
    return rows.filter(word__gte=key, word__lt=key + _AFTER_EVERY_WORD)
