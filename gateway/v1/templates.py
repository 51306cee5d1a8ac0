"""Templates: texts sealed under a name and a version."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import text_of, variables_of
from templates_app import versions
from templates_app.models import TemplateVersion
from tenancy import projects
from tenancy.policy import Permission

FILTERS = (query.slug("project", "Only of this project."), query.text("name", "Only of this name."))


def without_text(rows: QuerySet[TemplateVersion]) -> QuerySet[TemplateVersion]:
    """A listing leaves the texts in the database."""
    return rows.defer("content_md", "content_json", "variables_schema")


class Templates(Endpoint):
    """``/templates``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}

    @operation(
        "list_templates",
        "Template versions in the projects you may see",
        {200: "[TemplateLine]"},
        query=(*FILTERS, *pagination.PARAMETERS),
    )
    def get(self) -> Answer:
        """Newest first, without their texts."""
        rows = without_text(versions.listing(actor=self.actor))
        if self.query["project"]:
            rows = rows.filter(template__project__slug=self.query["project"])
        if self.query["name"]:
            rows = rows.filter(template__name=self.query["name"])
        return self.page(rows, pagination.NEWEST_FIRST, shown.template_line)

    @operation(
        "register_template",
        "Register a template version",
        {201: "TemplateLine", 200: "TemplateLine"},
        body="prompt-template",
        problems=("400.template_schema_invalid", "404.not_found", "409.version_conflict"),
    )
    def post(self) -> Answer:
        """201 for a new version, 200 when the same name, version and content are there already."""
        key = self.body.get("project")
        project = projects.local(at=self.at) if key is None else projects.get(key=key, actor=self.actor)
        done = versions.register(
            project=project,
            name=self.body["name"],
            label=self.body.get("version"),
            body=text_of(self.body),
            variables=variables_of(self.body),
            by=self.actor,
            at=self.at,
        )
        return Answer(shown.template_line(done.version), 201 if done.created else 200)


class OneTemplate(Endpoint):
    """``/templates/{template_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "read_template",
        "A template version with its text",
        {200: "Template"},
        problems=("404.template_or_instance_not_found",),
        etag=True,
    )
    def get(self, template_id: UUID) -> Answer:
        """Sealed: the digest is its ETag."""
        row = versions.get(key=template_id, actor=self.actor)
        return Answer(shown.template(row), headers={"ETag": f'"{row.digest}"'})


class TemplateVersions(Endpoint):
    """``/templates/{template_id}/versions``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_template_versions",
        "All versions of the template that a version belongs to",
        {200: "[TemplateLine]"},
        query=pagination.PARAMETERS,
        problems=("404.template_or_instance_not_found",),
    )
    def get(self, template_id: UUID) -> Answer:
        """Newest first."""
        row = versions.get(key=template_id, actor=self.actor)
        rows = without_text(versions.history(template=row.template))
        return self.page(rows, pagination.BY_ORDINAL, shown.template_line)
