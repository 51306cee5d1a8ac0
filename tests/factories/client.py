"""Clients."""

from __future__ import annotations

from tenancy import clients
from tenancy.models import Client
from tests.factories.acting import AT, SYSTEM, unique


def make_client(*, slug: str | None = None, name: str = "Acme") -> Client:
    """A client."""
    return clients.create(slug=slug or unique("acme"), name=name, by=SYSTEM, at=AT)
