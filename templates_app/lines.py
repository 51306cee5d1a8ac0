"""Templates by name: the lines that versions and drafts belong to."""

from __future__ import annotations

from foundation.actors import Actor
from prompthub_kernel.errors import NotFound, Problem
from templates_app.models import Template
from tenancy import policy
from tenancy.models import Project
from tenancy.policy import Permission


def get(*, project: Project, name: str, actor: Actor) -> Template:
    """The template of that name in a project, sealed yet or not.

    Raises ``404.template_or_instance_not_found``, also in a project that the actor may not see.
    """
    found = Template.objects.select_related("project").filter(project=project, name=name).first()
    if found is None or not policy.can(actor, Permission.VIEW, project):
        raise NotFound(
            "404.template_or_instance_not_found",
            "The project has no template of that name.",
            problems=[Problem("/template", "unknown", "no template of that name in this project")],
        )
    return found
