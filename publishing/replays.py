"""Many buried deliveries sent again at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from foundation.actors import Actor
from prompthub_kernel.errors import Conflict, Refused
from publishing.deliveries import replay
from publishing.models import Delivery
from tenancy import policy
from tenancy.policy import Permission

AT_ONCE = 100


def replay_many(
    *, deliveries: Sequence[Delivery], by: Actor, at: datetime
) -> list[tuple[Delivery, Delivery | None, str]]:
    """Replay up to 100; each answer is the old row, the new one or None, and why not.

    Raises ``403.permission_denied``, before anything moves, for who may replay none of them.
    """
    chosen = deliveries[:AT_ONCE]
    if not any(_may(old, by) for old in chosen):
        for old in chosen:
            policy.require(by, Permission.PUBLISH, old.placement.instance.client)
    with transaction.atomic():
        # By age, as everybody locks them who ends deliveries: two who replay the same ones wait for each other.
        aged = sorted(chosen, key=lambda old: old.pk)
        rows = Delivery.objects.filter(pk__in=[old.pk for old in aged])
        list(rows.order_by("id").select_for_update(no_key=True).values_list("pk"))
        answers = {old.pk: _replay(old, by, at) for old in aged}
    return [(old, *answers[old.pk]) for old in chosen]


def _may(delivery: Delivery, actor: Actor) -> bool:
    return policy.can(actor, Permission.PUBLISH, delivery.placement.instance.client)


def _replay(old: Delivery, by: Actor, at: datetime) -> tuple[Delivery | None, str]:
    try:
        return replay(delivery=old, by=by, at=at), ""
    except (Conflict, Refused) as error:
        return None, error.detail
