"""Clients (for whom prompts run), projects (where templates live) and the tokens services act with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from foundation.ids import new_id
from foundation.models import Mutable

ROLES = (
    ("viewer", "May read"),
    ("editor", "May read and edit drafts"),
    ("publisher", "May read, edit drafts and publish"),
    ("reviewer", "May read and approve"),
    ("administrator", "May do everything here"),
)


class Client(Mutable):
    """For whom prompts run. Its slug is its address and never changes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions = ROLES
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name


class ClientAlias(Mutable):
    """Another system's name for a client, e.g. ``("discord_guild", "8157…")``."""

    id = models.BigAutoField(primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="aliases")
    kind = models.CharField(max_length=32)
    value = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "value"), name="client_alias_names_one_client"),)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Project(Mutable):
    """Where templates live: the ``@repository`` of an address. ``local`` is the installation's own default."""

    class Visibility(models.TextChoices):
        """Who may read a project without a grant."""

        PRIVATE = "private", "Private"
        PUBLIC = "public", "Public"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        permissions = ROLES
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name


class AccessEpoch(Mutable):
    """One row whose value is another one after every change of who may do what (:mod:`tenancy.access`).

    Written by triggers of the database alone.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    value = models.CharField(max_length=36)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.value


class ServiceToken(Mutable):
    """A service's credential, bound to a service account whose grants it uses, narrowed by its scopes.

    Only the SHA-256 of the secret is stored. ``clients`` and ``projects`` hold slugs; empty means "not narrowed".
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    prefix = models.CharField(max_length=24, unique=True)
    secret_digest = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    scopes = models.JSONField()
    clients = models.JSONField(default=list)
    projects = models.JSONField(default=list)
    labels = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["secret_digest", "last_used_at"])

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
