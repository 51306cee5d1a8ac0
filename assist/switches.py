"""May a model be asked about this client's prompts? The installation says so, and so does the client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from assist import llm
from assist.models import RefineSwitch
from audit import events
from audit.actions import Action
from foundation.actors import Actor
from prompthub_kernel.errors import Refused
from tenancy import clients, policy
from tenancy.models import Client
from tenancy.policy import Permission


@dataclass(frozen=True, slots=True)
class Standing:
    """What is switched on. ``provider`` and ``model`` are those of the installation; ``available`` is the sum of it."""

    installation: bool
    client: bool
    provider: str
    model: str

    @property
    def available(self) -> bool:
        """Whether the control is shown and the verbs answer."""
        return self.installation and self.client and self.provider != "null"

    @property
    def reason(self) -> str:
        """Why not, for people; empty when it is available."""
        if not self.installation:
            return "Refining with AI is switched off for this installation."
        if self.provider == "null":
            return "No language model is set up for this installation."
        return "" if self.client else "Refining with AI is switched off for this client."


def standing(*, client: Client | None = None) -> Standing:
    """What is switched on for a client, or (None) for the installation as a whole; one query at most."""
    port = llm.chosen()
    row = RefineSwitch.objects.filter(pk=client.pk).first() if client is not None else None
    return Standing(
        installation=bool(settings.ASSIST["refine"]),
        client=row is None or row.enabled,
        provider=port.name,
        model=port.model,
    )


def require_on(*, client: Client) -> None:
    """Raises ``403.feature_off`` unless a model may be asked about the client's prompts."""
    found = standing(client=client)
    if not found.available:
        raise Refused("403.feature_off", found.reason)


def switch(*, client: Client, enabled: bool, by: Actor, at: datetime) -> Standing:
    """Say whether a model may be asked about this client's prompts. Saying the same again changes nothing."""
    policy.require(by, Permission.ADMIN, client)
    clients.require_active(client)
    with transaction.atomic():
        row = RefineSwitch.objects.select_for_update().filter(pk=client.pk).first()
        if enabled is not (row is None or row.enabled):
            RefineSwitch.objects.update_or_create(
                pk=client.pk, defaults={"client": client, "enabled": enabled, "changed_at": at}
            )
            subject = clients.subject(client)
            metadata = {"enabled": enabled}
            events.record(action=Action.CLIENT_REFINE_SET, subject=subject, by=by, at=at, metadata=metadata)
    return standing(client=client)
