"""Who may do what where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import Group

from audit.models import AuditEvent
from prompthub_kernel.errors import Invalid, NotFound, Refused
from tenancy import policy
from tenancy.models import Client, Project
from tenancy.policy import ROLE_GIVES, Permission, Role, Scope
from tests.factories import make_actor, make_client, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_a_role_gives_exactly_its_permissions_at_its_place_only(role, permission):
    mine, foreign = make_client(), make_client()
    actor = make_actor(roles={mine: role})
    assert policy.can(actor, permission, mine) is (permission in ROLE_GIVES[role])
    assert not policy.can(actor, permission, foreign)
    assert not policy.can(actor, permission, None)


def test_what_may_not_be_seen_is_missing_and_what_may_not_be_done_is_refused():
    mine, foreign = make_client(), make_client()
    actor = make_actor(roles={mine: Role.VIEWER})
    with pytest.raises(NotFound):
        policy.require(actor, Permission.VIEW, foreign)
    with pytest.raises(Refused) as refused:
        policy.require(actor, Permission.PUBLISH, mine)
    assert "'publish'" in refused.value.detail
    with pytest.raises(Refused):
        policy.require(actor, Permission.ADMIN, None)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_narrows_what_the_account_may_do(scope):
    client = make_client()
    actor = replace(make_actor(roles={client: Role.ADMINISTRATOR}), scopes=frozenset({str(scope)}))
    allowed = {permission for permission in Permission if policy.can(actor, permission, client)}
    assert allowed == policy.SCOPE_LETS[scope]


def test_no_scope_lets_nothing():
    client = make_client()
    actor = replace(make_actor(roles={client: Role.ADMINISTRATOR}), scopes=frozenset())
    assert not policy.can(actor, Permission.VIEW, client)
    assert not policy.visible(actor, Client).exists()


def test_limits_to_clients_and_projects_hold_even_for_a_superuser():
    inside, outside, project = make_client(), make_client(), make_project()
    actor = replace(make_actor(superuser=True), clients=frozenset({inside.slug}), projects=frozenset({project.slug}))
    assert policy.can(actor, Permission.PUBLISH, inside)
    assert not policy.can(actor, Permission.VIEW, outside)
    assert not policy.can(actor, Permission.ADMIN, None)
    assert list(policy.visible(actor, Client)) == [inside]
    assert list(policy.visible(actor, Project)) == [project]


def test_visible_lists_exactly_the_places_where_can_says_yes():
    places = [make_client() for _ in range(3)]
    actor = make_actor(roles={places[0]: Role.VIEWER, places[1]: Role.PUBLISHER})
    for permission in Permission:
        seen = set(policy.visible(actor, Client, permission))
        assert seen == {place for place in places if policy.can(actor, permission, place)}


def test_a_public_project_is_readable_by_every_account_and_writable_by_none():
    project = make_project(visibility=Project.Visibility.PUBLIC)
    stranger = make_actor()
    assert policy.can(stranger, Permission.VIEW, project)
    assert not policy.can(stranger, Permission.EDIT, project)
    assert project in policy.visible(stranger, Project)
    assert project not in policy.visible(stranger, Project, Permission.EDIT)


def test_nobody_without_an_account_sees_anything(system):
    client = make_client()
    nobody = replace(make_actor(), account=None)
    assert not policy.can(nobody, Permission.VIEW, client)
    assert not policy.roles(nobody, client)
    assert not policy.visible(nobody, Client).exists()
    assert policy.can(system, Permission.ADMIN, None)


def test_an_inactive_superuser_may_nothing():
    client, account = make_client(), make_user(superuser=True)
    account.is_active = False
    account.save()
    assert not policy.can(make_actor(user=account), Permission.VIEW, client)


def test_a_role_held_by_a_group_counts(at, system):
    client, account = make_client(), make_user()
    group = Group.objects.create(name="publishers")
    account.groups.add(group)
    policy.grant(role=Role.PUBLISHER, place=client, to=group, by=system, at=at)
    actor = make_actor(user=account)
    assert policy.can(actor, Permission.PUBLISH, client)
    assert list(policy.visible(actor, Client)) == [client]


def test_grants_are_given_listed_taken_back_and_recorded(at):
    client, account = make_client(), make_user()
    chief = make_actor(roles={client: Role.ADMINISTRATOR})
    policy.grant(role=Role.EDITOR, place=client, to=account, by=chief, at=at)
    policy.grant(role=Role.EDITOR, place=client, to=account, by=chief, at=at)
    assert policy.grants(place=client, actor=chief)[account] == {Role.EDITOR}
    policy.revoke(role=Role.EDITOR, place=client, to=account, by=chief, at=at)
    assert account not in policy.grants(place=client, actor=chief)
    recorded = AuditEvent.objects.filter(subject_id=str(client.id), metadata__to=f"user:{account.pk}")
    assert sorted(recorded.values_list("action", flat=True)) == ["grant.add", "grant.add", "grant.revoke"]


def test_only_an_administrator_of_the_place_grants(at):
    client, account = make_client(), make_user()
    publisher = make_actor(roles={client: Role.PUBLISHER})
    for verb in (policy.grant, policy.revoke):
        with pytest.raises(Refused):
            verb(role=Role.VIEWER, place=client, to=account, by=publisher, at=at)
    with pytest.raises(Refused):
        policy.grants(place=client, actor=publisher)


def test_a_holder_is_found_by_name_for_administrators_only():
    client, account = make_client(), make_user()
    chief = make_actor(roles={client: Role.ADMINISTRATOR})
    assert policy.holder(name=account.get_username(), place=client, actor=chief) == account
    with pytest.raises(Invalid) as refused:
        policy.holder(name="nobody-of-that-name", place=client, actor=chief)
    assert refused.value.problems[0].pointer == "/account"
    with pytest.raises(NotFound):
        policy.holder(name=account.get_username(), place=client, actor=make_actor())


def test_audit_events_are_readable_where_their_place_is():
    mine, foreign = make_client(), make_client()
    project = make_project()
    reader = make_actor(roles={mine: Role.VIEWER, project: Role.VIEWER})
    seen = policy.readable(AuditEvent.objects.all(), actor=reader)
    assert {event.client_id for event in seen} == {mine.id, None}
    assert {event.project_id for event in seen} == {project.id, None}
    assert policy.readable(AuditEvent.objects.all(), actor=make_actor(superuser=True)).filter(client_id=foreign.id)


def test_who_works_in_a_public_project_is_told_to_those_with_a_role_there():
    project = make_project(visibility="public")
    stranger, member = make_actor(), make_actor(roles={project: Role.VIEWER})
    assert policy.can(stranger, Permission.VIEW, project)
    assert not policy.readable(AuditEvent.objects.all(), actor=stranger).exists()
    seen = policy.readable(AuditEvent.objects.all(), actor=member)
    assert {event.action for event in seen} == {"project.create", "grant.add"}


@pytest.mark.parametrize(("words", "pointer"), [([], "/scopes"), (["read", "fly"], "/scopes/1")])
def test_unknown_scopes_are_refused_where_they_stand(words, pointer):
    with pytest.raises(Invalid) as refused:
        policy.scopes_from(words)
    assert refused.value.problems[0].pointer == pointer
