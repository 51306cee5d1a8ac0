"""Rows of the ledger. No foreign keys: history outlives what it tells of."""

from __future__ import annotations

from django.db import models

from foundation.models import AppendOnly


class AuditEvent(AppendOnly):
    """One decision: who did what to which subject, and why.

    ``digest`` covers ids, action, time, metadata and correlation id, never names: the labels of actor and
    subject can be erased without breaking the chain.
    """

    erasable = ("actor_label", "subject_label")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=64)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    actor_label = models.TextField()
    door = models.CharField(max_length=16)
    subject_kind = models.CharField(max_length=32)
    subject_id = models.CharField(max_length=64)
    subject_label = models.TextField()
    client_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    metadata = models.JSONField()
    correlation_id = models.CharField(max_length=64)
    digest = models.CharField(max_length=71)

    class Meta:
        indexes = (
            models.Index(fields=("subject_kind", "subject_id", "-id"), name="audit_by_subject"),
            models.Index(fields=("client_id", "-id"), name="audit_by_client"),
            models.Index(fields=("project_id", "-id"), name="audit_by_project"),
            models.Index(fields=("correlation_id",), name="audit_by_correlation"),
            models.Index(fields=("action", "-id"), name="audit_by_action"),
            models.Index(fields=("actor_id", "-id"), name="audit_by_actor"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.subject_kind} {self.subject_id}"


class AuditLink(AppendOnly):
    """One link of the hash chain: ``hash = sha256(previous, event_digest)``, appended within a second of the event."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    event_digest = models.CharField(max_length=71)
    previous = models.CharField(max_length=71)
    hash = models.CharField(max_length=71)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.seq}: {self.hash[:19]}"
