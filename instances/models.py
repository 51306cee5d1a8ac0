"""A client's prompts: the draft, its sealed versions, and the publications that moved the active pointer."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords

from foundation.fields import EncryptedText, WrittenJSON
from foundation.ids import new_id
from foundation.models import TOMBSTONE, Mutable, Sealed
from prompthub_kernel.body import PromptBody
from prompthub_kernel.rendering import Rendered
from templates_app.models import ENGINES, FORMATS, TemplateVersion
from tenancy.models import Client


class PromptInstance(Mutable):
    """A template filled in for one client; this row is the draft.

    ``content_md`` or ``content_json`` holds the client's own text where it differs from the template's.
    Secret variables live only in ``secrets`` (encrypted JSON object); ``secret_revision`` counts their changes.
    ``based_on`` is the version this draft was derived from, ``active_version`` the one that runs.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="instances", db_index=False)
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    variables = WrittenJSON(default=dict, blank=True)
    secrets = EncryptedText(default="", blank=True)
    secret_revision = models.PositiveIntegerField(default=0, editable=False)
    content_md = models.TextField(null=True, blank=True)
    content_json = WrittenJSON(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    based_on = models.ForeignKey(
        "InstanceVersion", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    active_version = models.ForeignKey(
        "InstanceVersion", on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    last_version_ordinal = models.PositiveIntegerField(default=0, editable=False)
    last_publication_ordinal = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["secrets"])

    class Meta:
        default_permissions = ()
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=("client", "name"), name="instance_name_once_per_client"),)
        indexes = (
            models.Index(fields=("client", "-id"), name="instance_newest_of_client"),
            # Each start, and each look at readiness, opens the newest secret; most prompts have none.
            models.Index(fields=("-id",), condition=~models.Q(secrets=""), name="instance_with_secrets"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> str:
        """``draft``, ``active`` or ``archived``; derived, so it cannot lie."""
        if self.archived_at is not None:
            return "archived"
        return "draft" if self.active_version_id is None else "active"

    @property
    def body(self) -> PromptBody:
        """The client's own text, else the template's."""
        if self.content_md is None and self.content_json is None:
            return self.template_version.body
        return PromptBody.parse(
            content_md=self.content_md,
            content_json=self.content_json,
            engine=self.template_version.engine,
            format=self.template_version.format,
        )

    @property
    def secret_values(self) -> dict[str, str]:
        """The secret variables in the clear; only for rendering checks and ``instances.versions``."""
        return json.loads(self.secrets) if self.secrets else {}


class InstanceVersion(Sealed):
    """Sealed text of a client's prompt.

    ``content_materialized`` is the rendered text as segments, strings and ``{"secret": name}``; ``digest``
    covers it. The source it was rendered from is kept beside it, so that versions can be compared at both levels.
    """

    erasable = ("content_materialized", "variables", "content_md", "content_json", "created_by_label")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(PromptInstance, on_delete=models.PROTECT, related_name="versions", db_index=False)
    ordinal = models.PositiveIntegerField()
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+")
    format = models.CharField(max_length=10, choices=FORMATS)
    engine = models.CharField(max_length=10, choices=ENGINES)
    content_md = models.TextField(null=True)
    content_json = WrittenJSON(null=True)
    variables = WrittenJSON()
    content_materialized = WrittenJSON()
    digest = models.CharField(max_length=71)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64)
    created_by_label = models.TextField()

    class Meta:
        default_permissions = ()
        ordering = ("-ordinal",)
        constraints = (
            models.UniqueConstraint(fields=("instance", "ordinal"), name="instance_version_ordinal_once"),
            models.CheckConstraint(condition=models.Q(digest__startswith="sha256:"), name="instance_version_digest"),
        )

    def __str__(self) -> str:
        return f"version {self.ordinal}"

    @property
    def erased(self) -> bool:
        """Whether its text was erased; row and digest stay."""
        return bool(self.content_materialized == TOMBSTONE)

    @property
    def values(self) -> dict[str, Any]:
        """The open variables it was rendered with; none when they were erased."""
        return {} if self.erased else self.variables

    @property
    def rendered(self) -> Rendered:
        """The sealed text with its secret placeholders; the tombstone where it was erased."""
        if self.erased:
            return Rendered((TOMBSTONE,), frozenset(), frozenset())
        return Rendered.from_json(self.content_materialized)

    @property
    def body(self) -> PromptBody:
        """The source text the version was rendered from; the tombstone where it was erased."""
        if self.erased:
            return PromptBody.parse(content_md=TOMBSTONE, content_json=None, engine=self.engine, format="text")
        return PromptBody.parse(
            content_md=self.content_md, content_json=self.content_json, engine=self.engine, format=self.format
        )

    def as_json(self) -> Any:
        """The sealed text of a JSON or chat prompt as a document, secrets masked; the tombstone where it was erased."""
        return TOMBSTONE if self.erased else json.loads(self.rendered.text())


class Publication(Sealed):
    """One move of an instance's active pointer. Ordinals only grow: a rollback is newer than what it replaces."""

    erasable = ("by_label", "reason")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(PromptInstance, on_delete=models.PROTECT, related_name="publications", db_index=False)
    ordinal = models.PositiveIntegerField()
    version = models.ForeignKey(InstanceVersion, on_delete=models.PROTECT, related_name="publications")
    previous = models.ForeignKey(InstanceVersion, on_delete=models.PROTECT, null=True, related_name="+")
    secret_revision = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    by_label = models.TextField()
    reason = models.TextField(blank=True)
    correlation_id = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        ordering = ("-ordinal",)
        constraints = (models.UniqueConstraint(fields=("instance", "ordinal"), name="publication_ordinal_once"),)

    def __str__(self) -> str:
        return f"publication {self.ordinal}"


class PublishedSecrets(Mutable):
    """The secrets that publications of one ``secret_revision`` carry: an encrypted JSON object, names to values.

    Written once, by ``versions.activate``. It may change for two reasons only: erasure empties it, and another
    encryption key respells it. It has no history and no page.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(
        PromptInstance, on_delete=models.PROTECT, related_name="published_secrets", db_index=False
    )
    secret_revision = models.PositiveIntegerField()
    sealed_values = EncryptedText(blank=True)

    class Meta:
        verbose_name_plural = "published secrets"
        default_permissions = ()
        ordering = ("secret_revision",)
        constraints = (
            models.UniqueConstraint(fields=("instance", "secret_revision"), name="published_secrets_once_per_revision"),
        )

    def __str__(self) -> str:
        return f"secrets of revision {self.secret_revision}"

    @property
    def values(self) -> dict[str, str]:
        """The secrets in the clear; none when they were erased."""
        return json.loads(self.sealed_values) if self.sealed_values else {}
