"""How prompts stand, for lists: everything that is derived, as columns of one query."""

from __future__ import annotations

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from foundation.fields import WrittenJSON
from instances.models import PromptInstance, Publication
from templates_app.models import TemplateVersion

TEXTS = (
    *("content_md", "content_json", "variables", "secrets"),
    *(f"template_version__{name}" for name in ("content_md", "content_json", "variables_schema")),
    *(f"active_version__{name}" for name in ("content_md", "content_json", "variables", "content_materialized")),
)


def described(rows: QuerySet[PromptInstance]) -> QuerySet[PromptInstance]:
    """The rows without their texts, each with what a list tells of it.

    ``unpublished``: it is active, and its draft is not what was published last (the order of keys counts, for it
    reaches the text). ``published_at``, ``published_by``: of the publication that made its version active.
    ``newest_label``: of its template's newest version when it is behind, else None.
    """
    last = Publication.objects.filter(instance=OuterRef("pk")).order_by("-ordinal")
    newer = TemplateVersion.objects.filter(
        template=OuterRef("template_version__template"), ordinal__gt=OuterRef("template_version__ordinal")
    ).order_by("-ordinal")
    return (
        rows.select_related(None)
        .select_related("template_version__template", "active_version")
        .defer(*TEXTS)
        .annotate(
            published_at=Subquery(last.values("at")[:1]),
            published_by=Subquery(last.values("by_label")[:1]),
            newest_label=Subquery(newer.values("label")[:1]),
            unpublished=_unpublished(last),
        )
    )


def with_status(rows: QuerySet[PromptInstance], status: str) -> QuerySet[PromptInstance]:
    """Of described rows those that are ``draft``, ``active``, ``unpublished`` (active with changes) or ``archived``."""
    wanted = {
        "draft": Q(active_version__isnull=True, archived_at__isnull=True),
        "active": Q(active_version__isnull=False, archived_at__isnull=True),
        "unpublished": Q(unpublished=True, archived_at__isnull=True),
        "archived": Q(archived_at__isnull=False),
    }
    return rows.filter(wanted[status])


def behind(rows: QuerySet[PromptInstance]) -> QuerySet[PromptInstance]:
    """Those whose template has a newer version."""
    newer = TemplateVersion.objects.filter(
        template=OuterRef("template_version__template"), ordinal__gt=OuterRef("template_version__ordinal")
    )
    return rows.filter(Exists(newer))


def mentioning(rows: QuerySet[PromptInstance], words: str) -> QuerySet[PromptInstance]:
    """Those in whose name, own or template's text, or open variables the words stand, capitals or not.

    Secrets are encrypted, so they are never searched.
    """
    found = Q(name__mentions=words) | Q(content_md__mentions=words)
    found |= Q(content_md__isnull=True, template_version__content_md__mentions=words)
    found |= Q(content_json__mentions=words) | Q(variables__mentions=words)
    found |= Q(content_json__isnull=True, template_version__content_json__mentions=words)
    return rows.filter(found)


def _unpublished(last: QuerySet[Publication]) -> Case:
    same = (
        Q(template_version=F("active_version__template_version"))
        & Q(variables=F("active_version__variables"))
        & Q(secret_revision=Subquery(last.values("secret_revision")[:1]))
        & (
            Q(active_version__content_md=Coalesce("content_md", "template_version__content_md"))
            | Q(
                active_version__content_json=Coalesce(
                    "content_json", "template_version__content_json", output_field=WrittenJSON()
                )
            )
        )
    )
    return Case(
        When(active_version__isnull=True, then=Value(value=False)),
        When(same, then=Value(value=False)),
        default=Value(value=True),
        output_field=BooleanField(),
    )
