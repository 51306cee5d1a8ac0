"""Sealed versions of templates (seed 000: ``IPromptRegistry``)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import CharField, Exists, F, OuterRef, QuerySet, UUIDField

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from foundation.prepared import Given, Insert, Query, Update
from prompthub_kernel import references, rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.canonical import canonical_json, sha256_digest
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.naming import require_name
from prompthub_kernel.strict_json import require_storable
from prompthub_kernel.variables import VariablesSchema
from templates_app import composing
from templates_app.models import Template, TemplateVersion
from tenancy import policy
from tenancy.models import Project
from tenancy.policy import Permission

_TEMPLATE = Given("template", UUIDField())
_NUMBERED = Update(
    lambda: Template.objects.filter(project=Given("project", UUIDField()), name=Given("name", CharField())),
    last_ordinal=F("last_ordinal") + 1,
)
_LATEST = Query(lambda: _of_template().order_by("-ordinal")[:1])
_LABELLED = Query(
    lambda: (
        _of_template()  # a range in order: a plan for "equal" may read all of a template's versions by their numbers
        .filter(label__gte=Given("label", CharField()), label__lte=Given("label", CharField()))
        .order_by("label")[:1]
    )
)
_TAKEN_BACK = Update(lambda: Template.objects.filter(pk=_TEMPLATE), last_ordinal=F("last_ordinal") - 1)
_SEALED = Insert(TemplateVersion)
NOT_PUT_TOGETHER: Mapping[str, None] = {"written": None, "included": None}


@dataclass(frozen=True, slots=True)
class Registered:
    """A version, and whether this call made it (False: the same content was there already)."""

    version: TemplateVersion
    created: bool


def register(
    *,
    project: Project,
    name: str,
    body: PromptBody,
    variables: VariablesSchema,
    by: Actor,
    at: datetime,
    label: str | None = None,
) -> Registered:
    """Seal a text under a name (seed 000: "dedupe by (name, version)").

    The same name, label and content give the version that is already there; without a label the latest version
    is compared and the next integer is the label. Raises ``409.version_conflict`` when the label holds another
    content and ``400.template_schema_invalid`` when the text cannot be sealed.
    """
    policy.require(by, Permission.EDIT, project)
    require_name(name, "/name")
    require_storable(label, "/version")
    references.refuse(body)
    body = body.with_line_feeds()
    check(body=body, variables=variables)
    digest = digest_of(body=body, variables=variables)
    try:
        return _registered(project, name, body, variables, digest, by, at, label)
    except IntegrityError:  # a caller has used the number as a word for another version
        return _registered(project, name, body, variables, digest, by, at, label, choose=_free_label)


def _registered(
    project: Project,
    name: str,
    body: PromptBody,
    variables: VariablesSchema,
    digest: str,
    by: Actor,
    at: datetime,
    label: str | None,
    choose: Callable[[Template], str] = lambda template: str(template.last_ordinal),
) -> Registered:
    with transaction.atomic():
        template = _numbered(project, name, at)
        present = _present(template, label)
        if present is not None and present.digest == digest:
            _TAKEN_BACK.run(template=template.pk)
            template.last_ordinal -= 1
            return Registered(present, created=False)
        if present is not None and label is not None:
            raise Conflict(
                "409.version_conflict",
                f"Version '{label}' of '{name}' is sealed with another content. Use another version, or leave it out.",
                problems=[Problem("/version", "unique", "holds another content")],
                context={"template_id": str(present.id), "digest": present.digest},
            )
        return Registered(_seal(template, body, variables, digest, label or choose(template), by, at), created=True)


def seal(
    *,
    template: Template,
    by: Actor,
    at: datetime,
    label: str | None = None,
    texts: Mapping[str, references.Text] | None = None,
) -> TemplateVersion:
    """Seal a template's draft as its next version and put the draft away.

    ``texts`` are the prompts that it refers to, by address as it is written. With them a template without a draft is
    sealed anew of its latest version, if that referred to others. Raises ``404.not_found`` when there is nothing to
    seal, and ``400.template_schema_invalid`` for a text that cannot be sealed, or refers to what is not given.
    """
    if not policy.can(by, Permission.PUBLISH, template.project):
        policy.require(by, Permission.EDIT, template.project)
    require_storable(label, "/label")
    with transaction.atomic():
        template = Template.objects.select_for_update().select_related("project").get(pk=template.pk)
        template.last_ordinal += 1
        template.save(update_fields=["last_ordinal"])
        written = composing.written(templates=[template]).get(template.pk)
        if written is None or written.settled:
            raise NotFound("404.not_found", "This template has no draft to seal.")
        if texts is None:
            references.refuse(written.body)
        body, variables = references.put_in(written.body, texts or {}), written.variables
        check(body=body, variables=variables)
        if label is not None and template.versions.filter(label=label).exists():
            raise Conflict("409.version_conflict", f"Version '{label}' is there already.")
        wanted = label or _free_label(template)
        digest = digest_of(body=body, variables=variables)
        origin = composing.columns(body=written.body, texts=texts or {})
        version = _seal(template, body, variables, digest, wanted, by, at, origin)
        if written.draft is not None:
            written.draft.delete()
        return version


def get(*, key: uuid.UUID | str, actor: Actor) -> TemplateVersion:
    """A version by id, as far as the actor may see its project; ``404.template_or_instance_not_found`` otherwise."""
    found = listing(actor=actor).filter(pk=key).first()
    if found is None:
        raise NotFound("404.template_or_instance_not_found", "No such template version.")
    return found


def listing(*, actor: Actor, permission: Permission = Permission.VIEW) -> QuerySet[TemplateVersion]:
    """The versions in projects the actor may see, newest first."""
    projects = policy.visible(actor, Project, permission)
    return TemplateVersion.objects.filter(template__project__in=projects).select_related("template__project")


def newest(*, actor: Actor) -> QuerySet[TemplateVersion]:
    """The newest version of each template in projects the actor may see, whatever number it has: after a restore the
    template's counter is ahead of it.
    """
    later = TemplateVersion.objects.filter(template=OuterRef("template"), ordinal__gt=OuterRef("ordinal"))
    return listing(actor=actor).filter(~Exists(later))


def latest(*, template: Template) -> TemplateVersion | None:
    """The version with the highest ordinal."""
    return template.versions.order_by("-ordinal").first()


def history(*, template: Template) -> QuerySet[TemplateVersion]:
    """All versions of a template, newest first."""
    return template.versions.order_by("-ordinal")


def check(*, body: PromptBody, variables: VariablesSchema) -> None:
    """Raises ``400.template_schema_invalid`` for text that does not parse, trips the guard or uses undeclared names.

    Of the schema it refuses defaults without effect.
    """
    variables.refuse_idle_defaults()
    rendering.check(body=body, variables=variables)


def digest_of(*, body: PromptBody, variables: VariablesSchema) -> str:
    """Digest of a template's content: its text, engine and format, and what it asks for."""
    return sha256_digest(body.digest().encode(), variables.digest_part())


