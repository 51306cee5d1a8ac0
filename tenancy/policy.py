"""May this actor do this here? The only module that knows how rights are stored.

A role is a guardian grant on a client or a project; there is no second table. A token acts with the grants
of its service account, narrowed by its scopes and by the clients and projects it is limited to.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from string import Template
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth import models as auth
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, get_objects_for_user, remove_perm

from audit import events
from audit.actions import Action
from audit.models import AuditEvent
from foundation.actors import Actor
from prompthub_kernel.errors import Invalid, NotFound, Problem, Refused
from tenancy import access
from tenancy.models import Client, Project

Place = Client | Project
PlaceT = TypeVar("PlaceT", Client, Project)


class Permission(StrEnum):
    """What one may be allowed to do; also the scopes of a token, which are called the same but for three words."""

    VIEW = "view"
    EDIT = "edit"
    PUBLISH = "publish"
    REVIEW = "review"
    DEPLOY = "deploy"
    REVEAL = "reveal"
    ADMIN = "admin"


class Role(StrEnum):
    """Named sets of permissions on one client or project."""

    VIEWER = "viewer"
    EDITOR = "editor"
    PUBLISHER = "publisher"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"


class Scope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    DRAFT = "draft"
    PUBLISH = "publish"
    DEPLOY = "deploy"
    REVEAL = "reveal"
    ADMIN = "admin"


ROLE_GIVES: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.EDITOR: frozenset({Permission.VIEW, Permission.EDIT}),
    Role.PUBLISHER: frozenset({Permission.VIEW, Permission.EDIT, Permission.PUBLISH}),
    Role.REVIEWER: frozenset({Permission.VIEW, Permission.REVIEW}),
    Role.ADMINISTRATOR: frozenset(Permission),
}
SCOPE_LETS: dict[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.VIEW}),
    Scope.DRAFT: frozenset({Permission.VIEW, Permission.EDIT}),
    Scope.PUBLISH: frozenset({Permission.VIEW, Permission.PUBLISH}),
    Scope.DEPLOY: frozenset({Permission.VIEW, Permission.DEPLOY}),
    Scope.REVEAL: frozenset({Permission.VIEW, Permission.REVEAL}),
    Scope.ADMIN: frozenset({Permission.VIEW, Permission.REVIEW, Permission.ADMIN}),
}


def can(actor: Actor, permission: Permission, place: Place | None) -> bool:
    """Whether the actor may do this at that client or project; ``place`` None asks for the whole installation."""
    if actor.is_system:
        return True
    if not scopes_allow(actor=actor, permission=permission):
        return False
    if place is None:
        return actor.is_superuser and actor.clients is None and actor.projects is None
    if not _within_limits(actor, place):
        return False
    if permission is Permission.VIEW and isinstance(place, Project) and place.visibility == Project.Visibility.PUBLIC:
        return actor.account is not None
    if actor.is_superuser:
        return True
    return any(permission in ROLE_GIVES[role] for role in roles(actor, place))


def require(actor: Actor, permission: Permission, place: Place | None) -> None:
    """Go on only if the actor may: a place that may not be seen is missing (404), a deed that may not be done 403."""
    if can(actor, permission, place):
        return
    if place is not None and not can(actor, Permission.VIEW, place):
        raise NotFound("404.not_found")
    raise Refused(
        "403.permission_denied",
        f"This needs the permission '{permission}'"
        + (f" for {place._meta.verbose_name} '{place.slug}'." if place is not None else " for the installation."),
    )


def permissions(actor: Actor, place: Place) -> frozenset[Permission]:
    """Everything the actor may do at one client or project; at most one query, for doors that draw many controls."""
    everything = frozenset(
        permission
        for permission in Permission
        if actor.is_system or (scopes_allow(actor=actor, permission=permission) and _within_limits(actor, place))
    )
    if actor.is_system or actor.is_superuser:
        return everything
    given = frozenset().union(*(ROLE_GIVES[role] for role in roles(actor, place)))
    if isinstance(place, Project) and place.visibility == Project.Visibility.PUBLIC and actor.account is not None:
        given |= {Permission.VIEW}
    return everything & given


def visible(
    actor: Actor, places: type[PlaceT], permission: Permission = Permission.VIEW, *, public: bool = True
) -> models.QuerySet[PlaceT]:
    """The clients or projects at which the actor has the permission: every listing starts from here.

    Without ``public`` those are left out that the actor may only view because everybody may: what is told of who works
    in a project is for those who have a role there.
    """
    everything: models.QuerySet[PlaceT] = places._default_manager.all()
    if actor.is_system:
        return everything
    if actor.account is None or not scopes_allow(actor=actor, permission=permission):
        return everything.none()
    limits = {"client": actor.clients, "project": actor.projects}[str(places._meta.model_name)]
    if limits is not None:
        everything = everything.filter(slug__in=limits)
    if actor.is_superuser:
        return everything
    giving = [str(role) for role, gives in ROLE_GIVES.items() if permission in gives]
    # Bare names: clients and projects have roles of the same names, and guardian takes the kind from `places`.
    granted = get_objects_for_user(actor.account, giving, places, any_perm=True, accept_global_perms=False)
    mine = models.Q(pk__in=granted.values("pk"))
    if public and places is Project and permission is Permission.VIEW:
        mine |= models.Q(visibility=Project.Visibility.PUBLIC)
    return everything.filter(mine)


def readable(events: models.QuerySet[AuditEvent], *, actor: Actor) -> models.QuerySet[AuditEvent]:
    """Of audit events those at clients and projects where the actor has a role: a public project shows its texts to
    everybody, not who works there. All for an administrator of the installation.
    """
    if can(actor, Permission.ADMIN, None):
        return events
    mine = models.Q(client_id__in=visible(actor, Client).values("pk"))
    return events.filter(mine | models.Q(project_id__in=visible(actor, Project, public=False).values("pk")))


def roles(actor: Actor, place: Place) -> frozenset[Role]:
    """The roles the actor's account was granted at a client or project, directly or by group; at most one query."""
    account = actor.account
    if account is None or not account.is_active:
        return frozenset()

    def ask() -> frozenset[Role]:
        kind = ContentType.objects.get_for_model(place).pk
        with connection.cursor() as cursor:
            cursor.execute(_held(), [kind, str(place.pk), account.pk] * 2)
            held = {name for (name,) in cursor.fetchall()}
        return frozenset(role for role in Role if role in held)

    return access.recall(actor.sight, ("roles", type(place), place.pk, account.pk), ask)


