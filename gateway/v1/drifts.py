"""Drifts: places where the provider runs something else than we delivered."""

from __future__ import annotations

from uuid import UUID

from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.instances import MISSING
from publishing import drift
from tenancy.policy import Permission


class Drifts(Endpoint):
    """``/drifts``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_drifts",
        "Drifts of the clients you may see",
        {200: "[Drift]"},
        query=(
            query.slug("client", "Only of this client."),
            query.identifier("instance", "Only of this prompt."),
            query.choice("state", "Only open or only settled ones.", ["open", "ended"]),
            *pagination.PARAMETERS,
        ),
    )
    def get(self) -> Answer:
        """Newest first."""
        rows = drift.listing(actor=self.actor).select_related(None).select_related("placement__target__client")
        rows = rows.defer("observed")
        if self.query["client"]:
            rows = rows.filter(placement__target__client__slug=self.query["client"])
        if self.query["instance"]:
            rows = rows.filter(placement__instance=self.query["instance"])
        if self.query["state"]:
            rows = rows.filter(ended_at__isnull=self.query["state"] == "open")
        return self.page(rows, pagination.NEWEST_FIRST, shown.drift)


class OneDrift(Endpoint):
    """``/drifts/{drift_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation("read_drift", "A drift with its difference", {200: "DriftWithDiff"})
    def get(self, drift_id: UUID) -> Answer:
        """What the provider's text changes against ours; secrets are masked."""
        row = drift.get(key=drift_id, actor=self.actor)
        return Answer({**shown.drift(row), "diff": drift.compare(drift=row, actor=self.actor).to_json()})


class RedeliverDrift(Endpoint):
    """``/drifts/{drift_id}/redeliver``."""

    permissions = {"POST": Permission.PUBLISH}

    def before(self, drift_id: UUID) -> None:
        """What the target has against it needs the network, so it is asked before any transaction."""
        drift.ask(drift=drift.get(key=drift_id, actor=self.actor), by=self.actor)

    @operation(
        "redeliver_drift", "Put our text back", {201: "Delivery"}, problems=("409.state_conflict", "409.archived")
    )
    def post(self, drift_id: UUID) -> Answer:
        """As a new delivery of the publication that should run there, unless its target objects."""
        row = drift.get(key=drift_id, actor=self.actor)
        return Answer(shown.delivery(drift.redeliver(drift=row, by=self.actor, at=self.at, asked=True)), 201)


class AdoptDrift(Endpoint):
    """``/drifts/{drift_id}/adopt``."""

    permissions = {"POST": Permission.EDIT}

    @operation(
        "adopt_drift",
        "Take the provider's text into the draft",
        {200: "Instance"},
        body="drift-adoption",
        may_be_empty=True,
        problems=(
            MISSING,
            "409.draft_stale",
            "409.state_conflict",
            "409.archived",
            "422.variables_invalid",
            "400.template_schema_invalid",
        ),
        if_match=True,
        etag=True,
    )
    def post(self, drift_id: UUID) -> Answer:
        """Word for word, for a person to look at and publish. With the revision of the draft that was seen."""
        found = drift.get(key=drift_id, actor=self.actor)
        row = drift.adopt(drift=found, revision=self.revision(), by=self.actor, at=self.at)
        return Answer(shown.instance(row), headers={"ETag": f'"{row.revision}"'})
