"""What can be compared of a client's prompt, and what differs (seed 000: ``IPromptDiffService``).

A side is named by a word: ``draft``, ``template`` (the draft's), ``template:<templateId>``, ``active`` or
``version:<ordinal>``. What providers confirmed is a side too, but not of this room (:mod:`publishing.sides`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from foundation import ids
from foundation.actors import Actor
from instances import drafts, versions
from instances.models import InstanceVersion, PromptInstance
from prompthub_kernel import diffing
from prompthub_kernel.body import BodyFormat, PromptBody
from prompthub_kernel.diffing import PromptDiff
from prompthub_kernel.errors import Invalid, NotFound, Problem
from prompthub_kernel.variables import VariablesSchema
from templates_app import versions as template_versions
from templates_app.models import TemplateVersion
from tenancy import policy
from tenancy.policy import Permission

MISSING = "404.template_or_instance_not_found"
DOCUMENTS = frozenset({BodyFormat.JSON, BodyFormat.CHAT})
ORDINAL = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class Level(StrEnum):
    """At which level two texts are compared: as written, or with variables put in."""

    SOURCE = "source"
    RENDERED = "rendered"


class Kind(StrEnum):
    """What a side is."""

    TEMPLATE = "template"
    DRAFT = "draft"
    ACTIVE = "active"
    VERSION = "version"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Side:
    """One text to compare. ``name`` is a template's label, a version's ordinal, or where a provider runs it.

    ``document`` is there for JSON and chat; ``text`` is then its indented JSON. ``variables`` are open values
    alone, with the template's defaults: of secrets only the names in ``secrets`` that are set, and
    ``secret_revision`` where it is known. ``variables`` is None where nobody knows them.
    """

    word: str
    kind: Kind
    name: str
    level: Level
    text: str
    document: Any = None
    at: datetime | None = None
    by: str = ""
    digest: str = ""
    variables: Mapping[str, Any] | None = None
    secrets: frozenset[str] = frozenset()
    secret_revision: int | None = None


def compare(*, base: Side, target: Side) -> PromptDiff:
    """What the target changes against the base: documents place by place, everything else by lines."""
    if base.document is not None and target.document is not None:
        return diffing.diff_document(old=base.document, new=target.document)
    return diffing.diff_text(old=base.text, new=target.text)


def side(*, instance: PromptInstance, word: str, level: Level, actor: Actor) -> Side:
    """The side of that word. A template's text is rendered with the instance's variables.

    Raises ``404.template_or_instance_not_found`` for one that is not there, ``422.request_invalid`` for a word that
    names none, ``422.variables_invalid`` and ``400.template_schema_invalid`` for what cannot be rendered.
    """
    policy.require(actor, Permission.VIEW, instance.client)
    kind, _, key = word.partition(":")
    if word == Kind.DRAFT:
        return _of_draft(instance, level)
    if word == Kind.TEMPLATE:
        return _of_template(word, instance.template_version, instance, level)
    if word == Kind.ACTIVE:
        if instance.active_version is None:
            raise NotFound(MISSING, "No version of this prompt is active.")
        publication = versions.newest_publication(instance=instance)
        return of_version(
            version=instance.active_version,
            level=level,
            word=word,
            kind=Kind.ACTIVE,
            secret_revision=publication.secret_revision if publication is not None else None,
        )
    if kind == Kind.VERSION and ORDINAL.fullmatch(key):
        return of_version(version=_numbered(instance, int(key)), level=level, word=word)
    if kind == Kind.TEMPLATE:
        found = _template(instance, key, actor)
        return _of_template(f"{Kind.TEMPLATE}:{found.pk}", found, instance, level)
    raise unknown()


def of_version(
    *,
    version: InstanceVersion,
    level: Level,
    word: str,
    kind: Kind = Kind.VERSION,
    name: str = "",
    secret_revision: int | None = None,
) -> Side:
    """A sealed version as a side; ``name`` is its ordinal unless said otherwise."""
    text, document = (
        _source(version.body) if level is Level.SOURCE else shown(text=version.rendered.text(), format=version.format)
    )
    return Side(
        word=word,
        kind=kind,
        name=name or str(version.ordinal),
        level=level,
        text=text,
        document=document,
        at=version.created_at,
        by=version.created_by_label,
        digest=version.digest,
        variables=version.template_version.variables.complete(version.values),
        secrets=version.rendered.secret_names,
        secret_revision=secret_revision,
    )


def shown(*, text: str, format: str) -> tuple[str, Any]:
    """A rendered text as people read it, and its document if it is one."""
    if format not in DOCUMENTS:
        return text, None
    try:
        document = json.loads(text)
    except ValueError:  # what a provider runs may be anything
        return text, None
    return json.dumps(document, indent=2, ensure_ascii=False), document


def unknown() -> Invalid:
    """The error for a word that names no side."""
    return Invalid(
        "422.request_invalid",
        "There is no such side to compare.",
        problems=[
            Problem(
                "/query",
                "pattern",
                "a side is draft, template, template:<templateId>, active, version:<ordinal> or confirmed:<placement>",
            )
        ],
    )


def _of_draft(instance: PromptInstance, level: Level) -> Side:
    body = instance.body
    schema = instance.template_version.variables
    text, document = _at(level, body, schema, instance)
    return Side(
        word=str(Kind.DRAFT),
        kind=Kind.DRAFT,
        name=str(instance.revision),
        level=level,
        text=text,
        document=document,
        at=instance.updated_at,
        variables=schema.complete(instance.variables),
        secrets=schema.secret_names & instance.secret_values.keys(),
        secret_revision=instance.secret_revision,
    )


def _of_template(word: str, sealed: TemplateVersion, instance: PromptInstance, level: Level) -> Side:
    schema = sealed.variables
    text, document = _at(level, sealed.body, schema, instance)
    return Side(
        word=word,
        kind=Kind.TEMPLATE,
        name=f"{sealed.template.name} {sealed.label}",
        level=level,
        text=text,
        document=document,
        at=sealed.created_at,
        by=sealed.created_by_label,
        digest=sealed.digest,
        variables=schema.defaults,
    )


def _at(level: Level, body: PromptBody, schema: VariablesSchema, instance: PromptInstance) -> tuple[str, Any]:
    if level is Level.SOURCE:
        return _source(body)
    known = {name: value for name, value in instance.variables.items() if name in schema.names}
    rendered = drafts.render(body=body, schema=schema, given=known, secrets=instance.secret_values)
    return shown(text=rendered.text(), format=body.format)


def _source(body: PromptBody) -> tuple[str, Any]:
    return body.source(), body.document


def _numbered(instance: PromptInstance, ordinal: int) -> InstanceVersion:
    found: InstanceVersion | None = versions.history(instance=instance).filter(ordinal=ordinal).first()
    if found is None:
        raise NotFound(MISSING, "This prompt has no version of that number.")
    return found


def _template(instance: PromptInstance, key: str, actor: Actor) -> TemplateVersion:
    try:
        wanted = ids.read(text=key)
    except ValueError:
        raise unknown() from None
    if wanted == instance.template_version_id:
        return instance.template_version
    found = template_versions.get(key=wanted, actor=actor)
    if found.template_id != instance.template_version.template_id:
        raise NotFound(MISSING, "No such version of this prompt's template.")
    return found
