"""Template drafts: texts that are still being written."""

from __future__ import annotations

from uuid import UUID

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import text_of, variables_of
from templates_app import drafts, versions
from templates_app.models import TemplateDraft
from tenancy import projects
from tenancy.policy import Permission


def _answer(row: TemplateDraft, status: int = 200) -> Answer:
    return Answer(shown.template_draft(row), status, {"ETag": f'"{row.revision}"'})


class TemplateDrafts(Endpoint):
    """``/templates/drafts``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}

    @operation(
        "list_template_drafts",
        "Template drafts in the projects you may see",
        {200: "[TemplateDraft]"},
        query=pagination.PARAMETERS,
    )
    def get(self) -> Answer:
        """Newest template first."""
        return self.page(drafts.listing(actor=self.actor), pagination.BY_TEMPLATE, shown.template_draft)

    @operation(
        "create_template_draft",
        "Begin a template, or a new draft of one",
        {201: "TemplateDraft"},
        body="template-draft-creation",
        problems=("400.template_schema_invalid", "404.not_found", "409.version_conflict"),
        etag=True,
    )
    def post(self) -> Answer:
        """A template has one draft at a time."""
        key = self.body.get("project")
        project = projects.local(at=self.at) if key is None else projects.get(key=key, actor=self.actor)
        row = drafts.create(
            project=project,
            name=self.body["name"],
            body=text_of(self.body),
            variables=variables_of(self.body),
            by=self.actor,
            at=self.at,
        )
        return _answer(row, 201)


class OneTemplateDraft(Endpoint):
    """``/templates/drafts/{draft_id}``."""

    permissions = {"GET": Permission.VIEW, "PUT": Permission.EDIT, "DELETE": Permission.EDIT}

    @operation("read_template_draft", "A template draft", {200: "TemplateDraft"}, etag=True)
    def get(self, draft_id: UUID) -> Answer:
        """Its ETag is its revision."""
        return _answer(drafts.get(key=draft_id, actor=self.actor))

    @operation(
        "edit_template_draft",
        "Replace a template draft's text",
        {200: "TemplateDraft"},
        body="template-draft-edit",
        problems=("400.template_schema_invalid", "409.draft_stale"),
        if_match=True,
        etag=True,
    )
    def put(self, draft_id: UUID) -> Answer:
        """With the revision that was seen."""
        row = drafts.get(key=draft_id, actor=self.actor)
        row = drafts.edit(
            template=row.template,
            revision=self.revision(),
            body=text_of(self.body),
            variables=variables_of(self.body),
            by=self.actor,
            at=self.at,
        )
        return _answer(row)

    @operation(
        "discard_template_draft",
        "Throw a template draft away",
        {204: None},
        problems=("409.draft_stale",),
        if_match=True,
    )
    def delete(self, draft_id: UUID) -> Answer:
        """With the revision that was seen, in If-Match."""
        row = drafts.get(key=draft_id, actor=self.actor)
        drafts.discard(template=row.template, revision=self.revision(), by=self.actor, at=self.at)
        return Answer(status=204)


class SealTemplateDraft(Endpoint):
    """``/templates/drafts/{draft_id}/seal``."""

    permissions = {"POST": Permission.EDIT}

    @operation(
        "seal_template_draft",
        "Seal a template draft as the next version",
        {201: "TemplateLine"},
        body="template-seal",
        may_be_empty=True,
        problems=("400.template_schema_invalid", "409.version_conflict"),
    )
    def post(self, draft_id: UUID) -> Answer:
        """The draft is put away."""
        row = drafts.get(key=draft_id, actor=self.actor)
        version = versions.seal(template=row.template, label=self.body.get("version"), by=self.actor, at=self.at)
        return Answer(shown.template_line(version), 201)
