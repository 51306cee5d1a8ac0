"""The registry's part of the demo world: what a person should meet first, made by the verbs.

A coach whose newest release promises too much and can be rolled back, a channel that was rolled back, a proposal that
waits for somebody else, a rollout to a part of the callers, a channel that deployments alone move, a project that
everybody may read, and a campaign whose requirements contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.actors import Actor
from prompthub import demo_shelf_texts as texts
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from registry import bundles, channels, packs, pending, releases, reviews, rollouts
from registry.models import Bundle, Channel, Release, ReleaseMark
from templates_app import versions
from tenancy import projects
from tenancy.models import Project

OPEN = "library"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A bundle that is being made: who makes it and when."""

    bundle: Bundle
    by: Actor
    at: datetime

    def write(self, name: str, text: str, variables: Mapping[str, Any] | None = None) -> None:
        """A prompt of the next release, whose template is called like the bundle and the prompt."""
        project = self.bundle.project
        done = versions.register(
            project=project,
            name=f"{self.bundle.slug}/{name}",
            body=PromptBody.parse(content_md=text, content_json=None),
            variables=VariablesSchema.parse(dict(variables or {})),
            by=self.by,
            at=self.at,
        )
        if not bundles.members(bundle=self.bundle).filter(name=name).exists():
            bundles.set_member(name=name, template=done.version.template, **self._draft())

    def need(self, required: str, selector: str) -> None:
        """Another bundle that the next release needs."""
        bundles.set_requirement(required=required, selector=selector, **self._draft())

    def suit(self, compatibility: Mapping[str, Any]) -> None:
        """What the next release goes with."""
        bundles.set_compatibility(compatibility=compatibility, **self._draft())

    def cut(self, version: str, notes: str) -> Release:
        """The draft, released."""
        return releases.cut(bundle=self.bundle, version=version, notes=notes, by=self.by, at=self.at).release

    def channel(self, name: str, *moves: tuple[str, str]) -> Channel:
        """A channel that was moved so: version and reason."""
        channel = channels.create(bundle=self.bundle, name=name, by=self.by, at=self.at)
        for version, reason in moves:
            channel = channels.activate(channel=channel, to=version, reason=reason, by=self.by, at=self.at).channel
        return channel

    def _draft(self) -> dict[str, Any]:
        self.bundle.refresh_from_db(fields=["revision"])
        return {"bundle": self.bundle, "revision": self.bundle.revision, "by": self.by, "at": self.at}


def build(*, project: Project, author: Actor, by: Actor, at: datetime) -> None:
    """Make it, once. ``author`` is who proposes what waits; somebody else can approve it."""
    if bundles.listing(actor=by).filter(project=project).exists():
        return
    library = projects.create(slug=OPEN, name="Public library", visibility=Project.Visibility.PUBLIC, by=by, at=at)

    def make(place: Project, slug: str, title: str, description: str, kind: str = "set") -> Shelf:
        row = bundles.create(project=place, slug=slug, title=title, description=description, kind=kind, by=by, at=at)
        return Shelf(row, by, at)

    _courtesy(make(library, "courtesy", "Courtesy", "How to greet and to say no. Everybody may read it."))
    _coach(make(project, "coach", "Coach", "A system prompt and the styles it can be had in.", Bundle.Kind.PACK))
    _support(make(project, "support", "Support desk", "What the first answer to a customer is made of."))
    _onboarding(make(project, "onboarding", "Onboarding", "The first minutes with a new customer."), author)
    _campaign(make(project, "campaign", "Spring campaign", "Needs two bundles that do not go together."))


def _courtesy(shelf: Shelf) -> None:
    shelf.write("greeting", texts.GREETING, texts.NAMED)
    shelf.write("refusal", texts.REFUSAL)
    shelf.cut("1.0.0", "A greeting and a friendly no.")


def _coach(shelf: Shelf) -> None:
    shelf.suit({"models": ["gpt-4o", "claude-sonnet"], "engine": "chat", "min_client": "1.0.0"})
    for name, text in texts.COACH_STYLES.items():
        shelf.write(f"styles/{name}", text)
    shelf.write("system", texts.COACH_1)
    shelf.cut("1.0.0", "The first coach.")
    packs.activate(pack=shelf.bundle, to="1.0.0", reason="The first one", by=shelf.by, at=shelf.at)
    packs.activate(pack=shelf.bundle, to="1.0.0", environment="staging", by=shelf.by, at=shelf.at)
    shelf.write("system", texts.COACH_2)
    bad = shelf.cut("1.1.0", "Bolder.")
    packs.activate(pack=shelf.bundle, to="1.1.0", reason="Bolder answers", by=shelf.by, at=shelf.at)
    releases.retire(
        release=bad,
        reason=ReleaseMark.Reason.INVALID,
        message="It promises results that nobody can promise. Roll back to 1.0.0.",
        by=shelf.by,
        at=shelf.at,
    )


def _support(shelf: Shelf) -> None:
    shelf.write("first-answer", texts.FIRST_ANSWER, texts.NAMED)
    shelf.need(f"@{OPEN}/courtesy", "^1.0")
    shelf.cut("1.0.0", "The first answer, polite by @library/courtesy.")
    shelf.write("first-answer", texts.FIRST_ANSWER_TERSE, texts.NAMED)
    shelf.cut("1.0.1", "Shorter.")
    shelf.write("closing", texts.CLOSING)
    shelf.cut("2.0.0", "Says goodbye, and is cut anew.")
    channel = shelf.channel("stable", ("1.0.0", "The first one"), ("1.0.1", "Shorter answers"))
    channels.rollback(channel=channel, reason="Customers found 1.0.1 curt", by=shelf.by, at=shelf.at)
    production = shelf.channel("production", ("1.0.0", "The first one"))
    channels.set_policy(channel=production, rule=Channel.Policy.LOCKED, by=shelf.by, at=shelf.at)


def _onboarding(shelf: Shelf, author: Actor) -> None:
    shelf.write("first-login", texts.FIRST_LOGIN, texts.NAMED)
    shelf.need(f"@{shelf.bundle.project.slug}/support", "^1.0")
    shelf.cut("1.0.0", "The first login.")
    shelf.write("first-login", texts.FIRST_LOGIN_WARMER, texts.NAMED)
    shelf.write("tips/shortcuts", texts.SHORTCUTS)
    shelf.cut("1.1.0", "Warmer, with shortcuts.")
    beta = shelf.channel("beta", ("1.0.0", "The first one"))
    rollouts.split(
        channel=beta, to="1.1.0", percent=20, segments=["staff"], reason="A first look", by=shelf.by, at=shelf.at
    )
    stable = shelf.channel("stable", ("1.0.0", "The first one"))
    stable = channels.set_policy(channel=stable, rule=Channel.Policy.REVIEW, by=shelf.by, at=shelf.at)
    if not pending.listing(channel=stable).exists():
        reviews.propose(channel=stable, to="1.1.0", reason="Warmer, and nobody complained", by=author, at=shelf.at)


def _campaign(shelf: Shelf) -> None:
    project = shelf.bundle.project.slug
    shelf.write("opening", texts.OPENING)
    shelf.need(f"@{project}/support", "^2.0")
    shelf.need(f"@{project}/onboarding", "^1.0")
