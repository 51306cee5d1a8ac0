"""Reviews: moves of channels that wait for somebody else's approval, or for their time."""

from __future__ import annotations

from uuid import UUID

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import registry_presenters as shown
from gateway.v1.bodies import due_of, share_of
from registry import pending, reviews
from registry.models import Activation
from tenancy.policy import Permission

DECIDED = ("409.proposal_changed", "409.state_conflict", "409.version_conflict", "410.gone")


def _answer(row: Activation) -> Answer:
    return Answer(shown.activation(row), headers={"ETag": f'"{row.revision}"'})


class Reviews(Endpoint):
    """``/reviews``."""

    permissions = {"GET": Permission.REVIEW}

    @operation(
        "list_reviews",
        "Proposals that wait where you may review",
        {200: "[Activation]"},
        query=pagination.PARAMETERS,
    )
    def get(self) -> Answer:
        """The oldest first; your own are among them, for others to approve."""
        return self.page(reviews.queue(actor=self.actor), pagination.OLDEST_FIRST, shown.activation)


class OneActivation(Endpoint):
    """``/activations/{activation_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_activation", "A move of a channel", {200: "Activation"}, etag=True)
    def get(self, activation_id: UUID) -> Answer:
        """Its ETag is its revision, which an approval names."""
        return _answer(pending.get(key=activation_id, actor=self.actor))


class WithdrawActivation(Endpoint):
    """``/activations/{activation_id}/withdraw``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "withdraw_activation",
        "Take back what was proposed or scheduled",
        {200: "Activation"},
        problems=("409.state_conflict",),
        etag=True,
    )
    def post(self, activation_id: UUID) -> Answer:
        """By whoever asked for it, or may decide about it."""
        row = pending.get(key=activation_id, actor=self.actor)
        return _answer(pending.withdraw(activation=row, by=self.actor, at=self.at))


class OneProposal(Endpoint):
    """``/proposals/{activation_id}``."""

    permissions = {"PUT": Permission.PUBLISH}

    @operation(
        "change_proposal",
        "Propose something else instead",
        {200: "Activation"},
        body="proposal-change",
        problems=(*DECIDED, "400.address_invalid", "400.release_unknown", "422.release_not_in_bundle"),
        if_match=True,
        etag=True,
    )
    def put(self, activation_id: UUID) -> Answer:
        """By whoever proposed it. An approval that it has is lost."""
        row = reviews.change(
            proposal=pending.get(key=activation_id, actor=self.actor),
            revision=self.revision(),
            to=self.body["version"],
            **share_of(self.body),
            due_at=due_of(self.body),
            reason=self.body.get("reason", ""),
            confirm=self.body.get("confirm", False),
            by=self.actor,
            at=self.at,
        )
        return _answer(row)


class ApproveProposal(Endpoint):
    """``/proposals/{activation_id}/approve``."""

    permissions = {"POST": Permission.REVIEW}

    @operation(
        "approve_proposal",
        "Make the move that somebody else proposed",
        {200: "Activation"},
        body="proposal-approval",
        problems=DECIDED,
        if_match=True,
        etag=True,
    )
    def post(self, activation_id: UUID) -> Answer:
        """At once, or when it is due. Nobody approves their own, an administrator neither."""
        row = reviews.approve(
            proposal=pending.get(key=activation_id, actor=self.actor),
            revision=self.revision(),
            comment=self.body.get("comment", ""),
            confirm=self.body.get("confirm", False),
            by=self.actor,
            at=self.at,
        )
        return _answer(row)


class RejectProposal(Endpoint):
    """``/proposals/{activation_id}/reject``."""

    permissions = {"POST": Permission.REVIEW}

    @operation(
        "reject_proposal",
        "Say no to a proposal, and why",
        {200: "Activation"},
        body="proposal-rejection",
        problems=("409.state_conflict",),
        etag=True,
    )
    def post(self, activation_id: UUID) -> Answer:
        """Whoever made it can propose something better."""
        row = reviews.reject(
            proposal=pending.get(key=activation_id, actor=self.actor),
            comment=self.body["comment"],
            by=self.actor,
            at=self.at,
        )
        return _answer(row)
