"""Service tokens, and who the caller is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Again, Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import moment_of
from tenancy import policy, tokens
from tenancy.policy import Permission


class Tokens(Endpoint):
    """``/tokens``."""

    permissions = {"GET": Permission.ADMIN, "POST": Permission.ADMIN}

    @operation("list_tokens", "All service tokens", {200: "[Token]"}, query=pagination.PARAMETERS)
    def get(self) -> Answer:
        """Newest first, for administrators of the installation."""
        rows = tokens.listing(actor=self.actor).select_related("account")
        return self.page(rows, pagination.NEWEST_FIRST, shown.token)

    @operation(
        "issue_token",
        "Issue a service token",
        {201: "IssuedToken"},
        body="token-issue",
        problems=("409.token_already_shown",),
        again=Again.REFUSES,
    )
    def post(self) -> Answer:
        """The one answer that shows the token; it is stored nowhere."""
        policy.require(self.actor, Permission.ADMIN, None)
        token, secret = tokens.issue(
            name=self.body["name"],
            account=tokens.service_account(name=self.body["account"].removeprefix(tokens.SERVICE)),
            scopes=self.body["scopes"],
            clients=self.body.get("clients", []),
            projects=self.body.get("projects", []),
            labels=self.body.get("labels", {}),
            expires_at=self._ends_at(),
            by=self.actor,
            at=self.at,
        )
        return Answer({**shown.token(token), "token": secret}, 201, {"Cache-Control": "no-store"})

    def _ends_at(self) -> datetime | None:
        given = self.body.get("expires_at")
        return None if given is None else moment_of(given, "/expires_at")


class OneToken(Endpoint):
    """``/tokens/{token_id}``."""

    permissions = {"DELETE": Permission.ADMIN}

    @operation(
        "revoke_token",
        "Make a token useless: at once, and for texts read by their address within a second",
        {204: None},
    )
    def delete(self, token_id: UUID) -> Answer:
        """What servers remember of a token they forget within that time."""
        row = tokens.get(key=token_id, actor=self.actor)
        tokens.revoke(token=row, by=self.actor, at=self.at)
        return Answer(status=204)


class Me(Endpoint):
    """``/me``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_me", "Who you are", {200: "Me"})
    def get(self) -> Answer:
        """And how far your token reaches: null means not narrowed."""
        actor = self.actor
        return Answer(
            {
                "kind": str(actor.kind),
                "id": actor.id,
                "label": actor.label,
                "account": actor.account.get_username(),
                "administrator": actor.is_superuser,
                "scopes": _listed(actor.scopes),
                "clients": _listed(actor.clients),
                "projects": _listed(actor.projects),
            }
        )


def _listed(words: frozenset[str] | None) -> list[str] | None:
    return None if words is None else sorted(words)
