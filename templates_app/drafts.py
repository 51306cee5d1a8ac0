"""The editable text of a template."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from prompthub_kernel import references
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, NotFound
from prompthub_kernel.naming import require_name
from prompthub_kernel.variables import VariablesSchema
from templates_app import versions
from templates_app.models import Template, TemplateDraft
from tenancy import policy
from tenancy.models import Project
from tenancy.policy import Permission


def create(
    *, project: Project, name: str, body: PromptBody, variables: VariablesSchema, by: Actor, at: datetime
) -> TemplateDraft:
    """Begin a template, or a new draft of one. It may refer to other prompts (:mod:`prompthub_kernel.references`).

    Raises ``409.version_conflict`` when it has a draft already.
    """
    policy.require(by, Permission.EDIT, project)
    require_name(name, "/name")
    body = body.with_line_feeds()
    versions.check(body=references.without(body), variables=variables)
    with transaction.atomic():
        template, _ = Template.objects.select_for_update().get_or_create(
            project=project, name=name, defaults={"created_at": at}
        )
        if TemplateDraft.objects.filter(template=template).exists():
            raise Conflict("409.version_conflict", f"'{name}' has a draft already; edit that one.")
        draft = TemplateDraft(template=template, variables_schema=variables.schema, updated_at=at, **body.as_fields())
        draft.save(force_insert=True)
        _record(Action.TEMPLATE_DRAFT_CREATE, draft, by, at)
    return draft


def edit(
    *, template: Template, revision: int, body: PromptBody, variables: VariablesSchema, by: Actor, at: datetime
) -> TemplateDraft:
    """Replace the draft's text. Raises ``409.draft_stale`` when ``revision`` is not the one that is stored."""
    policy.require(by, Permission.EDIT, template.project)
    body = body.with_line_feeds()
    versions.check(body=references.without(body), variables=variables)
    with transaction.atomic():
        draft = _locked(template, revision)
        for column, value in {**body.as_fields(), "variables_schema": variables.schema}.items():
            setattr(draft, column, value)
        draft.revision += 1
        draft.updated_at = at
        draft.save()
        _record(Action.TEMPLATE_DRAFT_EDIT, draft, by, at)
    return draft


def discard(*, template: Template, revision: int, by: Actor, at: datetime) -> None:
    """Throw the draft away; its history rows stay."""
    policy.require(by, Permission.EDIT, template.project)
    with transaction.atomic():
        draft = _locked(template, revision)
        _record(Action.TEMPLATE_DRAFT_DISCARD, draft, by, at)
        draft.delete()


def get(*, key: uuid.UUID | str, actor: Actor) -> TemplateDraft:
    """The draft of a template, by the template's id, as far as the actor may see it; ``404.not_found`` otherwise."""
    found = listing(actor=actor).filter(template_id=key).first()
    if found is None:
        raise NotFound("404.not_found", "No such draft.")
    return found


def listing(*, actor: Actor) -> QuerySet[TemplateDraft]:
    """The drafts in projects the actor may see."""
    projects = policy.visible(actor, Project)
    return TemplateDraft.objects.filter(template__project__in=projects).select_related("template__project")


def _locked(template: Template, revision: int) -> TemplateDraft:
    draft = TemplateDraft.objects.select_for_update().filter(template=template).first()
    if draft is None or draft.revision != revision:
        raise Conflict(
            "409.draft_stale",
            "The draft was changed meanwhile. Read it again, then apply your change to what is there now.",
            context={"revision": draft.revision if draft else None},
        )
    draft.template = template
    return draft


def _record(action: Action, draft: TemplateDraft, by: Actor, at: datetime) -> None:
    subject = events.Subject(
        kind="template",
        id=str(draft.template_id),
        label=draft.template.name,
        project_id=draft.template.project_id,
    )
    events.record(action=action, subject=subject, by=by, at=at, metadata={"revision": draft.revision})
