"""Clients: for whom prompts run."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.naming import require_name
from tenancy import policy
from tenancy.models import Client
from tenancy.policy import Permission

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


def create(*, slug: str, name: str, by: Actor, at: datetime) -> Client:
    """A new client. Raises ``409.version_conflict`` for a taken slug, ``422.request_invalid`` for one that is none."""
    policy.require(by, Permission.ADMIN, None)
    check_slug(slug)
    require_name(name, "/name")
    try:
        with transaction.atomic():
            client = Client.objects.create(slug=slug, name=name, created_at=at)
            events.record(action=Action.CLIENT_CREATE, subject=subject(client), by=by, at=at)
    except IntegrityError as error:
        raise taken(slug) from error
    return client


def rename(*, client: Client, name: str, by: Actor, at: datetime) -> Client:
    """Change what people call it; its slug stays."""
    policy.require(by, Permission.ADMIN, client)
    require_name(name, "/name")
    with transaction.atomic():
        client = Client.objects.select_for_update().get(pk=client.pk)
        client.name = name
        client.save(update_fields=["name"])
        events.record(action=Action.CLIENT_RENAME, subject=subject(client), by=by, at=at)
    return client


def archive(*, client: Client, by: Actor, at: datetime) -> Client:
    """Put it out of use: it stays readable, nothing new is written or published for it."""
    policy.require(by, Permission.ADMIN, client)
    with transaction.atomic():
        client = Client.objects.select_for_update().get(pk=client.pk)
        if client.archived_at is None:
            client.archived_at = at
            client.save(update_fields=["archived_at"])
            events.record(action=Action.CLIENT_ARCHIVE, subject=subject(client), by=by, at=at)
    return client


def get(*, key: str, actor: Actor) -> Client:
    """A client by slug, as far as the actor may see it; ``404.not_found`` otherwise."""
    found = Client.objects.filter(slug=key).first()
    if found is None or not policy.can(actor, Permission.VIEW, found):
        raise NotFound("404.not_found", "No such client.")
    return found


def listing(*, actor: Actor) -> QuerySet[Client]:
    """The clients the actor may see."""
    return policy.visible(actor, Client)


def require_active(client: Client) -> None:
    """Raises ``409.archived`` for a client that is out of use."""
    if client.archived_at is not None:
        raise Conflict("409.archived", "This client is archived; nothing new is written or published for it.")


def subject(client: Client) -> events.Subject:
    """A client as the ledger knows it."""
    return events.Subject(kind="client", id=str(client.id), label=client.slug, client_id=client.id)


def check_slug(slug: str) -> None:
    """Raises ``422.request_invalid`` unless ``slug`` can be an address for ever."""
    if not SLUG.match(slug):
        raise Invalid(
            "422.request_invalid",
            "An address is 1 to 63 of a-z, 0-9 and '-', not beginning or ending with '-'.",
            problems=[Problem("/slug", "pattern", "1 to 63 of a-z, 0-9 and '-'")],
        )


def taken(slug: str) -> Conflict:
    """The address is in use, or was."""
    return Conflict("409.version_conflict", f"'{slug}' is taken.", problems=[Problem("/slug", "unique", "is taken")])
