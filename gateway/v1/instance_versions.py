"""Sealed versions of clients' prompts, and the publications that made them active."""

from __future__ import annotations

from uuid import UUID

from gateway import pagination
from gateway.endpoint import Endpoint
from gateway.operations import Again, Answer, operation
from gateway.v1 import presenters as shown
from gateway.v1.instances import MISSING
from instances import drafts, versions
from tenancy.policy import Permission


class InstanceVersions(Endpoint):
    """``/instances/{instance_id}/versions``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_instance_versions",
        "Sealed versions of a prompt",
        {200: "[InstanceVersionLine]"},
        query=pagination.PARAMETERS,
        problems=(MISSING,),
    )
    def get(self, instance_id: UUID) -> Answer:
        """Newest first, without their texts."""
        rows = versions.history(instance=drafts.get(key=instance_id, actor=self.actor))
        rows = rows.select_related(None).defer("content_md", "content_json", "content_materialized", "variables")
        return self.page(rows, pagination.BY_ORDINAL, shown.instance_version_line)


class OneInstanceVersion(Endpoint):
    """``/instances/{instance_id}/versions/{version_id}``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "read_instance_version",
        "A sealed version with its text",
        {200: "InstanceVersion"},
        problems=(MISSING,),
        etag=True,
    )
    def get(self, instance_id: UUID, version_id: UUID) -> Answer:
        """Secrets are masked; the digest is its ETag."""
        instance = drafts.get(key=instance_id, actor=self.actor)
        row = versions.get(key=version_id, instance=instance)
        return Answer(shown.instance_version(row), headers={"ETag": f'"{row.digest}"'})


class RevealInstanceVersion(Endpoint):
    """``/instances/{instance_id}/versions/{version_id}/reveal``."""

    permissions = {"POST": Permission.REVEAL}

    @operation(
        "reveal_instance_version",
        "The text with its secrets, as a provider gets it",
        {200: "Revealed"},
        problems=(MISSING, "409.state_conflict"),
        again=Again.RUNS,
    )
    def post(self, instance_id: UUID, version_id: UUID) -> Answer:
        """Recorded in the audit every time; the answer is stored nowhere."""
        instance = drafts.get(key=instance_id, actor=self.actor)
        row = versions.get(key=version_id, instance=instance)
        text = versions.reveal(version=row, by=self.actor, at=self.at)
        return Answer({"versionId": str(row.id), "content_revealed": text}, headers={"Cache-Control": "no-store"})


class Publications(Endpoint):
    """``/instances/{instance_id}/publications``."""

    permissions = {"GET": Permission.VIEW}

    @operation(
        "list_publications",
        "Every move of a prompt's active version",
        {200: "[Publication]"},
        query=pagination.PARAMETERS,
        problems=(MISSING,),
    )
    def get(self, instance_id: UUID) -> Answer:
        """Newest first; a rollback is one of them."""
        rows = versions.publications(instance=drafts.get(key=instance_id, actor=self.actor)).select_related(None)
        return self.page(rows, pagination.BY_ORDINAL, shown.publication)