def intact(*, digest: str, body: PromptBody, variables: Mapping[str, Any]) -> bool:
    """Whether a text is the one it was sealed with: the digest is taken over what was read, and compared."""
    return digest == sha256_digest(body.digest().encode(), canonical_json(variables))


def subject(version: TemplateVersion) -> events.Subject:
    """A version as the ledger knows it."""
    return events.Subject(
        kind="template_version",
        id=str(version.id),
        label=f"{version.template.name} {version.label}",
        project_id=version.template.project_id,
    )


def _of_template() -> QuerySet[TemplateVersion]:
    """A template's versions, to compare digests and labels with."""
    rows = TemplateVersion.objects.filter(template=_TEMPLATE).order_by()
    return rows.defer("content_md", "content_json", "variables_schema")


def _numbered(project: Project, name: str, at: datetime) -> Template:
    """The template's row, locked and counted up to the next version's number; made if it is not there.

    One statement takes the number and the lock. A concurrent maker is waited for.
    """
    if not name or len(name) > 200:
        raise Invalid(
            "422.request_invalid",
            "A template's name has 1 to 200 characters.",
            problems=[Problem("/name", "maxLength" if name else "minLength", "1 to 200 characters")],
        )
    while (found := _NUMBERED.row(project=project.pk, name=name)) is None:
        Template.objects.bulk_create([Template(project=project, name=name, created_at=at)], ignore_conflicts=True)
    found.project = project
    return found


def _present(template: Template, label: str | None) -> TemplateVersion | None:
    """What the version to be could be: who holds its label or, without one, the latest."""
    if template.last_ordinal == 1:
        return None
    found = _LATEST.first(template=template.pk) if label is None else _LABELLED.first(template=template.pk, label=label)
    if found is not None:
        found.template = template
    return found


def _seal(
    template: Template,
    body: PromptBody,
    variables: VariablesSchema,
    digest: str,
    label: str,
    by: Actor,
    at: datetime,
    origin: Mapping[str, Any] = NOT_PUT_TOGETHER,
) -> TemplateVersion:
    version = TemplateVersion(
        template=template,
        label=label,
        ordinal=template.last_ordinal,
        variables_schema=variables.schema,
        digest=digest,
        created_at=at,
        created_by=by.id,
        created_by_label=by.label,
        **origin,
        **body.as_fields(),
    )
    _SEALED.row(version)
    events.record(
        action=Action.TEMPLATE_VERSION_SEAL,
        subject=subject(version),
        by=by,
        at=at,
        metadata={"digest": digest, "ordinal": version.ordinal},
    )
    return version


def _free_label(template: Template) -> str:
    """The version's ordinal as a word; when a caller already used that word, the next free integer."""
    number = template.last_ordinal
    while template.versions.filter(label=str(number)).exists():
        number += 1
    return str(number)
