"""Projects: where templates live."""

from __future__ import annotations

from copy import copy
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor, system
from prompthub_kernel.errors import Conflict, NotFound
from prompthub_kernel.naming import require_name
from tenancy import access, policy
from tenancy.clients import check_slug, taken
from tenancy.models import Project
from tenancy.policy import Permission

LOCAL = "local"


def create(*, slug: str, name: str, by: Actor, at: datetime, visibility: str = Project.Visibility.PRIVATE) -> Project:
    """A new project. Raises ``409.version_conflict`` when the slug is taken."""
    policy.require(by, Permission.ADMIN, None)
    check_slug(slug)
    require_name(name, "/name")
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, name=name, visibility=visibility, created_at=at)
            events.record(action=Action.PROJECT_CREATE, subject=subject(project), by=by, at=at)
    except IntegrityError as error:
        raise taken(slug) from error
    return project


def set_visibility(*, project: Project, visibility: str, by: Actor, at: datetime) -> Project:
    """Make it readable for every account, or only for those with a grant."""
    policy.require(by, Permission.ADMIN, project)
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project.pk)
        project.visibility = Project.Visibility(visibility)
        project.save(update_fields=["visibility"])
        events.record(
            action=Action.PROJECT_VISIBILITY_SET,
            subject=subject(project),
            by=by,
            at=at,
            metadata={"visibility": str(visibility)},
        )
    return project


def get(*, key: str, actor: Actor) -> Project:
    """A project by slug, as far as the actor may see it; ``404.not_found`` otherwise."""
    found = access.recall(actor.sight, ("project", key), lambda: Project.objects.filter(slug=key).first())
    if found is None or not policy.can(actor, Permission.VIEW, found):
        raise NotFound("404.not_found", "No such project.")
    return copy(found)


def local(*, at: datetime) -> Project:
    """The installation's own default project, made when it is first needed."""
    found = Project.objects.filter(slug=LOCAL).first()
    return found or _made(at)


def listing(*, actor: Actor) -> QuerySet[Project]:
    """The projects the actor may see."""
    return policy.visible(actor, Project)


def subject(project: Project) -> events.Subject:
    """A project as the ledger knows it."""
    return events.Subject(kind="project", id=str(project.id), label=project.slug, project_id=project.id)


def _made(at: datetime) -> Project:
    try:
        return create(slug=LOCAL, name="Local", by=system(), at=at)
    except Conflict:  # somebody else made it meanwhile
        return Project.objects.get(slug=LOCAL)
