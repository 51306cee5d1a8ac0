"""Names that move: channels of a bundle, and every move that was made, asked for or refused."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from foundation.ids import new_id
from foundation.models import Mutable
from registry.models.bundles import Bundle
from registry.models.releases import Release

_POLICIES = ("live", "review", "locked")
_STATES = ("proposed", "scheduled", "active", "rejected", "withdrawn", "failed")
_SPLIT_WHOLE = Q(split_release__isnull=True, split_percent__isnull=True) | Q(
    split_release__isnull=False, split_percent__isnull=False, release__isnull=False
)


class Split(models.Model):
    """A second release that part of the callers get: ``split_percent`` of them, and all of ``split_segments``.

    Without ``split_release`` there is none.
    """

    split_release = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    split_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    split_segments = models.JSONField(default=list, blank=True)

    class Meta:
        abstract = True


class Channel(Split, Mutable):
    """A movable name of a bundle: ``stable``, or ``active@staging`` for an environment. ``latest`` is none of them."""

    class Policy(models.TextChoices):
        """How it moves: at once and by every cut, after somebody else approved, or by a deploy token alone."""

        LIVE = "live", "Live"
        REVIEW = "review", "Review"
        LOCKED = "locked", "Locked"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="channels", db_index=False)
    name = models.CharField(max_length=127)
    policy = models.CharField(max_length=6, choices=Policy.choices, default=Policy.REVIEW)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    last_ordinal = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("bundle", "name"), name="channel_name_once_per_bundle"),
            models.CheckConstraint(condition=Q(policy__in=_POLICIES), name="channel_policy_known"),
            models.CheckConstraint(condition=_SPLIT_WHOLE, name="channel_split_whole"),
            models.CheckConstraint(
                condition=Q(split_percent__isnull=True) | Q(split_percent__lte=100), name="channel_percent"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Activation(Split, Mutable):
    """One move of a channel: its history, the queue of reviews and the list to roll back to are this one table.

    ``ordinal`` is given when it becomes active (``active_at``) and only grows: a rollback is newer than what it
    replaces. ``previous`` is the release that the channel pointed at then; while this waits, when it was asked for or
    approved, and ``seen_ordinal`` the ordinal of the channel's last move at that time. One that is ``guarded`` moves
    the channel only if that is still the last; ``confirmed`` says that a yanked release is meant.

    ``policy`` is the channel's when this was asked for. ``makers`` are all whose hands are in a proposal (an actor, its
    account, who issued its token): none of them approves it. ``revision`` counts its changes.
    """

    class State(models.TextChoices):
        """Where a move stands. Only ``active`` ones have moved the channel."""

        PROPOSED = "proposed", "Proposed"
        SCHEDULED = "scheduled", "Scheduled"
        ACTIVE = "active", "Active"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="activations", db_index=False)
    ordinal = models.PositiveIntegerField(null=True)
    seen_ordinal = models.PositiveIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=10, choices=State.choices)
    previous = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    by_label = models.TextField()
    reason = models.TextField(blank=True)
    policy = models.CharField(max_length=6, choices=Channel.Policy.choices)
    makers = models.JSONField(default=list)
    revision = models.PositiveIntegerField(default=1)
    guarded = models.BooleanField(default=False)
    confirmed = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True)
    active_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=64, blank=True)
    decided_by_label = models.TextField(blank=True)
    comment = models.TextField(blank=True)
    correlation_id = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        ordering = ("-at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("channel", "ordinal"), name="activation_ordinal_once"),
            models.CheckConstraint(
                condition=Q(ordinal__isnull=False) ^ ~Q(state="active"), name="activation_ordinal_when_active"
            ),
            models.CheckConstraint(
                condition=Q(active_at__isnull=False) ^ ~Q(state="active"), name="activation_time_when_active"
            ),
            models.CheckConstraint(condition=Q(state__in=_STATES), name="activation_state_known"),
            models.CheckConstraint(condition=_SPLIT_WHOLE, name="activation_split_whole"),
            models.CheckConstraint(
                condition=Q(split_percent__isnull=True) | Q(split_percent__lte=100), name="activation_percent"
            ),
        )
        indexes = (
            models.Index(fields=("state", "due_at"), name="activation_due"),
            models.Index(fields=("channel", "-at", "-id"), name="activation_history"),
        )

    def __str__(self) -> str:
        return f"activation {self.ordinal}" if self.ordinal else self.state
