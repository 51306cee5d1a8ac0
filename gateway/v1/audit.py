"""The ledger, as far as its reader may see."""

from __future__ import annotations

from audit import events
from audit.actions import Action
from foundation import ids
from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from tenancy import clients, policy, projects
from tenancy.policy import Permission


class Audit(Endpoint):
    """``/audit``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_audit",
        "Who decided what, at the clients and projects you may see",
        {200: "[AuditEvent]"},
        query=(
            query.slug("client", "Only of this client."),
            query.slug("project", "Only of this project."),
            query.choice("action", "Only this action.", [str(action) for action in Action]),
            query.text("actor", "Only by the actor with this id.", pattern=r"[A-Za-z0-9_.-]{1,64}"),
            query.text("subject", "Only about the subject with this id.", pattern=r"[A-Za-z0-9_.-]{1,64}"),
            query.text("correlation_id", "Only what one request led to.", pattern=r"[A-Za-z0-9_.-]{1,64}"),
            *pagination.PARAMETERS,
        ),
        problems=("404.not_found",),
    )
    def get(self) -> Answer:
        """Newest first. What happened at a client or project, a public one too, is for those with a role there; what
        belongs to neither is for administrators of the installation.
        """
        wanted = {
            "action": self.query["action"],
            "actor_id": _kept(self.query["actor"]),
            "subject_id": _kept(self.query["subject"]),
            "correlation_id": self.query["correlation_id"],
        }
        if self.query["client"]:
            wanted["client_id"] = clients.get(key=self.query["client"], actor=self.actor).id
        if self.query["project"]:
            wanted["project_id"] = projects.get(key=self.query["project"], actor=self.actor).id
        rows = policy.readable(events.every(), actor=self.actor)
        rows = rows.filter(**{column: value for column, value in wanted.items() if value is not None})
        return self.page(rows, pagination.BY_NUMBER, shown.audit_event)


def _kept(given: str | None) -> str | None:
    """An id as the ledger has it, where ids are text: those of accounts are numbers."""
    return None if given is None else ids.canonical(text=given)
