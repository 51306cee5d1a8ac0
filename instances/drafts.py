"""The editable side of a client's prompt (seed 000: ``IPromptInstanceService``)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from audit import events
from audit.actions import Action
from foundation.actors import Actor
from instances.models import InstanceVersion, PromptInstance
from prompthub_kernel import references, rendering
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.naming import require_name
from prompthub_kernel.rendering import Rendered
from prompthub_kernel.variables import VariablesSchema
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion
from tenancy import clients, policy
from tenancy.models import Client
from tenancy.policy import Permission


class Keep(StrEnum):
    """Leave a field as it is; None means something else (no text of its own)."""

    AS_IT_IS = "keep"


KEEP: Final = Keep.AS_IT_IS


def create(
    *,
    client: Client,
    template_version: TemplateVersion,
    variables: Mapping[str, Any],
    by: Actor,
    at: datetime,
    name: str | None = None,
    body: PromptBody | None = None,
) -> PromptInstance:
    """A new prompt of a client. Without ``name`` it is called like its template, with a number when that is taken.

    Raises ``422.variables_invalid`` with pointers below ``/variables`` and ``409.version_conflict`` for a taken name.
    """
    policy.require(by, Permission.EDIT, client)
    clients.require_active(client)
    schema = template_version.variables
    open_values, secrets = _checked(schema, variables, known_secrets={})
    _check_own_text(body, template_version, schema)
    with transaction.atomic():
        client = Client.objects.select_for_update().get(pk=client.pk)
        instance = PromptInstance(
            client=client,
            template_version=template_version,
            name=_name(client, name, template_version.template.name),
            variables=open_values,
            secrets=_packed(secrets),
            secret_revision=1 if secrets else 0,
            created_at=at,
            updated_at=at,
            **_own_text(body),
        )
        instance.save(force_insert=True)
        _record(Action.INSTANCE_DRAFT_CREATE, instance, by, at, {"template_version": str(template_version.id)})
    return instance


def edit(
    *,
    instance: PromptInstance,
    revision: int,
    by: Actor,
    at: datetime,
    variables: Mapping[str, Any] | Keep = KEEP,
    body: PromptBody | Keep | None = KEEP,
    template_version: TemplateVersion | Keep = KEEP,
    name: str | Keep = KEEP,
    based_on: InstanceVersion | Keep = KEEP,
    autosave: bool = False,
) -> PromptInstance:
    """Change the draft. Secret variables left out of ``variables`` keep their value; ``body`` None drops the own text.

    ``based_on`` is the version whose text this is: publishing then expects that one to be active. ``autosave`` is
    for what was saved while somebody is still writing: it is recorded, but no row of history is kept.
    Raises ``409.draft_stale`` when ``revision`` is not the stored one, ``409.archived``, ``422.variables_invalid``.
    """
    policy.require(by, Permission.EDIT, instance.client)
    clients.require_active(instance.client)
    with transaction.atomic():
        draft = locked(instance=instance)
        require_revision(draft=draft, revision=revision)
        if not isinstance(template_version, Keep):
            draft.template_version = template_version
        schema = draft.template_version.variables
        before = draft.secret_values
        given: Mapping[str, Any] = draft.variables if isinstance(variables, Keep) else variables
        open_values, secrets = _checked(schema, given, known_secrets=before)
        if not isinstance(body, Keep):
            _check_own_text(body, draft.template_version, schema)
            for column, value in _own_text(body).items():
                setattr(draft, column, value)
        _check_own_text(draft.body, draft.template_version, schema)
        if not isinstance(name, Keep) and name != draft.name:
            draft.name = _name(draft.client, name, name)
        if not isinstance(based_on, Keep):
            draft.based_on = _own_version(draft, based_on)
        draft.variables = open_values
        draft.secrets = _packed(secrets)
        draft.secret_revision += int(secrets != before)
        draft.revision += 1
        draft.updated_at = at
        if autosave:
            draft.save_without_historical_record()  # type: ignore[attr-defined] # simple-history adds it
        else:
            draft.save()
        how = {"autosave": True} if autosave else {}
        _record(Action.INSTANCE_DRAFT_EDIT, draft, by, at, {"revision": draft.revision, **how})
    return draft


def archive(*, instance: PromptInstance, by: Actor, at: datetime) -> PromptInstance:
    """Put it out of use. What providers run stays as it is; nothing is published any more."""
    policy.require(by, Permission.EDIT, instance.client)
    with transaction.atomic():
        draft = locked(instance=instance)
        if draft.archived_at is None:
            draft.archived_at = at
            draft.revision += 1
            draft.save()
            _record(Action.INSTANCE_ARCHIVE, draft, by, at, {})
    return draft


def preview(
    *,
    instance: PromptInstance,
    actor: Actor,
    variables: Mapping[str, Any] | None = None,
    body: PromptBody | None = None,
) -> Rendered:
    """The draft rendered, with other variables or another text if given; secrets stay placeholders. Stores nothing.

    ``variables`` mean what they mean to :func:`edit`: secrets left out keep their value, one given as null has none.
    """
    policy.require(actor, Permission.VIEW, instance.client)
    schema = instance.template_version.variables
    text = body.with_line_feeds() if body is not None else instance.body
    if body is not None:
        rendering.check(body=text, variables=schema)
    given = instance.variables if variables is None else variables
    open_values, secrets = _split(schema, given, known_secrets=instance.secret_values)
    return render(body=text, schema=schema, given=open_values, secrets=secrets)


def behind(*, instance: PromptInstance) -> TemplateVersion | None:
    """The newer version of its template, if there is one."""
    newest = template_versions.latest(template=instance.template_version.template)
    return newest if newest is not None and newest.ordinal > instance.template_version.ordinal else None


def get(*, key: uuid.UUID | str, actor: Actor) -> PromptInstance:
    """An instance by id, as far as the actor may see its client; ``404.template_or_instance_not_found`` otherwise."""
    found = listing(actor=actor).filter(pk=key).first()
    if found is None:
        raise NotFound("404.template_or_instance_not_found", "No such prompt instance.")
    return found


def listing(*, actor: Actor) -> QuerySet[PromptInstance]:
    """The instances of the clients the actor may see."""
    return PromptInstance.objects.filter(client__in=policy.visible(actor, Client)).select_related(
        "client", "template_version__template__project", "active_version", "based_on"
    )


def locked(*, instance: PromptInstance) -> PromptInstance:
    """The row itself, locked until commit. Raises ``409.archived`` for an archived one."""
    # Two queries: whoever has waited for the lock gets the row as it is now, but what is joined to it as it was before.
    PromptInstance.objects.select_for_update().get(pk=instance.pk)
    row = PromptInstance.objects.select_related("client", "template_version__template", "active_version").get(
        pk=instance.pk
    )
    if row.archived_at is not None:
        raise Conflict("409.archived", "This prompt is archived; it is not edited or published any more.")
    return row


def require_revision(*, draft: PromptInstance, revision: int) -> None:
    """Raises ``409.draft_stale`` unless the draft still has this revision."""
    if draft.revision != revision:
        raise Conflict(
            "409.draft_stale",
            "The draft was changed meanwhile. Read it again, then apply your change to what is there now.",
            context={"revision": draft.revision},
        )


def render(
    *, body: PromptBody, schema: VariablesSchema, given: Mapping[str, Any], secrets: Mapping[str, str]
) -> Rendered:
    """Render with validated values; secrets of another schema are left aside. Raises ``422.variables_invalid``.

    A secret that is not set renders as any variable that is not given: empty, with no place in the text.
    """
    values = schema.require({**given, **_own(schema, secrets)})
    return rendering.render(body=body, variables=schema, values=values, absent=schema.secret_names - values.keys())


def subject(instance: PromptInstance) -> events.Subject:
    """An instance as the ledger knows it."""
    return events.Subject(kind="instance", id=str(instance.id), label=instance.name, client_id=instance.client_id)


def _checked(
    schema: VariablesSchema, given: Mapping[str, Any], *, known_secrets: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Validated values, split into open ones and secrets. Raises ``422.variables_invalid``."""
    open_values, secrets = _split(schema, given, known_secrets=known_secrets)
    schema.require({**open_values, **_own(schema, secrets)})
    return open_values, secrets


