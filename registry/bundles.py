"""Bundles and their drafts: which prompts the next release has, what it needs and what it goes with.

Every change of a draft names the ``revision`` it was decided on, and raises ``409.draft_stale`` when that is no longer
the one that is stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, UUIDField

from audit import events
from audit.actions import Action
from foundation import broadcast
from foundation.actors import Actor
from foundation.prepared import Given, Query
from prompthub_kernel import shapes
from prompthub_kernel.address import BundleAddress, read_prompt_name
from prompthub_kernel.canonical import canonical_json
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Problem
from prompthub_kernel.place import Place
from prompthub_kernel.selector import Exact, Named, Range, parse_selector
from prompthub_kernel.strict_json import require_storable
from registry import words
from registry.models import Bundle, Member, Pin, Requirement
from templates_app.models import Template
from tenancy import clients, policy
from tenancy.models import Project
from tenancy.policy import Permission

MAX_COMPATIBILITY_BYTES = 16 * 1024
MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 10_000


class Line(NamedTuple):
    """What a listing tells of a bundle: its draft's long texts stay in the database."""

    slug: str
    title: str
    kind: str
    revision: int
    created_at: datetime
    updated_at: datetime


@cache
def _first(count: int) -> Query[Sequence[Any]]:
    """How many is no value that is filled in: PostgreSQL would plan every listing anew, to know it."""
    own = Given("project", UUIDField())
    return Query(lambda: Bundle.objects.filter(project=own).order_by("slug").values_list(*Line._fields)[:count])


def create(
    *,
    project: Project,
    slug: str,
    by: Actor,
    at: datetime,
    title: str = "",
    kind: str = Bundle.Kind.SET,
    description: str = "",
) -> Bundle:
    """A bundle without prompts. Raises ``409.version_conflict`` when the project has one of that slug."""
    policy.require(by, Permission.EDIT, project)
    clients.check_slug(slug)
    if kind not in Bundle.Kind.values:
        shapes.refuse("/kind", "enum", "A bundle is a set or a pack.")
    title = title or slug
    _check_words(title, description)
    bundle = Bundle(
        project=project, slug=slug, title=title, kind=kind, description=description, created_at=at, updated_at=at
    )
    try:
        with transaction.atomic():
            bundle.save(force_insert=True)
            words.keep_bundle(bundle=bundle)
            events.record(
                action=Action.BUNDLE_CREATE, subject=subject(bundle), by=by, at=at, metadata={"kind": str(kind)}
            )
            broadcast.announce(topic="bundle", key=bundle.pk)
    except IntegrityError as error:
        raise clients.taken(slug) from error
    return bundle


def rename(*, bundle: Bundle, revision: int, title: str, description: str, by: Actor, at: datetime) -> Bundle:
    """Change what people read of it. Its address never changes."""
    policy.require(by, Permission.EDIT, bundle.project)
    _check_words(title, description)
    with _changing(bundle, revision, Action.BUNDLE_RENAME, by, at) as change:
        change.row.title, change.row.description = title, description
        words.keep_bundle(bundle=change.row)
    return change.row


def set_member(*, bundle: Bundle, revision: int, name: str, template: Template, by: Actor, at: datetime) -> Bundle:
    """Have a template of the same project as the prompt ``name``, new or in place of the one that has the name."""
    policy.require(by, Permission.EDIT, bundle.project)
    read_prompt_name(name, where=Place("/name"))
    if template.project_id != bundle.project_id:
        shapes.refuse("/template", "project", "Its template lives in the bundle's own project.")
    with _changing(bundle, revision, Action.BUNDLE_MEMBER_SET, by, at) as change:
        change.metadata["template"] = str(template.pk)
        others = Member.objects.filter(bundle=bundle).exclude(name=name)
        if others.count() >= shapes.MAX_PROMPTS:
            shapes.refuse("/name", "maxProperties", f"A bundle has at most {shapes.MAX_PROMPTS:,} prompts.")
        Member.objects.update_or_create(bundle=change.row, name=name, defaults={"template": template})
        words.keep_prompt(bundle=change.row, name=name)
    return change.row


