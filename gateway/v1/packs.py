"""Packs: a system prompt and styles under one version, one of which each environment runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway import pagination, query, resolved
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import registry_presenters, release_presenters
from gateway.v1.bundles import MISSING
from gateway.v1.channels import MOVES, NO_CHANNEL
from prompthub_kernel.address import BundleAddress
from prompthub_kernel.resolution import ResolvedPrompt
from prompthub_kernel.selector import Named
from registry import packs
from registry.models import Bundle
from resolver import packs as texts
from tenancy import projects
from tenancy.policy import Permission

ENVIRONMENT = query.text(
    "environment",
    "The environment, as in active@staging. Without it, the one of this installation.",
    pattern="[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?",
)
ASKED = (ENVIRONMENT, resolved.KEY, resolved.SEGMENTS)
READING = (
    MISSING,
    NO_CHANNEL,
    "400.address_invalid",
    "404.prompt_not_found",
    "404.release_not_found",
    "410.gone",
    "502.seal_broken",
)


class OfPack(Endpoint):
    """What addresses below a pack have in common."""

    def address(self, pack: str) -> BundleAddress:
        """The address that a path names: whole, or of the project ``local`` by its slug alone."""
        return BundleAddress.parse(pack if pack.startswith("@") else f"@{projects.LOCAL}/{pack}")

    def pack(self, pack: str) -> Bundle:
        """The pack of the address; ``404.bundle_not_found`` otherwise."""
        address = self.address(pack)
        return packs.get(repository=address.repository, slug=address.bundle, actor=self.actor)

    def running(self, pack: str) -> dict[str, Any]:
        """What to ask the resolver for: the pack as an environment runs it, for whom, and when."""
        address, environment = self.address(pack), self.query["environment"]
        if environment is not None:
            address = replace(address, selector=Named.parse(packs.channel_name(environment=environment)))
        whom = {"key": self.query["key"], "segments": self.query["segments"]}
        return {"pack": address, **whom, "actor": self.actor, "at": self.at}

    def told(self, found: ResolvedPrompt) -> Answer:
        """A text with its passport, to be asked for again each time."""
        seen = self.request.headers.get("If-None-Match")
        return resolved.answer(found, asked=None, seen=seen)


class Packs(Endpoint):
    """``/packs``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_packs",
        "Packs with their versions and what they go with",
        {200: "[Pack]"},
        query=(query.slug("project", "Only of this project."), *pagination.PARAMETERS),
    )
    def get(self) -> Answer:
        """Those made last come first."""
        rows = packs.listing(actor=self.actor)
        if self.query["project"]:
            rows = rows.filter(project__slug=self.query["project"])
        found = self.page(rows, pagination.NEWEST_FIRST, lambda row: row)
        told = packs.catalogue(packs=found.body["results"])
        return Answer({**found.body, "results": [release_presenters.pack(one) for one in told]})


class OnePack(OfPack):
    """``/packs/{pack}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_pack", "A pack with its versions", {200: "Pack"}, problems=(MISSING,))
    def get(self, pack: str) -> Answer:
        """And which of them each environment runs."""
        [found] = packs.catalogue(packs=[self.pack(pack)])
        return Answer(release_presenters.pack(found))


class ActivePack(OfPack):
    """``/packs/{pack}/active``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "read_active_pack",
        "Which version of a pack an environment runs",
        {200: "ActivePack"},
        query=(ENVIRONMENT,),
        problems=(MISSING, NO_CHANNEL),
    )
    def get(self, pack: str) -> Answer:
        """And why: it was activated, or is the default of the settings."""
        row = self.pack(pack)
        found = packs.active(pack=row, actor=self.actor, environment=self.query["environment"])
        return Answer(release_presenters.active_pack(str(row.address), found))


class ActivatePack(OfPack):
    """``/packs/{pack}/activate``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "activate_pack",
        "Have an environment run a version of a pack",
        {200: "Moved"},
        body="pack-activation",
        problems=MOVES,
    )
    def post(self, pack: str) -> Answer:
        """An older one too. The channel's policy decides who may."""
        done = packs.activate(
            pack=self.pack(pack),
            to=self.body["version"],
            confirm=self.body.get("confirm", False),
            **_said(self),
        )
        return Answer(registry_presenters.moved(done))


class RollPackBack(OfPack):
    """``/packs/{pack}/rollback``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "roll_pack_back",
        "Have an environment run what it ran before",
        {200: "Moved"},
        body="pack-rollback",
        may_be_empty=True,
        problems=MOVES,
    )
    def post(self, pack: str) -> Answer:
        """In one call, and recorded as a move of its own."""
        return Answer(registry_presenters.moved(packs.rollback(pack=self.pack(pack), **_said(self))))


class SystemPrompt(OfPack):
    """``/packs/{pack}/system``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "get_system_prompt",
        "The system prompt of the version that runs",
        {200: "Resolved", 304: None},
        query=ASKED,
        problems=READING,
        etag=True,
    )
    def get(self, pack: str) -> Answer:
        """Its ``release`` and ``version`` say of which."""
        return self.told(texts.get_system_prompt(**self.running(pack)))


class StylePrompt(OfPack):
    """``/packs/{pack}/styles/{style}``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "get_style_prompt",
        "A style of the version that runs",
        {200: "Resolved", 304: None},
        query=ASKED,
        problems=(*READING, "422.style_unsupported"),
        etag=True,
    )
    def get(self, pack: str, style: str) -> Answer:
        """One that this version does not have is refused, naming those it has."""
        return self.told(texts.get_style_prompt(style=style, **self.running(pack)))


def _said(view: Endpoint) -> dict[str, Any]:
    """Who moves it, when and why, and what they believe of it."""
    found = {
        "by": view.actor,
        "at": view.at,
        "environment": view.body.get("environment"),
        "reason": view.body.get("reason", ""),
    }
    return {**found, "expected": view.body["expected"] or ""} if "expected" in view.body else found
