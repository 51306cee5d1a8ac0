"""Keys of this installation and what was signed with them (docs/adr/0023)."""

from __future__ import annotations

from django.db import models

from foundation.fields import EncryptedText
from foundation.ids import new_id
from foundation.models import Mutable, Sealed
from registry.models.releases import Release
from tenancy.models import Project


class SigningKey(Mutable):
    """An Ed25519 key. The public one is base64 of 32 bytes; the private one is encrypted, and gone once retired."""

    id = models.CharField(primary_key=True, max_length=24, editable=False)
    public = models.CharField(max_length=44)
    private = EncryptedText(default="", blank=True)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return self.id


class ReleaseSignature(Sealed):
    """What vouches for a release, for ever: base64 of the 64 bytes over its manifest."""

    id = models.BigAutoField(primary_key=True)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="signatures", db_index=False)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    signature = models.CharField(max_length=88)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("release", "key"), name="release_signature_once_per_key"),)

    def __str__(self) -> str:
        return self.key_id


class RepositoryIndex(Sealed):
    """All releases of a project at one moment, signed: ``signatures`` are base64 by key id, ``counter`` only rises."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="indexes", db_index=False)
    counter = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=71)
    document = models.JSONField()
    signatures = models.JSONField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("-counter",)
        constraints = (
            models.UniqueConstraint(fields=("project", "counter"), name="repository_index_counter_once"),
            models.CheckConstraint(condition=models.Q(digest__startswith="sha256:"), name="repository_index_digest"),
        )

    def __str__(self) -> str:
        return f"index {self.counter}"