def _split(
    schema: VariablesSchema, given: Mapping[str, Any], *, known_secrets: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values split into open ones and secrets, as they were given; a secret given as null is taken away.

    Secrets of an earlier template stay, so that its versions can still be sent.
    """
    secrets = dict(known_secrets)
    for name in schema.secret_names & given.keys():
        secrets.pop(name, None)
        if given[name] is not None:
            secrets[name] = given[name]
    return {name: value for name, value in given.items() if name not in schema.secret_names}, secrets


def _own(schema: VariablesSchema, secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in secrets.items() if name in schema.secret_names}


def _check_own_text(body: PromptBody | None, template_version: TemplateVersion, schema: VariablesSchema) -> None:
    if body is None:
        return
    if (body.format, body.engine) != (template_version.format, template_version.engine):
        raise Invalid(
            "422.request_invalid",
            "A prompt's own text has the format and engine of its template.",
            problems=[Problem("/format", "const", f"must be {template_version.format}, {template_version.engine}")],
        )
    references.refuse(body)
    rendering.check(body=body, variables=schema)


def _own_version(draft: PromptInstance, version: InstanceVersion) -> InstanceVersion:
    if version.instance_id != draft.pk or version.erased:
        raise NotFound("404.template_or_instance_not_found", "This prompt has no such version, or its text was erased.")
    return version


def _own_text(body: PromptBody | None) -> dict[str, Any]:
    fields = body.with_line_feeds().as_fields() if body is not None else {"content_md": None, "content_json": None}
    return {column: fields[column] for column in ("content_md", "content_json")}


def _packed(secrets: Mapping[str, str]) -> str:
    return json.dumps(dict(secrets), sort_keys=True) if secrets else ""


def _name(client: Client, wanted: str | None, otherwise: str) -> str:
    """A free name. The client's row is locked, so nobody takes it meanwhile."""
    if wanted is not None and not 0 < len(wanted) <= 200:
        raise Invalid(
            "422.request_invalid",
            "A prompt's name has 1 to 200 characters.",
            problems=[Problem("/name", "maxLength", "1 to 200 characters")],
        )
    require_name(wanted, "/name")
    taken = PromptInstance.objects.filter(client=client)
    if wanted is not None:
        if taken.filter(name=wanted).exists():
            raise Conflict(
                "409.version_conflict",
                f"This client has a prompt called '{wanted}' already.",
                problems=[Problem("/name", "unique", "is taken")],
            )
        return wanted
    if not taken.filter(name=otherwise).exists():
        return otherwise
    stem = otherwise[:190]
    used = set(taken.filter(name__startswith=stem).values_list("name", flat=True))
    return next(name for number in range(2, len(used) + 3) if (name := f"{stem}-{number}") not in used)


def _record(action: Action, instance: PromptInstance, by: Actor, at: datetime, metadata: dict[str, Any]) -> None:
    events.record(action=action, subject=subject(instance), by=by, at=at, metadata=metadata)