def remove_member(*, bundle: Bundle, revision: int, name: str, by: Actor, at: datetime) -> Bundle:
    """Leave a prompt out of the next release; those before keep it. Raises ``404.prompt_not_found``."""
    policy.require(by, Permission.EDIT, bundle.project)
    with _changing(bundle, revision, Action.BUNDLE_MEMBER_REMOVE, by, at) as change:
        deleted, _ = Member.objects.filter(bundle=bundle, name=name).delete()
        if not deleted:
            raise NotFound("404.prompt_not_found", "The bundle has no prompt of that name.")
        if not Pin.objects.filter(release__bundle=bundle, name=name).exists():
            words.drop_prompt(bundle=bundle, name=name)
    return change.row


def set_requirement(*, bundle: Bundle, revision: int, required: str, selector: str, by: Actor, at: datetime) -> Bundle:
    """Need another bundle, ``@repository/bundle``, in a version or a range of versions.

    Raises ``422.dependency_cycle`` for the bundle itself, ``400.address_invalid`` and ``422.request_invalid``.
    """
    policy.require(by, Permission.EDIT, bundle.project)
    needed = _required(required, by)
    if needed.pk == bundle.pk:
        raise Invalid(
            "422.dependency_cycle",
            f"{bundle.address} would need itself.",
            problems=[Problem("/required", "cycle", "This is the bundle itself.")],
            context={"cycle": [str(bundle.address)]},
        )
    read = read_requirement(text=selector, pointer="/selector")
    with _changing(bundle, revision, Action.BUNDLE_REQUIREMENT_SET, by, at) as change:
        change.metadata |= {"required": str(needed.pk), "selector": str(read)}
        if Requirement.objects.filter(bundle=bundle).exclude(required=needed).count() >= shapes.MAX_REQUIREMENTS:
            detail = f"A bundle needs at most {shapes.MAX_REQUIREMENTS:,} others."
            shapes.refuse("/required", "maxProperties", detail)
        Requirement.objects.update_or_create(bundle=change.row, required=needed, defaults={"selector": str(read)})
    return change.row


def remove_requirement(*, bundle: Bundle, revision: int, required: str, by: Actor, at: datetime) -> Bundle:
    """No longer need another bundle. Raises ``404.bundle_not_found`` when it was not needed."""
    policy.require(by, Permission.EDIT, bundle.project)
    address = _name(required)
    with _changing(bundle, revision, Action.BUNDLE_REQUIREMENT_REMOVE, by, at) as change:
        rows = Requirement.objects.filter(
            bundle=bundle, required__slug=address.bundle, required__project__slug=address.repository
        )
        if not rows.delete()[0]:
            raise NotFound("404.bundle_not_found", "The bundle does not need one of that address.")
    return change.row


def set_compatibility(
    *, bundle: Bundle, revision: int, compatibility: Mapping[str, Any], by: Actor, at: datetime
) -> Bundle:
    """Say what the next release goes with: any JSON object of at most 100 members and 16 KiB."""
    policy.require(by, Permission.EDIT, bundle.project)
    shapes.mapping(compatibility, "/compatibility", 100)
    require_storable(dict(compatibility), "/compatibility")
    if len(canonical_json(compatibility)) > MAX_COMPATIBILITY_BYTES:
        shapes.refuse("/compatibility", "maxLength", f"At most {MAX_COMPATIBILITY_BYTES:,} bytes of JSON.")
    with _changing(bundle, revision, Action.BUNDLE_COMPATIBILITY_SET, by, at) as change:
        change.row.compatibility = dict(compatibility)
    return change.row


def get(*, repository: str, slug: str, actor: Actor) -> Bundle:
    """A bundle by the slugs of its address, as far as the actor may see its project; ``404.bundle_not_found``."""
    found = Bundle.objects.select_related("project").filter(project__slug=repository, slug=slug).first()
    return _seen(found, actor)


def find(*, key: uuid.UUID | str, actor: Actor) -> Bundle:
    """A bundle by id, as far as the actor may see its project; ``404.bundle_not_found`` otherwise."""
    return _seen(Bundle.objects.select_related("project").filter(pk=key).first(), actor)


