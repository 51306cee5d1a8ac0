"""A small believable world for a first look, made by the verbs like everybody's, so that it has its audit too.

Two clients with prompts of every kind, a provider on this machine that receives them, one prompt that was
published twice, one that was never published, one delivery that will be refused, bundles of prompts
(:mod:`prompthub.demo_shelf`), and an account and a token to look around with. Where the provider listens already,
somebody there edits one of the prompts behind our back.
Building it again changes nothing.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from foundation import egress
from foundation.actors import Actor, Door, system
from foundation.clock import database_now
from instances import drafts
from instances.models import PromptInstance
from prompthub import demo_shelf, env
from prompthub import demo_texts as texts
from prompthub_kernel.body import PromptBody
from prompthub_kernel.variables import VariablesSchema
from publishing import courier, deliveries, drift, publish, targets
from publishing.models import Target
from publishing.states import DeliveryState
from templates_app import versions
from templates_app.models import TemplateVersion
from tenancy import accounts, clients, policy, projects, tokens
from tenancy.models import Client, Project, ServiceToken
from tenancy.policy import Role, Scope

PERSON, OPERATOR, SERVICE = "demo", "operator", "walk"
PATIENCE = 30  # tenths of a second


@dataclass(frozen=True, slots=True)
class World:
    """Who builds it and when, with what it needs to find again."""

    by: Actor
    at: datetime
    kept: dict[str, Any]
    project: Project

    def template(self, name: str, label: str, body: PromptBody, variables: Mapping[str, Any]) -> TemplateVersion:
        """A sealed version; registering the same again gives the same."""
        schema = VariablesSchema.parse(variables)
        done = versions.register(
            project=self.project, name=name, body=body, variables=schema, label=label, by=self.by, at=self.at
        )
        return done.version

    def client(self, slug: str, name: str) -> Client:
        """A client, found or made."""
        found = clients.listing(actor=self.by).filter(slug=slug).first()
        return found or clients.create(slug=slug, name=name, by=self.by, at=self.at)

    def prompt(self, client: Client, name: str, template: TemplateVersion, values: Mapping[str, Any]) -> PromptInstance:
        """A client's prompt, found or made."""
        found = drafts.listing(actor=self.by).filter(client=client, name=name).first()
        return found or drafts.create(
            client=client, template_version=template, variables=values, name=name, by=self.by, at=self.at
        )

    def target(
        self, client: Client, name: str, adapter: str, given: Mapping[str, Any], keys: Mapping[str, str]
    ) -> Target:
        """A provider account, found or made; at its present address."""
        found = targets.listing(actor=self.by).filter(client=client, name=name).first()
        if found is None:
            return targets.create(
                client=client, name=name, adapter=adapter, settings=given, credentials=keys, by=self.by, at=self.at
            )
        if found.settings != given:
            targets.change(target=found, settings=given, credentials=keys, by=self.by, at=self.at)
        return found

    def place(self, prompt: PromptInstance, target: Target, location: Mapping[str, Any]) -> None:
        """Say that the prompt goes there, if that is not said already."""
        if not targets.placements(target=target).filter(instance=prompt).exists():
            targets.place(instance=prompt, target=target, location=location, by=self.by, at=self.at)

    def publish_once(self, prompt: PromptInstance, reason: str) -> None:
        """Publish a prompt that never was."""
        if prompt.active_version_id is None:
            publish.publish(instance=prompt, by=self.by, at=self.at, reason=reason)


def build(*, at: datetime) -> None:
    """Make what is not there yet."""
    by = system(Door.COMMAND)
    world = World(by=by, at=at, kept=_kept(), project=projects.local(at=at))
    acme, borealis = world.client("acme", "Acme Dental"), world.client("borealis", "Borealis Outfitters")
    _people(world, (acme, borealis), mine=acme)
    _prompts(world, acme, borealis)
    operator = get_user_model()._default_manager.get(username=OPERATOR)
    author = tokens.actor_for(operator, door=Door.COMMAND)
    demo_shelf.build(project=world.project, author=author, by=by, at=at)
    _edited_there(world, drafts.listing(actor=by).get(client=acme, name=texts.EDITED))
    _keep(world.kept)


