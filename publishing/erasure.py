"""Erase a client: the text of everything that is kept of it goes, that it happened stays.

Lives here because this is the highest room that holds something of a client's; each room below empties its own rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit import erasure as ledger
from audit import events
from audit.actions import Action
from foundation.actors import Actor
from foundation.models import TOMBSTONE
from instances import erasure as prompts
from prompthub_kernel.errors import Conflict
from publishing.models import Delivery, DeliveryAttempt, Drift, Placement, Target
from publishing.states import OPEN
from tenancy import clients, policy
from tenancy import erasure as names
from tenancy.models import Client
from tenancy.policy import Permission


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. ``values`` counts what was emptied; ``changed`` is False when nothing was left to erase."""

    client: Client
    values: int

    @property
    def changed(self) -> bool:
        """Whether there was anything to erase."""
        return self.values > 0


def erase_client(*, client: Client, by: Actor, at: datetime) -> Erased:
    """Erase the texts, variables, secrets, credentials and names of an archived client, for good.

    Sealed and append-only rows get the tombstone, drafts and targets are emptied and switched off; ids, slug, names
    of prompts and targets, ordinals, digests and the ledger's chain stay. Needs ``admin`` of the installation. Raises
    ``409.state_conflict`` unless the client is archived and nothing of it is on its way to a provider.
    """
    policy.require(by, Permission.ADMIN, None)
    with transaction.atomic():
        row = Client.objects.select_for_update().get(pk=client.pk)
        if row.archived_at is None:
            raise Conflict("409.state_conflict", "Only an archived client is erased. Archive it first.")
        waiting = Delivery.objects.filter(placement__target__client=row, state__in=OPEN).count()
        if waiting:
            raise Conflict(
                "409.state_conflict",
                f"{waiting} deliveries of this client are on their way. Wait until they have ended, or give them up.",
            )
        values = _erase_places(row, at) + prompts.erase(client=row) + names.erase(client=row)
        values += ledger.erase(client_id=row.id)
        if values:
            events.record(
                action=Action.CLIENT_ERASE, subject=clients.subject(row), by=by, at=at, metadata={"values": values}
            )
        row.refresh_from_db()
    return Erased(row, values)


def _erase_places(client: Client, at: datetime) -> int:
    """Targets, their history, tries and what was seen at providers; nothing is sent or looked for there any more."""
    targets = Target.objects.filter(client=client)
    placements = Placement.objects.filter(target__client=client)
    drifts = Drift.objects.filter(placement__in=placements)
    seen = [drift.pk for drift in drifts if drift.observed != TOMBSTONE]
    return (
        DeliveryAttempt.objects.filter(delivery__placement__in=placements).erase()
        + Delivery.objects.filter(placement__in=placements).exclude(error_detail="").update(error_detail="")
        + drifts.filter(pk__in=seen).update(observed=TOMBSTONE)
        + drifts.filter(ended_at__isnull=True).update(ended_at=at, ended_by="erasure")
        + placements.filter(removed_at__isnull=True).update(removed_at=at)
        + targets.exclude(settings={}, credentials="", enabled=False).update(settings={}, credentials="", enabled=False)
        + Target.history.filter(client=client).exclude(settings={}).update(settings={})
    )
