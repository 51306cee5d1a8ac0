"""Clients' prompts: the drafts."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db.models import Subquery

from foundation import ids
from gateway import pagination, query
from gateway.endpoint import Endpoint
from gateway.operations import Again, Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.bodies import own_text_of, uuid_of
from instances import comparing, drafts
from instances.comparing import Kind, Level
from instances.models import PromptInstance
from publishing import closing, sides
from templates_app import versions as template_versions
from tenancy import clients
from tenancy.policy import Permission

ID_ALONE = re.compile(ids.FORM)
SIDE = rf"(?:draft|active|template|version:[1-9][0-9]{{0,8}}|(?:template:)?{ids.FORM}|confirmed:{ids.FORM})"
SIDES = (
    "draft, template (the draft's), template:<templateId>, active, version:<ordinal>, "
    "or confirmed:<placement id>: what a provider last confirmed."
)
MISSING = "404.template_or_instance_not_found"
NAMES = ("client", "template_version__template")
TEXTS = (
    *("content_md", "content_json", "variables", "secrets"),
    *(f"template_version__{name}" for name in ("content_md", "content_json", "variables_schema")),
)


def _answer(row: PromptInstance, status: int = 200) -> Answer:
    return Answer(shown.instance(row), status, {"ETag": f'"{row.revision}"'})


class Instances(Endpoint):
    """``/instances``."""

    permissions = {"GET": Permission.VIEW, "POST": Permission.EDIT}

    @operation(
        "list_instances",
        "Prompts of the clients you may see",
        {200: "[InstanceLine]"},
        query=(query.slug("client", "Only of this client."), *pagination.PARAMETERS),
    )
    def get(self) -> Answer:
        """Newest first, without their texts."""
        rows = drafts.listing(actor=self.actor).select_related(None).select_related(*NAMES).defer(*TEXTS)
        if self.query["client"]:
            one = clients.listing(actor=self.actor).filter(slug=self.query["client"]).values("pk")
            rows = rows.filter(client_id=Subquery(one))  # one value, so that their order is read from an index
        return self.page(rows, pagination.NEWEST_FIRST, shown.instance_line)

    @operation(
        "create_instance",
        "Create a client's prompt from a template",
        {201: "Instance"},
        body="prompt-instance",
        problems=(
            "404.not_found",
            MISSING,
            "409.version_conflict",
            "409.archived",
            "422.variables_invalid",
            "400.template_schema_invalid",
        ),
        etag=True,
    )
    def post(self) -> Answer:
        """A draft: nothing is active by it."""
        client = clients.get(key=self.body["client"], actor=self.actor)
        template = template_versions.get(key=uuid_of(self.body["template_id"]), actor=self.actor)
        row = drafts.create(
            client=client,
            template_version=template,
            variables=self.body.get("variables", {}),
            name=self.body.get("name"),
            by=self.actor,
            at=self.at,
        )
        return _answer(row, 201)


class OneInstance(Endpoint):
    """``/instances/{instance_id}``."""

    permissions = {"GET": Permission.VIEW, "PATCH": Permission.EDIT}

    @operation("read_instance", "A client's prompt", {200: "Instance"}, problems=(MISSING,), etag=True)
    def get(self, instance_id: UUID) -> Answer:
        """The draft; its ETag is its revision."""
        return _answer(drafts.get(key=instance_id, actor=self.actor))

    @operation(
        "edit_instance",
        "Change a prompt's draft",
        {200: "Instance"},
        body="instance-edit",
        problems=(
            MISSING,
            "409.draft_stale",
            "409.archived",
            "409.version_conflict",
            "422.variables_invalid",
            "400.template_schema_invalid",
        ),
        if_match=True,
        etag=True,
    )
    def patch(self, instance_id: UUID) -> Answer:
        """With the revision that was seen; what is left out stays as it is."""
        row = drafts.get(key=instance_id, actor=self.actor)
        return _answer(
            drafts.edit(instance=row, revision=self.revision(), by=self.actor, at=self.at, **self._changes(row))
        )

    def _changes(self, row: PromptInstance) -> dict[str, Any]:
        changes = {name: self.body[name] for name in ("name", "variables") if name in self.body}
        template = row.template_version
        if "template_id" in self.body:
            template = template_versions.get(key=uuid_of(self.body["template_id"]), actor=self.actor)
            changes["template_version"] = template
        if "content_md" in self.body or "content_json" in self.body:
            changes["body"] = own_text_of(self.body, template)
        return changes


class PreviewInstance(Endpoint):
    """``/instances/{instance_id}/preview``."""

    permissions = {"POST": Permission.VIEW}

    @operation(
        "preview_instance",
        "Render a prompt's draft",
        {200: "Preview"},
        body="instance-preview",
        may_be_empty=True,
        problems=(MISSING, "422.variables_invalid", "400.template_schema_invalid"),
        again=Again.RUNS,
    )
    def post(self, instance_id: UUID) -> Answer:
        """Secrets are masked, nothing is stored."""
        row = drafts.get(key=instance_id, actor=self.actor)
        rendered = drafts.preview(
            instance=row,
            actor=self.actor,
            variables=self.body.get("variables"),
            body=own_text_of(self.body, row.template_version),
        )
        return Answer(
            {
                "content_materialized": rendered.text(),
                "secrets": sorted(rendered.secret_names),
                "used": sorted(rendered.used),
                "unused": sorted(rendered.unused),
            }
        )


class ArchiveInstance(Endpoint):
    """``/instances/{instance_id}/archive``."""

    permissions = {"POST": Permission.EDIT}

    @operation(
        "archive_instance",
        "Put a prompt out of use",
        {200: "Instance"},
        problems=(MISSING, "409.archived"),
        etag=True,
    )
    def post(self, instance_id: UUID) -> Answer:
        """What providers run stays as it is; nothing is published any more, and deliveries that wait end."""
        row = drafts.get(key=instance_id, actor=self.actor)
        return _answer(closing.archive(instance=row, by=self.actor, at=self.at))


class DiffInstance(Endpoint):
    """``/instances/{instance_id}/diff``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "diff_instance",
        "What a prompt changes against its template, or any of its texts against another",
        {200: "Diff"},
        query=(
            query.choice("level", "As written, or with variables put in.", list(Level), default=Level.SOURCE),
            query.text("base", SIDES + " A templateId alone will do.", pattern=SIDE, default=str(Kind.TEMPLATE)),
            query.text("target", SIDES, pattern=SIDE, default=str(Kind.DRAFT)),
        ),
        problems=(MISSING, "422.variables_invalid", "400.template_schema_invalid"),
    )
    def get(self, instance_id: UUID) -> Answer:
        """Added, removed and changed lines or members, with hunks."""
        row = drafts.get(key=instance_id, actor=self.actor)
        level = Level(self.query["level"])
        base, target = (
            sides.side(instance=row, word=self._word(name), level=level, actor=self.actor)
            for name in ("base", "target")
        )
        return Answer(comparing.compare(base=base, target=target).to_json())

    def _word(self, name: str) -> str:
        word: str = self.query[name]
        return f"{Kind.TEMPLATE}:{word}" if ID_ALONE.fullmatch(word) else word
