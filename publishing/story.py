"""What the ledger tells of one prompt: its drafts, versions and publications, where it goes, and what became of it."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from audit import events
from audit.models import AuditEvent
from foundation.actors import Actor
from instances.models import PromptInstance
from publishing.models import Delivery, Drift, Placement
from tenancy import policy
from tenancy.policy import Permission

MOST = 5_000
"""Of versions, deliveries and drifts as many as this, the newest: the ledger knows them by id alone."""


def of_prompt(*, instance: PromptInstance, actor: Actor) -> QuerySet[AuditEvent]:
    """Every event about a prompt, newest first. Raises ``404.not_found`` for whoever may not see its client."""
    policy.require(actor, Permission.VIEW, instance.client)
    placed = Placement.objects.filter(instance=instance)
    targets = {str(target) for target in placed.values_list("target_id", flat=True)}
    places = [str(place) for place in placed.values_list("pk", flat=True)]
    sent = Delivery.objects.filter(placement__instance=instance).order_by("-pk")
    drifts = Drift.objects.filter(placement__instance=instance).order_by("-pk")
    about = Q(subject_kind="instance", subject_id=str(instance.pk))
    about |= Q(subject_kind="instance_version", subject_id__in=_ids(instance.versions.order_by("-ordinal")))
    about |= Q(subject_kind="delivery", subject_id__in=_ids(sent))
    about |= Q(subject_kind="drift", subject_id__in=_ids(drifts))
    about |= Q(subject_kind="target", subject_id__in=targets, metadata__placement__in=places)
    return events.for_client(client_id=instance.client_id).filter(about)


def _ids(rows: QuerySet[Delivery] | QuerySet[Drift] | QuerySet[PromptInstance]) -> list[str]:
    return [str(key) for key in rows.values_list("pk", flat=True)[:MOST]]
