"""Bundles as they are being written: their prompts, what they need, and the words they are found by."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords

from foundation.ids import new_id
from foundation.models import Mutable
from prompthub_kernel.address import MAX_PROMPT_LENGTH, BundleAddress
from prompthub_kernel.selector import MAX_LENGTH as MAX_SELECTOR_LENGTH
from templates_app.models import Template
from tenancy.models import Project


class Bundle(Mutable):
    """A set of prompts under one address, ``@project/slug``; this row and its members are the draft of a release.

    ``revision`` counts every change of the draft, members and requirements too. ``compatibility`` is what the author
    says the next release goes with (models, engine, minimum client), any JSON object.
    """

    class Kind(models.TextChoices):
        """A set is any prompts; a pack has the prompt ``system`` and styles under ``styles/``."""

        SET = "set", "Set"
        PACK = "pack", "Pack"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="bundles", db_index=False)
    slug = models.SlugField(max_length=63)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.SET)
    description = models.TextField(blank=True)
    compatibility = models.JSONField(default=dict, blank=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        ordering = ("slug", "id")
        constraints = (models.UniqueConstraint(fields=("project", "slug"), name="bundle_slug_once_per_project"),)

    def __str__(self) -> str:
        return self.slug

    @property
    def address(self) -> BundleAddress:
        """``@project/slug``, of whichever release."""
        return BundleAddress(self.project.slug, self.slug)


class Member(Mutable):
    """A prompt of a bundle's draft: the name it has there, and the template it is sealed from."""

    id = models.BigAutoField(primary_key=True)
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="members", db_index=False)
    name = models.CharField(max_length=MAX_PROMPT_LENGTH)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("bundle", "name"), name="member_name_once_per_bundle"),)

    def __str__(self) -> str:
        return self.name


class Requirement(Mutable):
    """Another bundle that the next release needs, and in which versions."""

    id = models.BigAutoField(primary_key=True)
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="requirements", db_index=False)
    required = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="required_by")
    selector = models.CharField(max_length=MAX_SELECTOR_LENGTH)

    class Meta:
        default_permissions = ()
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("bundle", "required"), name="requirement_once_per_bundle"),)

    def __str__(self) -> str:
        return self.selector


class SearchWord(Mutable):
    """A word by which a bundle (``prompt`` empty) or a prompt of it is found.

    Its UTF-8 is kept as bytes: those have one order in every database, so that all words with a beginning stand
    together in the index.
    """

    id = models.BigAutoField(primary_key=True)
    word = models.BinaryField(max_length=160)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="+", db_index=False)
    prompt = models.CharField(max_length=MAX_PROMPT_LENGTH, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("bundle", "prompt", "word"), name="search_word_once"),)
        indexes = (
            models.Index(fields=("word", "id"), name="search_word"),
            models.Index(fields=("project", "word", "id"), name="search_word_of_project"),
            models.Index(fields=("word", "id"), condition=models.Q(prompt=""), name="search_word_of_bundle"),
            models.Index(
                fields=("project", "word", "id"), condition=models.Q(prompt=""), name="search_word_of_own_bundle"
            ),
        )

    def __str__(self) -> str:
        return bytes(self.word).decode()
