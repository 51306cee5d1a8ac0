"""What a search found, each with the words around the place."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.urls import reverse

from foundation.actors import Actor
from instances import drafts, standing
from instances.models import PromptInstance
from portal.presenters.prompts import clean
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion
from tenancy import clients
from tenancy.models import Client

SHOWN = 20
AROUND = 60


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text around the place: before, the words themselves, after. Plain text, escaped by the page."""

    before: str
    words: str
    after: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found. ``url`` is empty where it has no page."""

    title: str
    second: str
    url: str = ""
    snippet: Snippet | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Hits by kind; ``more`` where there are more than are shown."""

    words: str
    clients: list[Hit] = field(default_factory=list)
    prompts: list[Hit] = field(default_factory=list)
    templates: list[Hit] = field(default_factory=list)
    more: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing was found."""
        return not (self.clients or self.prompts or self.templates)


def look_for(*, words: str, actor: Actor) -> Found:
    """Clients, prompts and newest template versions with these words in name or text, as far as the actor may see.

    Secrets are never searched. One query for each kind.
    """
    words = clean(words)
    if not words:
        return Found("")
    people = clients.listing(actor=actor).filter(Q(name__icontains=words) | Q(slug__icontains=words))
    prompts = standing.mentioning(drafts.listing(actor=actor), words).order_by("client__name", "name", "id")
    texts = _templates(words, actor)
    some, rows, versions = list(people.order_by("name")[: SHOWN + 1]), list(prompts[: SHOWN + 1]), list(texts)
    return Found(
        words,
        [_client(one) for one in some[:SHOWN]],
        [_prompt(one, words) for one in rows[:SHOWN]],
        [_template(one, words) for one in versions[:SHOWN]],
        more=max(len(some), len(rows), len(versions)) > SHOWN,
    )


def snippet(text: str, words: str) -> Snippet | None:
    """The first place of the words in a text, capitals or not; None where they do not stand in it."""
    place = text.casefold().find(words.casefold())
    if place < 0:
        return None
    start, end = max(0, place - AROUND), place + len(words)
    before, after = text[start:place], text[end : end + AROUND]
    return Snippet(("…" if start else "") + before, text[place:end], after + ("…" if end + AROUND < len(text) else ""))


def _templates(words: str, actor: Actor) -> list[TemplateVersion]:
    """Of every template the newest version that has the words."""
    rows = template_versions.listing(actor=actor).alias(as_text=Cast("content_json", TextField()))
    rows = rows.filter(
        Q(template__name__icontains=words) | Q(content_md__icontains=words) | Q(as_text__icontains=words)
    )
    newest: dict[object, TemplateVersion] = {}
    for row in rows.order_by("template__name", "template_id", "-ordinal")[: SHOWN * 5]:
        newest.setdefault(row.template_id, row)
    return list(newest.values())[: SHOWN + 1]


def _client(row: Client) -> Hit:
    return Hit(row.name, row.slug, reverse("portal:prompts", kwargs={"client": row.slug}))


def _prompt(row: PromptInstance, words: str) -> Hit:
    url = reverse("portal:prompt", kwargs={"client": row.client.slug, "instance": row.pk})
    return Hit(row.name, row.client.name, url, snippet(row.body.source(), words))


def _template(row: TemplateVersion, words: str) -> Hit:
    second = f"{row.template.project.slug} · {row.label}"
    return Hit(row.template.name, second, "", snippet(row.body.source(), words))
