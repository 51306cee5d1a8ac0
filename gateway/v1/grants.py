"""Grants: which account holds which role at a client or project."""

from __future__ import annotations

from gateway import query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from tenancy import clients, policy, projects
from tenancy.policy import Permission, Place, Role

ROLES = [str(role) for role in Role]
HELD = (
    query.text("account", "User name of the account.", required=True),
    query.choice("role", "The role to take away.", ROLES, required=True),
)


class _Grants(Endpoint):
    """What the grants of clients and projects have in common."""

    def listed(self, place: Place) -> Answer:
        """Everybody who holds a role there."""
        held = policy.grants(place=place, actor=self.actor)
        return Answer({"results": [shown.grant(account, roles) for account, roles in held.items()]})

    def given(self, place: Place) -> Answer:
        """Give a role; giving it again changes nothing."""
        account = policy.holder(name=self.body["account"], place=place, actor=self.actor)
        policy.grant(role=Role(self.body["role"]), place=place, to=account, by=self.actor, at=self.at)
        return self.listed(place)

    def taken(self, place: Place) -> Answer:
        """Take a role away."""
        account = policy.holder(name=self.query["account"], place=place, actor=self.actor)
        policy.revoke(role=Role(self.query["role"]), place=place, to=account, by=self.actor, at=self.at)
        return Answer(status=204)


class ClientGrants(_Grants):
    """``/clients/{client}/grants``."""

    permissions = {"GET": Permission.ADMIN, "PUT": Permission.ADMIN, "DELETE": Permission.ADMIN}

    @operation("list_client_grants", "Who may do what for a client", {200: "Grants"})
    def get(self, client: str) -> Answer:
        """For the client's administrators."""
        return self.listed(clients.get(key=client, actor=self.actor))

    @operation("grant_at_client", "Give an account a role at a client", {200: "Grants"}, body="grant")
    def put(self, client: str) -> Answer:
        """Giving it again changes nothing."""
        return self.given(clients.get(key=client, actor=self.actor))

    @operation("revoke_at_client", "Take a role at a client away", {204: None}, query=HELD)
    def delete(self, client: str) -> Answer:
        """From one account."""
        return self.taken(clients.get(key=client, actor=self.actor))


class ProjectGrants(_Grants):
    """``/projects/{project}/grants``."""

    permissions = {"GET": Permission.ADMIN, "PUT": Permission.ADMIN, "DELETE": Permission.ADMIN}

    @operation("list_project_grants", "Who may do what in a project", {200: "Grants"})
    def get(self, project: str) -> Answer:
        """For the project's administrators."""
        return self.listed(projects.get(key=project, actor=self.actor))

    @operation("grant_at_project", "Give an account a role in a project", {200: "Grants"}, body="grant")
    def put(self, project: str) -> Answer:
        """Giving it again changes nothing."""
        return self.given(projects.get(key=project, actor=self.actor))

    @operation("revoke_at_project", "Take a role in a project away", {204: None}, query=HELD)
    def delete(self, project: str) -> Answer:
        """From one account."""
        return self.taken(projects.get(key=project, actor=self.actor))