def listing(*, actor: Actor, permission: Permission = Permission.VIEW) -> QuerySet[Bundle]:
    """The bundles of projects in which the actor has the permission, by address."""
    projects = policy.visible(actor, Project, permission)
    rows = Bundle.objects.filter(project__in=projects).select_related("project")
    return rows.order_by("project__slug", "slug", "id")


def of_project(*, project: Project) -> QuerySet[Bundle]:
    """A project's bundles by slug. Whoever sees the project sees them."""
    return Bundle.objects.filter(project=project).order_by("slug")


def first_lines(*, project: Project, count: int) -> list[Line]:
    """The first of :func:`of_project`, as a listing tells of them; one prepared query."""
    return [Line(*row) for row in _first(count).all(project=project.pk)]


def members(*, bundle: Bundle) -> QuerySet[Member]:
    """The prompts of the draft by name, with their templates."""
    return Member.objects.filter(bundle=bundle).select_related("template__project").order_by("name")


def requirements(*, bundle: Bundle) -> dict[str, Exact | Range]:
    """What the draft needs, by ``@repository/bundle`` in order."""
    rows = Requirement.objects.filter(bundle=bundle).select_related("required__project")
    found = {str(row.required.address): read_requirement(text=row.selector, pointer="/requirements") for row in rows}
    return dict(sorted(found.items()))


def locked(*, bundle: Bundle, revision: int | None = None) -> Bundle:
    """The row itself, locked until commit. Raises ``409.draft_stale`` for another revision than the one given."""
    Bundle.objects.select_for_update().get(pk=bundle.pk)
    row = Bundle.objects.select_related("project").get(pk=bundle.pk)
    if revision is not None and row.revision != revision:
        raise Conflict(
            "409.draft_stale",
            "The bundle was changed meanwhile. Read it again, then apply your change to what is there now.",
            context={"revision": row.revision},
        )
    return row


def subject(bundle: Bundle) -> events.Subject:
    """A bundle as the ledger knows it."""
    return events.Subject(kind="bundle", id=str(bundle.pk), label=str(bundle.address), project_id=bundle.project_id)


def read_requirement(*, text: str, pointer: str) -> Exact | Range:
    """A version or a range; names that move are refused. Raises ``400.address_invalid``, ``422.request_invalid``."""
    found = parse_selector(text, where=Place(pointer))
    if isinstance(found, Named):
        shapes.refuse(pointer, "pattern", "A release needs a version or a range, not a channel.")
    return found


@dataclass(slots=True)
class _Change:
    row: Bundle
    metadata: dict[str, Any] = field(default_factory=dict)


@contextmanager
def _changing(bundle: Bundle, revision: int, action: Action, by: Actor, at: datetime) -> Iterator[_Change]:
    """The draft under its lock; afterwards it has the next revision and the change is recorded."""
    with transaction.atomic():
        change = _Change(locked(bundle=bundle, revision=revision))
        yield change
        change.row.revision += 1
        change.row.updated_at = at
        change.row.save()
        metadata = {**change.metadata, "revision": change.row.revision}
        events.record(action=action, subject=subject(change.row), by=by, at=at, metadata=metadata)


def _seen(found: Bundle | None, actor: Actor) -> Bundle:
    if found is None or not policy.can(actor, Permission.VIEW, found.project):
        raise NotFound("404.bundle_not_found", "No such bundle.")
    return found


def _name(text: str) -> BundleAddress:
    shapes.bundle(text, "/required")
    return BundleAddress.parse(text)


def _required(text: str, by: Actor) -> Bundle:
    address = _name(text)
    try:
        return get(repository=address.repository, slug=address.bundle, actor=by)
    except NotFound:
        shapes.refuse("/required", "unknown", "There is no such bundle.")


def _check_words(title: str, description: str) -> None:
    if not 0 < len(title) <= MAX_TITLE_LENGTH:
        shapes.refuse("/title", "maxLength", f"A title has 1 to {MAX_TITLE_LENGTH} characters.")
    if len(description) > MAX_DESCRIPTION_LENGTH:
        shapes.refuse("/description", "maxLength", f"At most {MAX_DESCRIPTION_LENGTH:,} characters.")
    require_storable(title, "/title")
    require_storable(description, "/description")