def grant(*, role: Role, place: Place, to: Any, by: Actor, at: datetime) -> None:
    """Give a user or group a role at a client or project. Granting again changes nothing."""
    require(by, Permission.ADMIN, place)
    with transaction.atomic():
        assign_perm(f"{place._meta.app_label}.{role}", to, place)
        _record(Action.GRANT_ADD, role, place, to, by, at)


def revoke(*, role: Role, place: Place, to: Any, by: Actor, at: datetime) -> None:
    """Take a role away again."""
    require(by, Permission.ADMIN, place)
    with transaction.atomic():
        remove_perm(f"{place._meta.app_label}.{role}", to, place)
        _record(Action.GRANT_REVOKE, role, place, to, by, at)


def grants(*, place: Place, actor: Actor) -> dict[Any, frozenset[Role]]:
    """Who holds which roles at a client or project, accounts only, for its administrators; one query."""
    require(actor, Permission.ADMIN, place)
    held: dict[Any, set[Role]] = {}
    rows = UserObjectPermission.objects.filter(
        object_pk=str(place.pk),
        permission__content_type__app_label=place._meta.app_label,
        permission__content_type__model=place._meta.model_name,
        permission__codename__in=[str(role) for role in Role],
    )
    for row in rows.select_related("user", "permission").order_by("user_id"):
        held.setdefault(row.user, set()).add(Role(row.permission.codename))
    return {account: frozenset(names) for account, names in held.items()}


def holder(*, name: str, place: Place, actor: Actor) -> Any:
    """The account of that name, to be given a role. Raises ``422.request_invalid`` when there is none."""
    require(actor, Permission.ADMIN, place)
    users = get_user_model()
    found = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
    if found is None:
        raise Invalid(
            "422.request_invalid",
            "There is no such account.",
            problems=[Problem("/account", "unknown", "no such account")],
        )
    return found


def scopes_allow(*, actor: Actor, permission: Permission) -> bool:
    """Whether the scopes an actor brings along let it use a permission at all, wherever that may be."""
    return actor.scopes is None or permission in _let_by(actor.scopes)


def scopes_from(words: list[str]) -> frozenset[str]:
    """Checked scopes of a token. Raises ``422.request_invalid`` naming the unknown one's position."""
    known = set(Scope)
    problems = [
        Problem(f"/scopes/{index}", "enum", f"must be one of {', '.join(sorted(known))}")
        for index, word in enumerate(words)
        if word not in known
    ]
    if problems or not words:
        raise Invalid(
            "422.request_invalid",
            "A token needs at least one known scope.",
            problems=problems or [Problem("/scopes", "minItems", "at least one scope")],
        )
    return frozenset(words)


def _let_by(scopes: frozenset[str]) -> frozenset[Permission]:
    return frozenset().union(*(SCOPE_LETS[Scope(scope)] for scope in scopes)) if scopes else frozenset()


@cache
def _held() -> str:
    """The query of :func:`roles`: every call of the API asks it, and guardian's two cost fifteen times as much."""
    groups: Any = get_user_model()._meta.get_field("groups")
    names = {
        "users": UserObjectPermission._meta.db_table,
        "groups": GroupObjectPermission._meta.db_table,
        "permissions": auth.Permission._meta.db_table,
        "memberships": groups.m2m_db_table(),
        "in_group": groups.m2m_reverse_name(),
        "the_user": groups.m2m_column_name(),
    }
    query = Template(
        """
        SELECT permission.codename
        FROM $users held
        JOIN $permissions permission ON permission.id = held.permission_id
        WHERE held.content_type_id = %s AND held.object_pk = %s AND held.user_id = %s
        UNION
        SELECT permission.codename
        FROM $groups held
        JOIN $permissions permission ON permission.id = held.permission_id
        JOIN $memberships member ON member.$in_group = held.group_id
        WHERE held.content_type_id = %s AND held.object_pk = %s AND member.$the_user = %s
        """
    )
    return query.substitute({word: connection.ops.quote_name(name) for word, name in names.items()})


def _within_limits(actor: Actor, place: Place) -> bool:
    limits = actor.clients if isinstance(place, Client) else actor.projects
    return limits is None or place.slug in limits


def _record(action: Action, role: Role, place: Place, to: Any, by: Actor, at: datetime) -> None:
    kind = "client" if isinstance(place, Client) else "project"
    events.record(
        action=action,
        subject=events.Subject(
            kind=kind,
            id=str(place.id),
            label=place.slug,
            client_id=place.id if kind == "client" else None,
            project_id=place.id if kind == "project" else None,
        ),
        by=by,
        at=at,
        metadata={"role": str(role), "to": f"{to._meta.model_name}:{to.pk}"},
    )
