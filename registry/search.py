"""Bundles and prompts by words of their names, in what the actor may see.

Every word of the question has to begin a word of the name; an address, whole or begun, is such words. However much
there is, what is read is bounded: the rarest of the words is looked up in the index, and the first
:data:`CANDIDATES` of what it begins are shown in order.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from foundation.actors import Actor
from prompthub_kernel import shapes
from prompthub_kernel.address import BundleAddress
from registry import words
from registry.models import Bundle, SearchWord
from tenancy import policy
from tenancy.models import Project

LIMIT = 50
MAX_LIMIT = 100
MAX_WORDS = 8
CANDIDATES = 200
COUNTED = 2_000
"""How far is counted to find out which word is the rarest."""
FEW_PROJECTS = 200
_AFTER_EVERY_WORD = b"\xff"
"""UTF-8 has no such byte."""


@dataclass(frozen=True, slots=True)
class Found:
    """A bundle (``prompt`` empty) or a prompt of it."""

    bundle: Bundle
    prompt: str

    @property
    def address(self) -> str:
        """``@repository/bundle`` or ``@repository/bundle/prompt``."""
        own = BundleAddress(self.bundle.project.slug, self.bundle.slug)
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
    asked = words.of(text)
    if len(asked) > MAX_WORDS:
        shapes.refuse("/text", "maxItems", f"At most {MAX_WORDS} words.")
    if not asked:
        return []
    rows = _seen(actor)
    rarest = min(asked, key=lambda word: _beginning(rows, word)[:COUNTED].count()) if len(asked) > 1 else asked[0]
    matching = _beginning(rows, rarest).order_by("word", "id")
    for word in asked:
        if word != rarest:
            same = SearchWord.objects.filter(bundle=OuterRef("bundle"), prompt=OuterRef("prompt"))
            matching = matching.filter(Exists(_beginning(same, word)))
    shown = [*_keys(matching.filter(prompt=""), limit), *_keys(matching.exclude(prompt=""), limit)][:limit]
    bundles = Bundle.objects.select_related("project").in_bulk({bundle for bundle, _ in shown})
    return [Found(bundles[bundle], prompt) for bundle, prompt in shown]


def _seen(actor: Actor) -> QuerySet[SearchWord]:
    """The entries of projects that the actor may see: by project where those are few, else all but the others'."""
    projects = policy.visible(actor, Project)
    keys = list(projects.values_list("pk", flat=True)[: FEW_PROJECTS + 1])
    if len(keys) <= FEW_PROJECTS:
        return SearchWord.objects.filter(project__in=keys)
    return SearchWord.objects.filter(project__in=projects)


def _beginning(rows: QuerySet[SearchWord], word: str) -> QuerySet[SearchWord]:
    key = word.encode()
    return rows.filter(word__gte=key, word__lt=key + _AFTER_EVERY_WORD)


def _keys(rows: QuerySet[SearchWord], limit: int) -> list[tuple[uuid.UUID, str]]:
    """The bundle and prompt of entries, each once though many of its words begin like that."""
    found = rows.values_list("bundle_id", "prompt")[: max(CANDIDATES, limit)]
    return list(dict.fromkeys(found))[:limit]
