"""Suggestions of a model for clients' drafts, and whether a model may be asked about a client's prompts."""

from __future__ import annotations

from uuid import UUID

from assist import refine, switches
from assist.models import Suggestion
from assist.states import SuggestionState
from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import uuid_of
from instances import drafts
from tenancy import clients
from tenancy.policy import Permission

MISSING = "404.template_or_instance_not_found"
STATES = [str(state) for state in SuggestionState]
TEXTS = ("base", "text", "progress", "notes", *(f"instance__{name}" for name in ("variables", "secrets")))


class InstanceSuggestions(Endpoint):
    """``/instances/{instance_id}/suggestions``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}

    @operation(
        "list_suggestions",
        "Suggestions for a prompt",
        {200: "[SuggestionLine]"},
        query=(query.choice("state", "Only in this state, as written.", STATES), *pagination.PARAMETERS),
        problems=(MISSING,),
    )
    def get(self, instance_id: UUID) -> Answer:
        """Newest first, without their texts."""
        row = drafts.get(key=instance_id, actor=self.actor)
        rows = refine.listing(actor=self.actor).filter(instance=row).select_related(None).select_related("instance")
        if self.query["state"]:
            rows = rows.filter(state=self.query["state"])
        return self.page(rows.defer(*TEXTS), pagination.NEWEST_FIRST, shown.suggestion_line)

    @operation(
        "ask_suggestion",
        "Ask a model to refine a prompt's draft",
        {202: "Suggestion"},
        body="suggestion-request",
        problems=(MISSING, "404.not_found", "403.feature_off", "409.draft_stale", "409.archived"),
    )
    def post(self, instance_id: UUID) -> Answer:
        """It is asked for; read the suggestion until its state is neither asked nor running. The draft is untouched."""
        row = drafts.get(key=instance_id, actor=self.actor)
        asked = refine.suggest(
            instance=row,
            instruction=self.body["instruction"],
            revision=self.body["revision"],
            previous=self._previous(),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.suggestion(asked), 202)

    def _previous(self) -> Suggestion | None:
        given = self.body.get("previous")
        return None if given is None else refine.get(key=uuid_of(given), actor=self.actor)


class OneSuggestion(Endpoint):
    """``/suggestions/{suggestion_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_suggestion", "A suggestion with its changes", {200: "Suggestion"}, problems=("404.not_found",))
    def get(self, suggestion_id: UUID) -> Answer:
        """While the model writes, ``progress`` is what has come so far, unchecked."""
        return Answer(shown.suggestion(refine.get(key=suggestion_id, actor=self.actor)))


class AcceptSuggestion(Endpoint):
    """``/suggestions/{suggestion_id}/accept``."""

    permissions = {"POST": Permission.EDIT}

    @operation(
        "accept_suggestion",
        "Bring a suggestion into the draft",
        {200: "Instance"},
        body="suggestion-acceptance",
        may_be_empty=True,
        problems=(
            "404.not_found",
            "403.feature_off",
            "409.draft_stale",
            "409.state_conflict",
            "409.archived",
            "422.variables_invalid",
            "400.template_schema_invalid",
        ),
        etag=True,
    )
    def post(self, suggestion_id: UUID) -> Answer:
        """All of it, an edited text in its place, or some of its changes. Nothing is published by it."""
        row = refine.get(key=suggestion_id, actor=self.actor)
        draft = refine.accept(
            suggestion=row,
            text=self.body.get("text"),
            changes=self.body.get("changes"),
            by=self.actor,
            at=self.at,
        )
        found = drafts.get(key=draft.pk, actor=self.actor)
        return Answer(shown.instance(found), 200, {"ETag": f'"{found.revision}"'})


class RejectSuggestion(Endpoint):
    """``/suggestions/{suggestion_id}/reject``."""

    permissions = {"POST": Permission.EDIT}

    @operation(
        "reject_suggestion",
        "Put a suggestion aside",
        {200: "Suggestion"},
        problems=("404.not_found", "409.state_conflict"),
    )
    def post(self, suggestion_id: UUID) -> Answer:
        """The draft stays as it is."""
        row = refine.get(key=suggestion_id, actor=self.actor)
        return Answer(shown.suggestion(refine.reject(suggestion=row, by=self.actor, at=self.at)))


class ClientRefine(Endpoint):
    """``/clients/{client}/refine``."""

    permissions = {"GET": Permission.VIEW, "PATCH": Permission.ADMIN}

    @operation("read_refine", "Whether a model may be asked about a client's prompts", {200: "Refine"})
    def get(self, client: str) -> Answer:
        """What the installation and the client say, and which model it would be."""
        row = clients.get(key=client, actor=self.actor)
        return Answer(shown.refine(switches.standing(client=row)))

    @operation(
        "switch_refine",
        "Let a model be asked about a client's prompts, or not",
        {200: "Refine"},
        body="refine-switch",
        problems=("404.not_found", "409.archived"),
    )
    def patch(self, client: str) -> Answer:
        """Suggestions that are there stay readable."""
        row = clients.get(key=client, actor=self.actor)
        return Answer(
            shown.refine(switches.switch(client=row, enabled=self.body["enabled"], by=self.actor, at=self.at))
        )
