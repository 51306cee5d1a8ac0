"""A project's templates and their versions as the pages show them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from foundation.actors import Actor
from portal.presenters import release_changes, showing
from portal.presenters.documents import DocumentComparison, documents
from portal.presenters.release_changes import of_version, side_of
from portal.presenters.showing import Shape, Shown
from templates_app import drafts, versions
from templates_app.models import Template, TemplateDraft, TemplateVersion
from tenancy.models import Project

AT_MOST = 500
TEXTS = ("content_md", "content_json", "variables_schema", "written", "included")


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One template: its newest version, None before the first; ``draft`` where there is text that is not sealed."""

    template: Template
    newest: TemplateVersion | None
    draft: TemplateDraft | None


@dataclass(frozen=True, slots=True)
class VersionChanges:
    """What a version changed against the one before: its text, and what it asks for."""

    shown: Shown
    variables: DocumentComparison


def lines(*, project: Project, actor: Actor) -> list[TemplateLine]:
    """The templates of a project by name; two queries however many there are."""
    sealed = versions.newest(actor=actor).filter(template__project=project)
    newest = {row.template_id: row for row in sealed.defer(*TEXTS).order_by("template__name")[:AT_MOST]}
    written = drafts.listing(actor=actor).filter(template__project=project).order_by("template__name")
    open_ones = {row.template_id: row for row in written.defer(*TEXTS[:3])[:AT_MOST]}
    every = {key: row.template for key, row in newest.items()}
    every |= {key: row.template for key, row in open_ones.items()}
    listed = sorted(every.values(), key=lambda template: template.name)
    return [TemplateLine(one, newest.get(one.pk), open_ones.get(one.pk)) for one in listed]


def choices(found: Sequence[TemplateLine]) -> list[tuple[str, str]]:
    """The templates to choose from."""
    return [(str(line.template.pk), line.template.name) for line in found]


def one_of(found: Sequence[TemplateLine], key: str) -> Template | None:
    """The template of that id among them."""
    return next((line.template for line in found if str(line.template.pk) == key), None)


def line_of(*, project: Project, key: uuid.UUID, actor: Actor) -> TemplateLine | None:
    """One template of a project; None where there is no such."""
    return next((line for line in lines(project=project, actor=actor) if line.template.pk == key), None)


def changes(*, old: TemplateVersion, new: TemplateVersion) -> VersionChanges:
    """What the newer of two versions changed."""
    shown = showing.show(
        base=side_of(of_version(old)), target=side_of(of_version(new)), format=new.format, shape=Shape.STRUCTURE
    )
    asked = documents(old=old.variables_schema, new=new.variables_schema)
    return VersionChanges(shown, release_changes.outline(asked, shown.changes) or asked)
