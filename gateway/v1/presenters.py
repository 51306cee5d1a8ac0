"""Rows as the API shows them (``contracts/answers.schema.json``). Explicit, and never with a secret or a credential."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from assist import texts
from assist.models import Suggestion
from assist.switches import Standing
from audit.models import AuditEvent
from foundation.clock import rfc3339
from instances.models import InstanceVersion, PromptInstance, Publication
from publishing import waiting
from publishing.models import Delivery, DeliveryAttempt, Drift, Placement, Target
from templates_app.models import TemplateDraft, TemplateVersion
from tenancy.models import Client, Project, ServiceToken
from tenancy.policy import Role

Shown = dict[str, Any]


def _when(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def _id(key: Any) -> str | None:
    return str(key) if key is not None else None


def client(row: Client) -> Shown:
    """A client."""
    return {
        "slug": row.slug,
        "name": row.name,
        "created_at": rfc3339(row.created_at),
        "archived_at": _when(row.archived_at),
    }


def project(row: Project) -> Shown:
    """A project."""
    return {"slug": row.slug, "name": row.name, "visibility": row.visibility, "created_at": rfc3339(row.created_at)}


def grant(account: Any, roles: Iterable[Role]) -> Shown:
    """Which roles an account holds at a place."""
    return {"account": account.get_username(), "roles": sorted(roles)}


def template_line(row: TemplateVersion) -> Shown:
    """A template version without its text."""
    return {
        "templateId": str(row.id),
        "project": row.template.project.slug,
        "name": row.template.name,
        "version": row.label,
        "ordinal": row.ordinal,
        "digest": row.digest,
        "format": row.format,
        "engine": row.engine,
        "created_at": rfc3339(row.created_at),
        "created_by": {"id": row.created_by, "label": row.created_by_label},
    }


def template(row: TemplateVersion) -> Shown:
    """A template version with its text and, where that was put together, what it was written as and what was put in."""
    return {
        **template_line(row),
        "content_md": row.content_md,
        "content_json": row.content_json,
        "variables_schema": row.variables_schema,
        "written": row.written,
        "included": row.included,
    }


def template_draft(row: TemplateDraft) -> Shown:
    """The editable text of a template."""
    return {
        "draft_id": str(row.template_id),
        "project": row.template.project.slug,
        "name": row.template.name,
        "revision": row.revision,
        "format": row.format,
        "engine": row.engine,
        "content_md": row.content_md,
        "content_json": row.content_json,
        "variables_schema": row.variables_schema,
        "updated_at": rfc3339(row.updated_at),
    }


def instance_line(row: PromptInstance) -> Shown:
    """A client's prompt without its text and variables."""
    sealed = row.template_version
    return {
        "instanceId": str(row.id),
        "client": row.client.slug,
        "name": row.name,
        "status": row.status,
        "template": {"templateId": str(sealed.id), "name": sealed.template.name, "version": sealed.label},
        "revision": row.revision,
        "active_version": _id(row.active_version_id),
        "based_on": _id(row.based_on_id),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "archived_at": _when(row.archived_at),
    }


def instance(row: PromptInstance) -> Shown:
    """A client's prompt with its open variables; of secret ones only which are set."""
    return {
        **instance_line(row),
        "variables": row.variables,
        "secrets_set": sorted(row.secret_values),
        "content_md": row.content_md,
        "content_json": row.content_json,
    }


def instance_version_line(row: InstanceVersion) -> Shown:
    """A sealed version without its text."""
    return {
        "versionId": str(row.id),
        "ordinal": row.ordinal,
        "template_id": str(row.template_version_id),
        "format": row.format,
        "digest": row.digest,
        "created_at": rfc3339(row.created_at),
        "created_by": {"id": row.created_by, "label": row.created_by_label},
    }


def instance_version(row: InstanceVersion) -> Shown:
    """A sealed version with its text; secrets are masked."""
    return {
        **instance_version_line(row),
        "content_materialized": row.rendered.text(),
        "secrets": sorted(row.rendered.secret_names),
        "variables": row.values,
    }


def publication(row: Publication) -> Shown:
    """One move of the active pointer."""
    return {
        "ordinal": row.ordinal,
        "versionId": str(row.version_id),
        "previous": _id(row.previous_id),
        "at": rfc3339(row.at),
        "by": {"id": row.by, "label": row.by_label},
        "reason": row.reason,
        "correlation_id": row.correlation_id,
    }


def target(row: Target) -> Shown:
    """A provider account; of its credentials only which are set, of its addresses all but their queries."""
    return {
        "id": str(row.id),
        "client": row.client.slug,
        "name": row.name,
        "adapter": row.adapter,
        "settings": row.shown_settings,
        "credentials_set": sorted(row.credential_values),
        "enabled": row.enabled,
        "created_at": rfc3339(row.created_at),
    }