def missing() -> str:
    """What must be set before the world can be built, in one sentence; empty when nothing is missing."""
    try:
        egress.check(url=_provider())
    except egress.EgressRefused:
        address = _provider().removeprefix("http://")
        return (
            f"The demo's prompts are delivered to a provider at {address}, which may not be called: add {address} to "
            "PROMPTHUB_EGRESS_ALLOW. Nothing was written."
        )
    return ""


def announce() -> list[str]:
    """What to tell a person when the server starts; empty where no demo world was built."""
    if not _file().exists():
        return []
    kept = _kept()
    return [
        f"Sign in at / as {OPERATOR}, who works for Acme Dental, with the password {kept['password']}",
        f"Sign in at /admin/ as {PERSON} with the password {kept['password']}",
        f"What the demo provider received: {_provider()}/",
        f"This and a token for the API are kept in {_file()}",
    ]


def _people(world: World, places: tuple[Client, ...], *, mine: Client) -> None:
    users = get_user_model()._default_manager
    for name, superuser in ((PERSON, True), (OPERATOR, False)):
        account: Any = users.filter(username=name).first()
        if account is None:
            account = accounts.create(
                name=name, password=world.kept["password"], superuser=superuser, by=world.by, at=world.at
            )
        elif not account.check_password(world.kept["password"]):
            accounts.set_password(account=account, password=world.kept["password"], by=world.by, at=world.at)
    operator, service = users.get(username=OPERATOR), tokens.service_account(name=SERVICE)
    roles: list[tuple[Client | Project, Role, Any]] = [
        (mine, Role.PUBLISHER, operator),
        *((client, Role.ADMINISTRATOR, service) for client in places),
        (world.project, Role.PUBLISHER, operator),
        (world.project, Role.ADMINISTRATOR, service),
    ]
    for place, role, to in roles:
        if role not in policy.grants(place=place, actor=world.by).get(to, frozenset()):
            policy.grant(role=role, place=place, to=to, by=world.by, at=world.at)
    known = ServiceToken.objects.filter(revoked_at__isnull=True, prefix=world.kept.get("token", "__").split("_")[1])
    if not known.exists():
        scopes = [Scope.READ, Scope.DRAFT, Scope.PUBLISH, Scope.REVEAL, Scope.ADMIN]
        _, world.kept["token"] = tokens.issue(
            name="A walk through the API",
            account=service,
            scopes=[str(scope) for scope in scopes],
            by=world.by,
            at=world.at,
        )
        _keep(world.kept)


def _prompts(world: World, acme: Client, borealis: Client) -> None:
    first = world.template("front-desk", "1", _markdown(texts.FRONT_DESK_1), texts.FRONT_DESK_VARIABLES)
    second = world.template("front-desk", "2", _markdown(texts.FRONT_DESK_2), texts.FRONT_DESK_VARIABLES)
    orders = world.template("order-summary", "1", _chat(texts.ORDERS), texts.ORDERS_VARIABLES)
    letter = world.template(
        "newsletter-opening", "1", _markdown(texts.NEWSLETTER, engine="liquid"), texts.NEWSLETTER_VARIABLES
    )
    phone = world.template("phone-agent", "1", _markdown(texts.PHONE_AGENT), texts.PHONE_AGENT_VARIABLES)

    key = {"booking_key": world.kept["booking_key"]}
    desk = world.prompt(acme, "acme-front-desk", first, {"company": "Acme Dental", **key})
    calls = world.prompt(acme, texts.EDITED, phone, {"company": "Acme Dental", "tone": "brisk"})
    shop = world.prompt(borealis, "borealis-front-desk", second, {"company": "Borealis", "tone": "formal", **key})
    sums = world.prompt(borealis, "borealis-orders", orders, {"company": "Borealis", "length": "detailed"})
    world.prompt(
        borealis, "borealis-newsletter", letter, {"company": "Borealis", "month": "May", "topics": ["tents", "maps"]}
    )

    for client, prompts in ((acme, (desk, calls)), (borealis, (shop, sums))):
        signing = {"signing_secret": world.kept["signing_secret"]}
        provider = world.target(client, "provider-on-this-machine", "webhook", _addresses(client), signing)
        for prompt in prompts:
            world.place(prompt, provider, {"name": prompt.name})
    refusing = world.target(borealis, "refuses-once", "memory", {"fail": ["refused"]}, {})
    world.place(shop, refusing, {"slot": "borealis-front-desk"})

    if desk.active_version_id is None:
        world.publish_once(desk, "First version")
        desk = drafts.get(key=desk.id, actor=world.by)
        desk = drafts.edit(
            instance=desk,
            revision=desk.revision,
            template_version=second,
            variables={**desk.variables, "opening_hours": "weekdays from nine to five"},
            by=world.by,
            at=world.at,
        )
        publish.publish(instance=desk, by=world.by, at=world.at, reason="Says the opening hours")
    for prompt in (calls, shop, sums):
        world.publish_once(prompt, "First version")


