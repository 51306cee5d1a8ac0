"""Clients: for whom prompts run."""

from __future__ import annotations

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from tenancy import clients
from tenancy.policy import Permission


class Clients(Endpoint):
    """``/clients``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.ADMIN}

    @operation("list_clients", "The clients you may see", {200: "[Client]"}, query=pagination.PARAMETERS)
    def get(self) -> Answer:
        """By slug."""
        return self.page(clients.listing(actor=self.actor), pagination.BY_SLUG, shown.client)

    @operation(
        "create_client",
        "Create a client",
        {201: "Client"},
        body="client-creation",
        problems=("409.version_conflict",),
    )
    def post(self) -> Answer:
        """For administrators of the installation."""
        row = clients.create(slug=self.body["slug"], name=self.body["name"], by=self.actor, at=self.at)
        return Answer(shown.client(row), 201)


class OneClient(Endpoint):
    """``/clients/{client}``."""

    permissions = {"GET": Permission.VIEW, "PATCH": Permission.ADMIN}

    @operation("read_client", "A client", {200: "Client"})
    def get(self, client: str) -> Answer:
        """By its slug."""
        return Answer(shown.client(clients.get(key=client, actor=self.actor)))

    @operation("rename_client", "Rename a client", {200: "Client"}, body="client-rename")
    def patch(self, client: str) -> Answer:
        """Its slug stays."""
        row = clients.get(key=client, actor=self.actor)
        return Answer(shown.client(clients.rename(client=row, name=self.body["name"], by=self.actor, at=self.at)))


class ArchiveClient(Endpoint):
    """``/clients/{client}/archive``."""

    permissions = {"POST": Permission.ADMIN}

    @operation("archive_client", "Put a client out of use", {200: "Client"})
    def post(self, client: str) -> Answer:
        """It stays readable; nothing new is written or published for it."""
        row = clients.get(key=client, actor=self.actor)
        return Answer(shown.client(clients.archive(client=row, by=self.actor, at=self.at)))
