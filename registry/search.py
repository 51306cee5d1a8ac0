"""Bundles and prompts by words of their names, in what the actor may see.

Every word of the question has to begin a word of the name; an address, whole or begun, is such words. However much
there is, what is read is bounded: the rarest of the words is looked up in the index, and of what it begins the first
are shown in order.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TypeAlias

from django.db.models import Exists, OuterRef, QuerySet

from foundation.actors import Actor
from prompthub_kernel import shapes
from prompthub_kernel.address import BundleAddress
from registry import words
from registry.models import Bundle, SearchWord
from tenancy import access, policy
from tenancy.models import Project

LIMIT = 50
MAX_LIMIT = 100
MAX_WORDS = 8
COUNTED = 2_000
"""How far is counted to find out which word is the rarest."""
FEW_PROJECTS = 10
"""So many are asked one by one: in each, what a word begins stands together and in order."""
Key: TypeAlias = tuple[uuid.UUID, str]
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
    parts = _seen(actor)
    rarest = asked[0]
    if len(asked) > 1:
        rarest = min(asked, key=lambda word: sum(_beginning(part, word)[:COUNTED].count() for part in parts))
    others = [word for word in asked if word != rarest]
    shown: list[Key] = []
    for of_bundles in (True, False):
        if len(shown) < limit:
            found = [key for part in parts for key in _matching(part, rarest, others, 2 * limit, of_bundles=of_bundles)]
            shown += list(dict.fromkeys((bundle, prompt) for _, _, bundle, prompt in sorted(found)))
    bundles = Bundle.objects.select_related("project").in_bulk({bundle for bundle, _ in shown[:limit]})
    return [Found(bundles[bundle], prompt) for bundle, prompt in shown[:limit]]


def _seen(actor: Actor) -> list[QuerySet[SearchWord]]:
    """The entries of the projects that the actor may see, in parts: by project where those are few."""

    def ask() -> tuple[uuid.UUID, ...]:
        return tuple(policy.visible(actor, Project).values_list("pk", flat=True)[: FEW_PROJECTS + 1])

    keys = access.recall(actor.sight, ("projects", actor.kind, actor.id, actor.scopes, actor.projects), ask)
    if len(keys) <= FEW_PROJECTS:
        return [SearchWord.objects.filter(project=key) for key in keys]
    projects = policy.visible(actor, Project)
    if projects.count() == Project.objects.count():
        return [SearchWord.objects.all()]
    return [SearchWord.objects.filter(project__in=projects)]


def _matching(
    rows: QuerySet[SearchWord], word: str, others: list[str], most: int, *, of_bundles: bool
) -> list[tuple[bytes, int, uuid.UUID, str]]:
    """Entries of bundles, or of prompts, whose words begin with all of these: the first word, id, bundle, prompt."""
    found = _beginning(rows, word)
    found = found.filter(prompt="") if of_bundles else found.exclude(prompt="")
    for other in others:
        same = SearchWord.objects.filter(bundle=OuterRef("bundle"), prompt=OuterRef("prompt"))
        found = found.filter(Exists(_beginning(same, other)))
    columns = found.order_by("word", "id").values_list("word", "id", "bundle_id", "prompt")
    return [(bytes(word), key, bundle, prompt) for word, key, bundle, prompt in columns[:most]]


def _beginning(rows: QuerySet[SearchWord], word: str) -> QuerySet[SearchWord]:
    key = word.encode()
    return rows.filter(word__gte=key, word__lt=key + _AFTER_EVERY_WORD)