def _edited_there(world: World, prompt: PromptInstance) -> None:
    """Bring a prompt to the provider, have it changed there, and find the drift: once, and only where it listens."""
    [placement] = targets.placements_of(instance=prompt)
    if drift.listing(actor=world.by).filter(placement=placement).exists() or not _listens():
        return
    courier.deliver(lane_id=placement.lane_id, by=world.by)
    sent = deliveries.newest_for(placement=placement)
    if sent is not None and sent.state == DeliveryState.DELIVERED:
        there = f"{_provider()}/prompts/{prompt.name}"
        text = json.loads(_call("GET", there).content)["text"]
        _call("PUT", there, json.dumps({"text": text + texts.ADDED_THERE}).encode())
        drift.check(placement=placement, by=world.by, at=database_now(), quiet=timedelta(0))  # after it arrived


def _listens() -> bool:
    """Whether the provider answers; it may be starting just now."""
    for _ in range(PATIENCE):
        try:
            return _call("GET", f"{_provider()}/prompts").status == HTTPStatus.OK
        except egress.EgressNotSent:
            time.sleep(0.1)
        except egress.EgressError:
            break
    return False


def _call(method: str, url: str, content: bytes | None = None) -> egress.Answer:
    headers = {"Content-Type": "application/json"}
    return egress.request(method=method, url=url, headers=headers, content=content, deadline=5.0, max_bytes=1024 * 1024)


def _markdown(text: str, *, engine: str = "jinja2") -> PromptBody:
    return PromptBody.parse(content_md=text, content_json=None, engine=engine)


def _chat(messages: list[dict[str, str]]) -> PromptBody:
    return PromptBody.parse(content_md=None, content_json=messages)


def _provider() -> str:
    return f"http://127.0.0.1:{env.whole('PROMPTHUB_PROVIDER_PORT', 8090)}"


def _addresses(client: Client) -> dict[str, str]:
    return {"url": f"{_provider()}/hooks/{client.slug}", "read_url": f"{_provider()}/prompts/{{name}}"}


def _file() -> Path:
    path: Path = settings.STATE_DIR / "demo.json"
    return path


def _kept() -> dict[str, Any]:
    """What must be the same next time: password, token, signing secret. Made once, written before it is used."""
    if _file().exists():
        found: dict[str, Any] = json.loads(_file().read_text(encoding="utf-8"))
        return found
    fresh = {
        "login": PERSON,
        "password": secrets.token_urlsafe(12),
        "signing_secret": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "booking_key": secrets.token_urlsafe(12),
    }
    _keep(fresh)
    return fresh


def _keep(kept: Mapping[str, Any]) -> None:
    """Write it for the owner's eyes only."""
    settings.STATE_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = _file().with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
        json.dump(dict(kept), written, indent=2)
    beside.replace(_file())
