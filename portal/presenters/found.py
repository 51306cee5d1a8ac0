"""What a search found, each with the words around the place."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.actors import Actor
from foundation.searching import capitals
from instances import drafts, standing
from instances.models import PromptInstance
from portal.presenters.prompts import clean
from prompthub_kernel.errors import Invalid
from registry import search as registry_search
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion
from tenancy import clients
from tenancy.models import Client, Project

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
    bundles: list[Hit] = field(default_factory=list)
    more: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing was found."""
        return not (self.clients or self.prompts or self.templates or self.bundles)


def look_for(*, words: str, actor: Actor) -> Found:
    """Clients, prompts, newest template versions and bundles with these words, as far as the actor may see: bundles by
    the beginnings of words in their names, all others in name or text.

    Secrets are never searched. One query for each kind.
    """
    words = clean(words)
    if not words:
        return Found("")
    people = clients.listing(actor=actor).filter(Q(name__mentions=words) | Q(slug__mentions=words))
    prompts = standing.mentioning(drafts.listing(actor=actor), words).order_by("client__name", "name", "id")
    texts = _templates(words, actor)
    some, rows, versions = list(people.order_by("name")[: SHOWN + 1]), list(prompts[: SHOWN + 1]), list(texts)
    named = _bundles(words, actor)
    return Found(
        words,
        [_client(one) for one in some[:SHOWN]],
        [_prompt(one, words) for one in rows[:SHOWN]],
        [_template(one, words) for one in versions[:SHOWN]],
        [_bundle(one) for one in named[:SHOWN]],
        more=max(len(some), len(rows), len(versions), len(named)) > SHOWN,
    )


def snippet(text: str, words: str) -> Snippet | None:
    """The first place of the words in a text, capitals or not; None where they do not stand in it."""
    place = capitals(text).find(capitals(words))
    if place < 0:
        return None
    start, end = max(0, place - AROUND), place + len(words)
    before, after = text[start:place], text[end : end + AROUND]
    return Snippet(("…" if start else "") + before, text[place:end], after + ("…" if end + AROUND < len(text) else ""))


def _templates(words: str, actor: Actor) -> list[TemplateVersion]:
    """Of every template the newest version that has the words."""
    rows = template_versions.listing(actor=actor).filter(
        Q(template__name__mentions=words) | Q(content_md__mentions=words) | Q(content_json__mentions=words)
    )
    newest: dict[object, TemplateVersion] = {}
    for row in rows.order_by("template__name", "template_id", "-ordinal")[: SHOWN * 5]:
        newest.setdefault(row.template_id, row)
    return list(newest.values())[: SHOWN + 1]


def _bundles(words: str, actor: Actor) -> list[registry_search.Found]:
    """Bundles and prompts of bundles, own and public ones; nothing for more words than a name has."""
    try:
        return registry_search.find(text=words, actor=actor, limit=SHOWN + 1)
    except Invalid:
        return []


def _bundle(one: registry_search.Found) -> Hit:
    project = one.project
    url = reverse("portal:bundle", kwargs={"project": project.slug, "bundle": one.bundle})
    public = project.visibility == Project.Visibility.PUBLIC
    second = _("%(project)s, public") % {"project": project.name} if public else project.name
    return Hit(one.address, second, url)


def _client(row: Client) -> Hit:
    return Hit(row.name, row.slug, reverse("portal:prompts", kwargs={"client": row.slug}))


def _prompt(row: PromptInstance, words: str) -> Hit:
    url = reverse("portal:prompt", kwargs={"client": row.client.slug, "instance": row.pk})
    return Hit(row.name, row.client.name, url, snippet(row.body.source(), words))


def _template(row: TemplateVersion, words: str) -> Hit:
    second = f"{row.template.project.slug} · {row.label}"
    where = {"project": row.template.project.slug, "template": row.template_id}
    url = f"{reverse('portal:template', kwargs=where)}?version={row.ordinal}"
    return Hit(row.template.name, second, url, snippet(row.body.source(), words))
