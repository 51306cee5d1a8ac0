"""What a client's prompts hold, emptied: the room's part of ``assist.erasure``."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from instances.models import InstanceVersion, PromptInstance, Publication, PublishedSecrets
from tenancy.models import Client

_EMPTY: dict[str, Any] = {"variables": {}, "content_md": None, "content_json": None}
_IS_EMPTY: dict[str, Any] = {"variables": {}, "content_md__isnull": True, "content_json__isnull": True}


def erase(*, client: Client) -> int:
    """Empty drafts, their history, sealed versions and what they were published with.

    Returns how many values and rows lost something. A draft becomes an empty one, so that it still reads as what it is;
    sealed rows keep ids, ordinals and digests.
    """
    drafts = PromptInstance.objects.filter(client=client)
    return (
        InstanceVersion.objects.filter(instance__client=client).erase()
        + Publication.objects.filter(instance__client=client).erase()
        + _filled(drafts).update(**_EMPTY)
        + drafts.exclude(secrets="").update(secrets="")
        + PublishedSecrets.objects.filter(instance__client=client).exclude(sealed_values="").update(sealed_values="")
        + _filled(PromptInstance.history.filter(client=client)).update(**_EMPTY)
    )


def _filled(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.exclude(**_IS_EMPTY)
