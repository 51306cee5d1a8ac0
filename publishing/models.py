"""Where sealed text goes and how far it came."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from foundation.fields import EncryptedText
from foundation.ids import new_id
from foundation.models import AppendOnly, Mutable
from instances.models import PromptInstance, Publication
from publishing.masking import masked
from publishing.states import OPEN, DeliveryState
from tenancy.models import Client

STATES = [(str(state), str(state)) for state in DeliveryState]


class Target(Mutable):
    """A provider account of a client: which adapter, its settings, its credentials (encrypted JSON object)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="targets", db_index=False)
    name = models.CharField(max_length=100)
    adapter = models.CharField(max_length=20)
    settings = models.JSONField(default=dict, blank=True)
    credentials = EncryptedText(default="", blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    history = HistoricalRecords(excluded_fields=["credentials"])

    class Meta:
        default_permissions = ()
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("client", "name"), name="target_name_once_per_client"),)

    def __str__(self) -> str:
        return self.name

    @property
    def shown_settings(self) -> dict[str, Any]:
        """The settings as they may be read by whoever sees the client."""
        return masked(self.settings)

    @property
    def credential_values(self) -> dict[str, str]:
        """The credentials in the clear; only for a call to the provider."""
        return json.loads(self.credentials) if self.credentials else {}


class Lane(Mutable):
    """A remote object that two must not write at once (an n8n workflow, a Retell agent).

    ``provider`` is whose it is (``n8n:<host>``, ``retell``): lanes of one provider share its recovery after an outage.
    Its lease (``owner``, ``epoch``, ``leased_until``), the provider's ``Retry-After`` (``not_before``) and the
    circuit breaker (``failures``, ``open_until``) live here; times are the database's. ``rung_until`` keeps
    the sweep from ringing again for what it has just rung for.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    remote_key = models.CharField(max_length=500, unique=True)
    provider = models.CharField(max_length=300, db_default="", default="")
    owner = models.CharField(max_length=64, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    rung_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("remote_key",)

    def __str__(self) -> str:
        return self.remote_key


class Placement(Mutable):
    """Which prompt goes to which place of a target. ``place`` is the location in canonical form.

    While the place cannot be read back, ``unreadable_reason`` tells why and ``unreadable_since`` since when: what runs
    there is not known, so no drift is found or ended.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(PromptInstance, on_delete=models.PROTECT, related_name="placements")
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="placements")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="placements")
    location = models.JSONField()
    place = models.CharField(max_length=71)
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    unreadable_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    unreadable_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("target", "place"), condition=Q(removed_at__isnull=True), name="placement_one_prompt_per_place"
            ),
        )

    def __str__(self) -> str:
        return f"{self.instance.name} → {self.target.name}"


class Delivery(Mutable):
    """One sealed text on its way to one place; child of a publication. Its id is the idempotency key.

    ``tries`` is how often it was taken up to be sent, whatever came of that. ``failed_tries`` are those of them that
    count towards the limit: a provider that named a time to come back (``Retry-After``) did not fail. ``crashes`` are
    those whose worker died. ``prompt`` is what the prompt was called when it was made, so that every try says the same.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    publication = models.ForeignKey(Publication, on_delete=models.PROTECT, related_name="deliveries")
    placement = models.ForeignKey(Placement, on_delete=models.PROTECT, related_name="deliveries")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="deliveries")
    ordinal = models.PositiveIntegerField()
    prompt = models.CharField(max_length=200, blank=True, default="", db_default="")
    state = models.CharField(max_length=12, choices=STATES, default=DeliveryState.PENDING)
    tries = models.PositiveIntegerField(default=0)
    failed_tries = models.PositiveIntegerField(default=0, db_default=0)
    crashes = models.PositiveIntegerField(default=0)
    epoch = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    remote_version = models.CharField(max_length=200, blank=True)
    replay_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replays")

    class Meta:
        verbose_name_plural = "deliveries"
        default_permissions = ()
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in DeliveryState]), name="delivery_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=[str(s) for s in OPEN]) ^ Q(ended_at__isnull=False),
                name="delivery_ended_has_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("lane", "due_at"), condition=Q(state__in=[str(s) for s in OPEN]), name="delivery_open_by_lane"
            ),
            models.Index(
                fields=("due_at",), condition=Q(state__in=[str(s) for s in OPEN]), name="delivery_open_by_due"
            ),
            models.Index(F("placement"), F("ordinal").desc(), F("id").desc(), name="delivery_newest"),
            models.Index(fields=("state", "-created_at", "-id"), name="delivery_by_state"),
        )

    def __str__(self) -> str:
        return f"delivery {self.id}"


class DeliveryAttempt(AppendOnly):
    """How one try of a delivery ended; of a try whose worker died there is none.

    ``outcome`` is ``delivered``, ``try_again``, ``unknown``, ``refused`` or ``crashed``; ``number`` counts the tries.
    """

    erasable = ("detail",)

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()
    epoch = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=12)
    code = models.CharField(max_length=64, blank=True)
    detail = models.TextField(blank=True)
    provider_status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        indexes = (models.Index(fields=("delivery", "id"), name="attempt_by_delivery"),)

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Drift(Mutable):
    """The provider runs something else than we delivered. One open row per placement; ended ones are history."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    placement = models.ForeignKey(Placement, on_delete=models.PROTECT, related_name="drifts")
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="+")
    observed = EncryptedText()
    observed_digest = models.CharField(max_length=71)
    remote_version = models.CharField(max_length=200, blank=True)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=16, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("-found_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("placement",), condition=Q(ended_at__isnull=True), name="drift_one_open_per_placement"
            ),
        )

    def __str__(self) -> str:
        return f"drift {self.id}"
