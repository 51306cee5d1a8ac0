"""Templates and their versions."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords

from foundation.fields import WrittenJSON
from foundation.ids import new_id
from foundation.models import Mutable, Sealed
from prompthub_kernel.body import BodyFormat, Engine, PromptBody
from prompthub_kernel.variables import VariablesSchema
from tenancy.models import Project

FORMATS = [(str(value), str(value)) for value in BodyFormat]
ENGINES = [(str(value), str(value)) for value in Engine]


class TextColumns(models.Model):
    """The columns in which a template's text is kept, for a draft and a version alike."""

    format = models.CharField(max_length=10, choices=FORMATS)
    engine = models.CharField(max_length=10, choices=ENGINES, default=Engine.JINJA2)
    content_md = models.TextField(null=True, blank=True)
    content_json = WrittenJSON(null=True, blank=True)
    variables_schema = WrittenJSON(default=dict, blank=True)

    class Meta:
        abstract = True

    @property
    def body(self) -> PromptBody:
        """The text as the kernel knows it."""
        return PromptBody.parse(
            content_md=self.content_md, content_json=self.content_json, engine=self.engine, format=self.format
        )

    @property
    def variables(self) -> VariablesSchema:
        """The declared variables as the kernel knows them."""
        return VariablesSchema.parse(self.variables_schema)


class Template(Mutable):
    """A line of versions under one name in a project. ``last_ordinal`` is the counter its versions count from."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="templates", db_index=False)
    name = models.CharField(max_length=200)
    last_ordinal = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("project", "name"), name="template_name_once_per_project"),)

    def __str__(self) -> str:
        return self.name


class TemplateDraft(TextColumns, Mutable):
    """The one editable text of a template; sealing it makes the next version. ``revision`` guards lost edits."""

    template = models.OneToOneField(Template, primary_key=True, on_delete=models.CASCADE, related_name="draft")
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"draft of {self.template_id}"


class TemplateVersion(TextColumns, Sealed):
    """Sealed text. ``label`` is the caller's version word, ``ordinal`` counts and never repeats.

    Where other prompts were referred to, their texts stand in it; ``written`` (``content_md``, ``content_json``) is
    the text with the references, ``included`` what was put in for them. Both are null of a text without any.
    """

    erasable = ("created_by_label",)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions", db_index=False)
    label = models.CharField(max_length=64)
    ordinal = models.PositiveIntegerField()
    digest = models.CharField(max_length=71)
    written = WrittenJSON(null=True)
    included = WrittenJSON(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=64)
    created_by_label = models.TextField()

    class Meta:
        default_permissions = ()
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("template", "label"), name="template_version_label_once"),
            models.UniqueConstraint(fields=("template", "ordinal"), name="template_version_ordinal_once"),
            models.CheckConstraint(condition=models.Q(digest__startswith="sha256:"), name="template_version_digest"),
            models.CheckConstraint(
                condition=models.Q(content_md__isnull=True) ^ models.Q(content_json__isnull=True),
                name="template_version_one_content",
            ),
        )

    def __str__(self) -> str:
        return f"{self.template.name} {self.label}"
