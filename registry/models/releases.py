"""Releases: what was cut, what it pins and needs, and what was said of it later."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from foundation.ids import new_id
from foundation.models import AppendOnly, Sealed
from prompthub_kernel import semver
from prompthub_kernel.address import MAX_PROMPT_LENGTH
from prompthub_kernel.manifest import Manifest
from prompthub_kernel.selector import MAX_LENGTH as MAX_SELECTOR_LENGTH
from prompthub_kernel.semver import SemVer
from registry.models.bundles import Bundle
from templates_app.models import TemplateVersion


class Release(Sealed):
    """A version of a bundle that never changes.

    ``version`` is it as it was given, ``number`` without what is behind ``+``: that one is never used again in its
    bundle. ``precedence`` are bytes that order releases as SemVer and the variant rule do
    (:func:`registry.precedence.of`). ``digest`` is that of the manifest.
    """

    erasable = ("created_by_label",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="releases", db_index=False)
    version = models.CharField(max_length=semver.MAX_LENGTH)
    number = models.CharField(max_length=semver.MAX_LENGTH)
    precedence = models.BinaryField(max_length=400)
    variant = models.CharField(max_length=semver.MAX_VARIANT_LENGTH, blank=True)
    pre_release = models.BooleanField()
    digest = models.CharField(max_length=71)
    manifest = models.JSONField()
    compatibility = models.JSONField()
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64)
    created_by_label = models.TextField()

    class Meta:
        default_permissions = ()
        ordering = ("-precedence",)
        constraints = (
            models.UniqueConstraint(fields=("bundle", "number"), name="release_number_once_per_bundle"),
            models.CheckConstraint(condition=Q(digest__startswith="sha256:"), name="release_digest"),
        )
        indexes = (
            models.Index(fields=("bundle", "-precedence"), name="release_precedence"),
            models.Index(fields=("bundle", "variant", "pre_release", "-precedence"), name="release_latest"),
        )

    def __str__(self) -> str:
        return self.version

    @property
    def semver(self) -> SemVer:
        """The version as the kernel knows it."""
        return SemVer.parse(self.version)

    @property
    def paper(self) -> Manifest:
        """The manifest as the kernel knows it."""
        return Manifest.from_json(self.manifest)


class Pin(Sealed):
    """A prompt of a release: its name, and the sealed text it will always be."""

    id = models.BigAutoField(primary_key=True)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="pins", db_index=False)
    name = models.CharField(max_length=MAX_PROMPT_LENGTH)
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("release", "name"), name="pin_name_once_per_release"),)

    def __str__(self) -> str:
        return self.name


class ReleaseRequirement(Sealed):
    """A bundle that a release needs, in which versions, and the release that was chosen when it was cut."""

    id = models.BigAutoField(primary_key=True)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="requirements", db_index=False)
    required = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="dependants")
    selector = models.CharField(max_length=MAX_SELECTOR_LENGTH)
    resolved = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("release", "required"), name="release_requirement_once"),)

    def __str__(self) -> str:
        return self.selector


class Inclusion(Sealed):
    """A prompt of another release whose text was put into a prompt (``name``) of this one."""

    id = models.BigAutoField(primary_key=True)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="inclusions", db_index=False)
    name = models.CharField(max_length=MAX_PROMPT_LENGTH)
    included = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="included_by")
    prompt = models.CharField(max_length=MAX_PROMPT_LENGTH)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("release", "name", "included", "prompt"), name="inclusion_once"),
        )

    def __str__(self) -> str:
        return self.prompt


class ReleaseMark(AppendOnly):
    """What was decided about a release after it was cut; of several retirements the last one counts."""

    class Kind(models.TextChoices):
        """Retired: still found, with a warning. Yanked: skipped by ranges and ``latest``. Reverted: gone."""

        RETIRE = "retire", "Retired"
        YANK = "yank", "Yanked"
        REVERT = "revert", "Reverted"

    class Reason(models.TextChoices):
        """Why; hex's five words."""

        RENAMED = "renamed", "Renamed"
        DEPRECATED = "deprecated", "Deprecated"
        SECURITY = "security", "Security"
        INVALID = "invalid", "Invalid"
        OTHER = "other", "Other"

    erasable = ("by_label", "message")

    id = models.BigAutoField(primary_key=True)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="marks")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    message = models.TextField(blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    by_label = models.TextField()

    class Meta:
        default_permissions = ()
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("release", "kind"), condition=~Q(kind="retire"), name="release_mark_once_for_ever"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"