def placement(row: Placement) -> Shown:
    """Which prompt goes to which place of a target."""
    return {
        "id": str(row.id),
        "instance_id": str(row.instance_id),
        "target_id": str(row.target_id),
        "location": row.location,
        "created_at": rfc3339(row.created_at),
        "removed_at": _when(row.removed_at),
        "unreadable_since": _when(row.unreadable_since),
        "unreadable_reason": row.unreadable_reason,
    }


def delivery(row: Delivery) -> Shown:
    """One sealed text on its way to one place."""
    aim, then = row.placement.target, waiting.next_try_of(delivery=row)
    return {
        "id": str(row.id),
        "state": str(row.state),
        "client": aim.client.slug,
        "instance_id": str(row.placement.instance_id),
        "version_id": str(row.publication.version_id),
        "publication": row.ordinal,
        "placement_id": str(row.placement_id),
        "target": {"id": str(aim.id), "name": aim.name, "adapter": aim.adapter},
        "tries": row.tries,
        "due_at": rfc3339(row.due_at),
        "next_try_at": _when(then.at if then else None),
        "waits_for": str(then.why) if then else None,
        "created_at": rfc3339(row.created_at),
        "ended_at": _when(row.ended_at),
        "error_code": row.error_code or None,
        "error_detail": row.error_detail or None,
        "remote_version": row.remote_version or None,
        "replay_of": _id(row.replay_of_id),
    }


def delivery_with_attempts(row: Delivery, attempts: Iterable[DeliveryAttempt]) -> Shown:
    """A delivery and every try."""
    return {**delivery(row), "attempts": [attempt(one) for one in attempts]}


def attempt(row: DeliveryAttempt) -> Shown:
    """One try of a delivery."""
    return {
        "number": row.number,
        "at": rfc3339(row.at),
        "duration_ms": row.duration_ms,
        "outcome": row.outcome,
        "code": row.code or None,
        "detail": row.detail or None,
        "provider_status": row.provider_status,
    }


def drift(row: Drift) -> Shown:
    """Where a provider runs something else than we delivered."""
    return {
        "id": str(row.id),
        "client": row.placement.target.client.slug,
        "instance_id": str(row.placement.instance_id),
        "placement_id": str(row.placement_id),
        "delivery_id": str(row.delivery_id),
        "observed_digest": row.observed_digest,
        "remote_version": row.remote_version or None,
        "found_at": rfc3339(row.found_at),
        "ended_at": _when(row.ended_at),
        "ended_by": row.ended_by or None,
    }


def audit_event(row: AuditEvent) -> Shown:
    """One decision."""
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "action": row.action,
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "label": row.actor_label, "door": row.door},
        "subject": {"kind": row.subject_kind, "id": row.subject_id, "label": row.subject_label},
        "metadata": row.metadata,
        "correlation_id": row.correlation_id,
        "digest": row.digest,
    }


def token(row: ServiceToken) -> Shown:
    """A service token, by its prefix; its secret is known to its holder alone."""
    return {
        "id": str(row.id),
        "prefix": row.prefix,
        "name": row.name,
        "account": row.account.get_username(),
        "scopes": row.scopes,
        "clients": row.clients,
        "projects": row.projects,
        "labels": row.labels,
        "created_at": rfc3339(row.created_at),
        "expires_at": _when(row.expires_at),
        "revoked_at": _when(row.revoked_at),
        "last_used_at": _when(row.last_used_at),
    }


def suggestion_line(row: Suggestion) -> Shown:
    """A suggestion without its text."""
    failed = {
        "code": row.error_code,
        "detail": row.error_detail,
        "errors": row.problems,
        "retryable": row.retryable,
        "retry_at": _when(row.retry_at),
    }
    return {
        "id": str(row.id),
        "instance_id": str(row.instance_id),
        "state": str(row.standing),
        "revision": row.revision,
        "instruction": row.instruction,
        "previous": _id(row.previous_id),
        "provider": row.provider,
        "model": row.model or None,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "error": failed if row.error_code else None,
        "created_at": rfc3339(row.created_at),
        "created_by": {"id": row.created_by, "label": row.created_by_label},
        "ended_at": _when(row.ended_at),
        "correlation_id": row.correlation_id,
    }


def suggestion(row: Suggestion) -> Shown:
    """A suggestion with what it would change, each change by the name it is accepted by."""
    found = row.changes if row.text else None
    hunks = zip(found.hunks, found.to_json()["hunks"], strict=True) if found is not None else ()
    return {
        **suggestion_line(row),
        "progress": row.progress or None,
        "text": row.text or None,
        "notes": row.notes or None,
        "changes": [{"id": texts.change_id(hunk), **told} for hunk, told in hunks],
        "warnings": found.warnings if found is not None else [],
    }


def refine(standing: Standing) -> Shown:
    """Whether a model may be asked, and which."""
    return {
        "available": standing.available,
        "reason": standing.reason or None,
        "installation": standing.installation,
        "client": standing.client,
        "provider": standing.provider,
        "model": standing.model or None,
    }
