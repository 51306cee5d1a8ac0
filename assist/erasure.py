"""Erase a client: the text of everything that is kept of it goes, that it happened stays.

Lives here because this is the highest room that holds something of a client's; each room below empties its own rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from assist.models import Suggestion
from assist.states import OPEN
from audit import erasure as ledger
from audit import events
from audit.actions import Action
from foundation.actors import Actor
from foundation.models import TOMBSTONE
from instances import erasure as prompts
from prompthub_kernel.errors import Conflict
from publishing import erasure as places
from tenancy import clients, policy
from tenancy import erasure as names
from tenancy.models import Client
from tenancy.policy import Permission

_NOTHING_SAID = {
    "instruction": TOMBSTONE,
    "base": "",
    "text": "",
    "notes": "",
    "progress": "",
    "error_detail": "",
    "problems": [],
    "created_by_label": TOMBSTONE,
}


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

    Sealed and append-only rows get the tombstone; drafts, targets and suggestions are emptied, targets switched off.
    Ids, slug, names of prompts and targets, ordinals, digests and the ledger's chain stay. Needs ``admin`` of the
    installation. Raises ``409.state_conflict`` unless the client is archived and nothing of it is on its way.
    """
    policy.require(by, Permission.ADMIN, None)
    with transaction.atomic():
        row = Client.objects.select_for_update().get(pk=client.pk)
        if row.archived_at is None:
            raise Conflict("409.state_conflict", "Only an archived client is erased. Archive it first.")
        values = (
            _erase_suggestions(row)
            + places.erase(client=row, at=at)
            + prompts.erase(client=row)
            + names.erase(client=row)
            + ledger.erase(client_id=row.id)
        )
        if values:
            events.record(
                action=Action.CLIENT_ERASE, subject=clients.subject(row), by=by, at=at, metadata={"values": values}
            )
        row.refresh_from_db()
    return Erased(row, values)


def _erase_suggestions(client: Client) -> int:
    suggestions = Suggestion.objects.filter(instance__client=client)
    if suggestions.filter(state__in=OPEN).exists():
        raise Conflict("409.state_conflict", "A model is still writing for this client. Wait until it ended.")
    return suggestions.exclude(**_NOTHING_SAID).update(**_NOTHING_SAID)
