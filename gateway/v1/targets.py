"""Targets: provider accounts of a client, and which prompt goes where in them."""

from __future__ import annotations

from uuid import UUID

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Again, Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import uuid_of
from gateway.v1.instances import MISSING
from instances import drafts
from prompthub_kernel.errors import NotFound
from publishing import targets
from publishing.ports import NOT_ASKED
from tenancy import clients
from tenancy.policy import Permission


class ClientTargets(Endpoint):
    """``/clients/{client}/targets``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.ADMIN}

    @operation("list_targets", "A client's targets", {200: "[Target]"}, query=pagination.PARAMETERS)
    def get(self, client: str) -> Answer:
        """Newest first."""
        row = clients.get(key=client, actor=self.actor)
        return self.page(targets.listing(actor=self.actor).filter(client=row), pagination.NEWEST_FIRST, shown.target)

    @operation(
        "create_target",
        "Create a target",
        {201: "Target"},
        body="target-creation",
        problems=("409.version_conflict", "409.archived"),
    )
    def post(self, client: str) -> Answer:
        """Its credentials are stored encrypted and never shown."""
        row = targets.create(
            client=clients.get(key=client, actor=self.actor),
            name=self.body["name"],
            adapter=self.body["adapter"],
            settings=self.body.get("settings", {}),
            credentials=self.body.get("credentials", {}),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.target(row), 201)


class OneTarget(Endpoint):
    """``/targets/{target_id}``."""

    permissions = {"GET": Permission.VIEW, "PATCH": Permission.ADMIN}

    @operation("read_target", "A target", {200: "Target"})
    def get(self, target_id: UUID) -> Answer:
        """Of its credentials only which are set."""
        return Answer(shown.target(targets.get(key=target_id, actor=self.actor)))

    @operation(
        "change_target",
        "Replace a target's settings",
        {200: "Target"},
        body="target-change",
        problems=("409.in_use",),
    )
    def patch(self, target_id: UUID) -> Answer:
        """Placements keep their places; what waits for them goes to the new address.

        Stored credentials are not sent to another host: give them anew, with the settings that lead there.
        """
        row = targets.change(
            target=targets.get(key=target_id, actor=self.actor),
            settings=self.body["settings"],
            credentials=self.body.get("credentials"),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.target(row))


class TestTarget(Endpoint):
    """``/targets/{target_id}/test``."""

    __test__ = False
    permissions = {"POST": Permission.ADMIN}

    @operation("test_target", "Ask the provider whether it can be written", {200: "TargetTest"}, again=Again.RUNS)
    def post(self, target_id: UUID) -> Answer:
        """Nothing is changed there. ``problems`` are those of the target itself, whatever the place.

        Places are what is asked about: where no prompt is placed yet, nothing is asked, and ``ok`` is null. So it is
        where the provider cannot be asked: each place tells that by a problem of the code ``not_asked``.
        """
        found = targets.test(target=targets.get(key=target_id, actor=self.actor), actor=self.actor)
        told = [
            (placement, [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in problems])
            for placement, problems in found
        ]
        results = [
            {"placement_id": str(place.id), "problems": problems} for place, problems in told if place is not None
        ]
        own = [problem for place, problems in told if place is None for problem in problems]
        codes = {problem["code"] for _, problems in told for problem in problems}
        ok = not codes if told and codes != {NOT_ASKED} else None
        return Answer({"ok": ok, "problems": own, "results": results})


class TargetCredentials(Endpoint):
    """``/targets/{target_id}/credentials``."""

    permissions = {"POST": Permission.ADMIN}

    @operation("rotate_credentials", "Replace a target's credentials", {200: "Target"}, body="credentials")
    def post(self, target_id: UUID) -> Answer:
        """Deliveries from now on use the new ones."""
        row = targets.get(key=target_id, actor=self.actor)
        row = targets.rotate_credentials(target=row, credentials=self.body["credentials"], by=self.actor, at=self.at)
        return Answer(shown.target(row))


class DisableTarget(Endpoint):
    """``/targets/{target_id}/disable``."""

    permissions = {"POST": Permission.ADMIN}

    @operation("disable_target", "Send nothing to a target any more", {200: "Target"})
    def post(self, target_id: UUID) -> Answer:
        """What it runs stays as it is, and what waits for it goes on waiting."""
        row = targets.get(key=target_id, actor=self.actor)
        return Answer(shown.target(targets.disable(target=row, by=self.actor, at=self.at)))


class EnableTarget(Endpoint):
    """``/targets/{target_id}/enable``."""

    permissions = {"POST": Permission.ADMIN}

    @operation("enable_target", "Publish to a target again", {200: "Target"})
    def post(self, target_id: UUID) -> Answer:
        """From the next publication on; where something waited, the newest one is sent at once."""
        row = targets.get(key=target_id, actor=self.actor)
        return Answer(shown.target(targets.enable(target=row, by=self.actor, at=self.at)))


class ResumeTarget(Endpoint):
    """``/targets/{target_id}/resume``."""

    permissions = {"POST": Permission.ADMIN}

    @operation("resume_target", "End the pauses of a target", {200: "Target"})
    def post(self, target_id: UUID) -> Answer:
        """What waits for it is tried again at once, whatever time its provider asked for."""
        row = targets.get(key=target_id, actor=self.actor)
        return Answer(shown.target(targets.resume(target=row, by=self.actor, at=self.at)))


class ClientPlacements(Endpoint):
    """``/clients/{client}/placements``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.ADMIN}

    @operation(
        "list_placements", "Which prompts of a client go where", {200: "[Placement]"}, query=pagination.PARAMETERS
    )
    def get(self, client: str) -> Answer:
        """Newest first."""
        row = clients.get(key=client, actor=self.actor)
        return self.page(targets.placements_for(client=row, actor=self.actor), pagination.NEWEST_FIRST, shown.placement)

    @operation(
        "create_placement",
        "Say that a prompt goes to a place of a target",
        {201: "Placement"},
        body="placement-creation",
        problems=(MISSING, "409.in_use"),
    )
    def post(self, client: str) -> Answer:
        """Prompt and target are the client's own."""
        owner = clients.get(key=client, actor=self.actor)
        target = targets.get(key=uuid_of(self.body["target_id"]), actor=self.actor)
        if target.client_id != owner.id:
            raise NotFound("404.not_found", "No such target for this client.")
        row = targets.place(
            instance=drafts.get(key=uuid_of(self.body["instance_id"]), actor=self.actor),
            target=target,
            location=self.body["location"],
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.placement(row), 201)


class OnePlacement(Endpoint):
    """``/placements/{placement_id}``."""

    permissions = {"DELETE": Permission.ADMIN}

    @operation("remove_placement", "Stop sending a prompt to a place", {204: None})
    def delete(self, placement_id: UUID) -> Answer:
        """What runs there stays; what waits for it ends."""
        row = targets.get_placement(key=placement_id, actor=self.actor)
        targets.remove_placement(placement=row, by=self.actor, at=self.at)
        return Answer(status=204)
