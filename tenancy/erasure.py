"""What is known of a client itself, emptied: the room's part of ``assist.erasure``."""

from __future__ import annotations

from foundation.models import TOMBSTONE
from tenancy.models import Client, ClientAlias


def erase(*, client: Client) -> int:
    """Take away its name and what other systems call it; its slug is its address and stays. Returns how many."""
    aliases, _ = ClientAlias.objects.filter(client=client).delete()
    return aliases + Client.objects.filter(pk=client.pk).exclude(name=TOMBSTONE).update(name=TOMBSTONE)
