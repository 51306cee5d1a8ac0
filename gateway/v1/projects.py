"""Projects: where templates live."""

from __future__ import annotations

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from tenancy import projects
from tenancy.models import Project
from tenancy.policy import Permission


class Projects(Endpoint):
    """``/projects``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.ADMIN}

    @operation("list_projects", "The projects you may see", {200: "[Project]"}, query=pagination.PARAMETERS)
    def get(self) -> Answer:
        """By slug."""
        return self.page(projects.listing(actor=self.actor), pagination.BY_SLUG, shown.project)

    @operation(
        "create_project",
        "Create a project",
        {201: "Project"},
        body="project-creation",
        problems=("409.version_conflict",),
    )
    def post(self) -> Answer:
        """For administrators of the installation."""
        row = projects.create(
            slug=self.body["slug"],
            name=self.body["name"],
            visibility=self.body.get("visibility", Project.Visibility.PRIVATE),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.project(row), 201)


class OneProject(Endpoint):
    """``/projects/{project}``."""

    permissions = {"GET": Permission.VIEW, "PATCH": Permission.ADMIN}

    @operation("read_project", "A project", {200: "Project"})
    def get(self, project: str) -> Answer:
        """By its slug."""
        return Answer(shown.project(projects.get(key=project, actor=self.actor)))

    @operation("change_project", "Change who may read a project", {200: "Project"}, body="project-change")
    def patch(self, project: str) -> Answer:
        """Everybody with an account, or only those with a grant."""
        row = projects.get(key=project, actor=self.actor)
        row = projects.set_visibility(project=row, visibility=self.body["visibility"], by=self.actor, at=self.at)
        return Answer(shown.project(row))
