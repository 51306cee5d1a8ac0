"""Sealed versions of a client's prompt, and the one writer of its active pointer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import IntegerField, QuerySet, UUIDField

from audit import events
from audit.actions import Action
from foundation import correlation
from foundation.actors import Actor
from foundation.prepared import Given, Insert, Update
from instances import drafts
from instances.models import InstanceVersion, PromptInstance, Publication, PublishedSecrets
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Unavailable
from prompthub_kernel.rendering import Rendered
from prompthub_kernel.strict_json import require_storable
from tenancy import policy
from tenancy.models import Client
from tenancy.policy import Permission

log = structlog.get_logger(__name__)

_VERSIONS = Insert(InstanceVersion)
_PUBLICATIONS = Insert(Publication)
_SEALED = Update(
    lambda: PromptInstance.objects.filter(pk=Given("key", UUIDField())),
    last_version_ordinal=Given("ordinal", IntegerField()),
    based_on=Given("version", UUIDField()),
)
_ACTIVATED = Update(
    lambda: PromptInstance.objects.filter(pk=Given("key", UUIDField())),
    active_version=Given("version", UUIDField()),
    last_publication_ordinal=Given("ordinal", IntegerField()),
)


@dataclass(frozen=True, slots=True)
class Material:
    """What a draft would be sealed as."""

    rendered: Rendered
    digest: str


def material(*, instance: PromptInstance) -> Material:
    """Render a draft as it would be sealed. Raises ``422.variables_invalid`` or ``400.template_schema_invalid``."""
    body = instance.body
    rendered = drafts.render(
        body=body,
        schema=instance.template_version.variables,
        given=instance.variables,
        secrets=instance.secret_values,
    )
    return Material(rendered, digest_of(format=str(body.format), rendered=rendered))


def unpublished(*, instance: PromptInstance) -> bool:
    """Whether publishing the draft would make another text active; of one that is not active, or archived, never."""
    active = instance.active_version
    if active is None or instance.archived_at is not None:
        return False
    try:
        return material(instance=instance).digest != active.digest
    except Invalid:
        return True


def digest_of(*, format: str, rendered: Rendered) -> str:
    """Digest of sealed text: its format and segments; a secret counts by name, never by value."""
    return sha256_digest(b"instance-version/1", format.encode(), canonical_json(rendered.to_json()))


def seal(*, instance: PromptInstance, by: Actor, at: datetime) -> InstanceVersion:
    """Seal the draft as the next version, on which the draft is based from now on. ``instance`` is the locked row."""
    policy.require(by, Permission.PUBLISH, instance.client)
    body, sealed = instance.body, material(instance=instance)
    instance.last_version_ordinal += 1
    version = InstanceVersion(
        instance=instance,
        ordinal=instance.last_version_ordinal,
        template_version=instance.template_version,
        variables=instance.variables,
        content_materialized=sealed.rendered.to_json(),
        digest=sealed.digest,
        created_at=at,
        created_by=by.id,
        created_by_label=by.label,
        **body.as_fields(),
    )
    _VERSIONS.row(version)
    instance.based_on = version
    _SEALED.run(key=instance.pk, ordinal=instance.last_version_ordinal, version=version.pk)
    events.record(
        action=Action.INSTANCE_VERSION_SEAL,
        subject=subject(version),
        by=by,
        at=at,
        metadata={"instance": str(instance.id), "ordinal": version.ordinal, "digest": version.digest},
    )
    return version


def activate(
    *,
    instance: PromptInstance,
    version: InstanceVersion,
    by: Actor,
    at: datetime,
    reason: str = "",
    like: Publication | None = None,
) -> Publication:
    """Move the active pointer and write the publication that tells of it. ``instance`` is the locked row.

    It carries the draft's present secrets, or those of the publication that it is ``like``. The draft stays based on
    what it was based on: after a rollback, publishing it again asks for confirmation. Raises ``409.state_conflict``
    when a secret of the version is not set.
    """
    policy.require(by, Permission.PUBLISH, instance.client)
    if version.instance_id != instance.id:
        raise NotFound("404.template_or_instance_not_found", "No such version of this prompt.")
    require_storable(reason, "/reason")
    _require_set(version, instance.secret_values if like is None else carried(publication=like))
    previous = instance.active_version
    instance.last_publication_ordinal += 1
    publication = Publication(
        instance=instance,
        ordinal=instance.last_publication_ordinal,
        version=version,
        previous=previous,
        secret_revision=instance.secret_revision if like is None else like.secret_revision,
        at=at,
        by=by.id,
        by_label=by.label,
        reason=reason,
        correlation_id=correlation.current(),
    )
    _PUBLICATIONS.row(publication)
    if publication.secret_revision == instance.secret_revision:
        _keep_secrets(instance)
    instance.active_version = version
    _ACTIVATED.run(key=instance.pk, ordinal=instance.last_publication_ordinal, version=version.pk)
    events.record(
        action=Action.INSTANCE_VERSION_ACTIVATE,
        subject=drafts.subject(instance),
        by=by,
        at=at,
        metadata={
            "publication": publication.ordinal,
            "from": str(previous.id) if previous else None,
            "to": str(version.id),
            "digest": version.digest,
        },
    )
    return publication


def get(*, key: uuid.UUID | str, instance: PromptInstance) -> InstanceVersion:
    """A version of this instance; ``404.template_or_instance_not_found`` for any other id."""
    found: InstanceVersion | None = InstanceVersion.objects.filter(pk=key, instance=instance).first()
    if found is None:
        raise NotFound("404.template_or_instance_not_found", "No such version of this prompt.")
    return found


def history(*, instance: PromptInstance) -> QuerySet[InstanceVersion]:
    """All versions, newest first."""
    return instance.versions.select_related("template_version__template").order_by("-ordinal")


def publications(*, instance: PromptInstance) -> QuerySet[Publication]:
    """All moves of the active pointer, newest first."""
    return instance.publications.select_related("version", "previous").order_by("-ordinal")


def newest_publication(*, instance: PromptInstance) -> Publication | None:
    """The publication that made the active version active."""
    return publications(instance=instance).first()


def active_for(*, client: Client, name: str, actor: Actor) -> InstanceVersion:
    """The text that runs for a client under a name; ``404.template_or_instance_not_found`` when none is active."""
    policy.require(actor, Permission.VIEW, client)
    found = PromptInstance.objects.filter(client=client, name=name).select_related("active_version").first()
    active: InstanceVersion | None = found.active_version if found is not None else None
    if active is None:
        raise NotFound("404.template_or_instance_not_found", "No prompt of that name is active for this client.")
    return active


def require_intact(*, version: InstanceVersion) -> None:
    """Refuse text that is not the one that was sealed with ``502.seal_broken``; the operator finds it in the log."""
    if digest_of(format=version.format, rendered=version.rendered) != version.digest:
        log.error("instances.damaged", version_id=str(version.pk))
        raise Unavailable("502.seal_broken", "The text of this version does not have the digest it was sealed with.")


def reveal(*, version: InstanceVersion, by: Actor, at: datetime, publication: Publication | None = None) -> str:
    """The sealed text with the secrets joined in that it was published with: the one function that does so.

    Those of ``publication``, else of the version's newest; of one that was never published, the draft's. Called just
    before an adapter sends, or for an actor with the permission ``reveal`` (then audited). Raises
    ``409.state_conflict`` when a secret is no longer set, or not known any more, or the text was erased.
    """
    instance = version.instance
    policy.require(by, Permission.REVEAL, instance.client)
    if version.erased:
        raise Conflict("409.state_conflict", "The text of this version was erased.")
    rendered, secrets = version.rendered, {}
    if rendered.secret_names:
        publication = publication or version.publications.order_by("-ordinal").first()
        secrets = instance.secret_values if publication is None else carried(publication=publication)
        _require_set(version, secrets)
    if not by.is_system:
        with transaction.atomic():
            events.record(action=Action.INSTANCE_VERSION_REVEAL, subject=subject(version), by=by, at=at)
    return rendered.join(secrets)


def carried(*, publication: Publication) -> dict[str, str]:
    """The secrets a publication was made with, in the clear; none where they were erased or are not known any more."""
    rows = PublishedSecrets.objects.filter(instance=publication.instance_id)
    kept: PublishedSecrets | None = rows.filter(secret_revision=publication.secret_revision).first()
    if kept is not None:
        return kept.values
    # An older release, still running while this one starts, keeps nothing; the draft's are the same at its revision.
    instance = publication.instance
    return instance.secret_values if instance.secret_revision == publication.secret_revision else {}


def secrets_ever(*, instance: PromptInstance) -> dict[str, str]:
    """Every secret that was ever published, and the draft's: values in the clear, to the names of their variables.

    Of two variables that had one value, it is the one that has it now, or had it last.
    """
    revisions = [row.values for row in PublishedSecrets.objects.filter(instance=instance).order_by("secret_revision")]
    return {value: name for secrets in (*revisions, instance.secret_values) for name, value in secrets.items()}


def _keep_secrets(instance: PromptInstance) -> None:
    """Keep what a publication of this revision carries. The row of the instance is locked: nobody else writes it."""
    kept = PublishedSecrets.objects.filter(instance=instance, secret_revision=instance.secret_revision)
    if instance.secrets and not kept.exists():
        PublishedSecrets.objects.create(
            instance=instance, secret_revision=instance.secret_revision, sealed_values=instance.secrets
        )


def _require_set(version: InstanceVersion, secrets: Mapping[str, str]) -> None:
    missing = sorted(version.rendered.secret_names - secrets.keys())
    if missing:
        raise Conflict(
            "409.state_conflict", f"The secret variables {', '.join(missing)} of this version are no longer set."
        )


def subject(version: InstanceVersion) -> events.Subject:
    """A version as the ledger knows it."""
    return events.Subject(
        kind="instance_version",
        id=str(version.id),
        label=f"{version.instance.name} version {version.ordinal}",
        client_id=version.instance.client_id,
    )
