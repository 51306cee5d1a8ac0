"""What is remembered of rights is exactly what the database would say."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, update_last_login
from django.db import connection, transaction
from django.db.models import QuerySet

from prompthub_kernel.errors import NotFound, Refused
from tenancy import access, policy, projects, tokens
from tenancy.models import AccessEpoch, Client, Project, ServiceToken
from tenancy.policy import Permission, Role
from tests.factories import make_client, make_project, make_token, make_user

committed = pytest.mark.django_db(transaction=True)


def epoch():
    return AccessEpoch.objects.get().value


class Elsewhere:
    """Another connection, in a thread of its own; ``do`` waits until it is done there."""

    def do(self, deed, *, then=None):
        failures = []

        def run():
            try:
                deed()
            except BaseException as failure:  # noqa: BLE001 - raised again where the test waits
                failures.append(failure)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        if then is not None:
            then()
        thread.join(20)
        assert not thread.is_alive()
        if failures:
            raise failures[0]


@pytest.fixture
def world(at, system):
    """A project, and a token whose account may edit it."""
    project = make_project()
    token, secret = make_token(scopes=["draft"], roles={project: Role.EDITOR})
    return project, token, secret


def changes(at, system):
    """Everything an answer rests on, changed in every way the product or an administrator can."""
    project, client, group, user = make_project(), make_client(), Group.objects.create(name="team"), make_user()
    token, _ = make_token()
    rows = {
        "a token is issued": make_token,
        "a token is revoked": lambda: tokens.revoke(token=token, by=system, at=at),
        "a token ends earlier": lambda: ServiceToken.objects.update(expires_at=at),
        "a token is narrowed": lambda: ServiceToken.objects.update(projects=["one"]),
        "a token is deleted": lambda: QuerySet(ServiceToken).filter(pk=make_token()[0].pk).delete(),
        "a role is granted": lambda: policy.grant(role=Role.EDITOR, place=project, to=user, by=system, at=at),
        "a role is revoked": lambda: policy.revoke(role=Role.EDITOR, place=project, to=user, by=system, at=at),
        "a group gets a role": lambda: policy.grant(role=Role.VIEWER, place=client, to=group, by=system, at=at),
        "a group loses a role": lambda: policy.revoke(role=Role.VIEWER, place=client, to=group, by=system, at=at),
        "a member joins": lambda: user.groups.add(group),
        "a member leaves": lambda: user.groups.remove(group),
        "an account is made": make_user,
        "an account is closed": lambda: type(user).objects.filter(pk=user.pk).update(is_active=False),
        "an account is put in charge": lambda: type(user).objects.filter(pk=user.pk).update(is_superuser=True),
        "an account is deleted": lambda: make_user().delete(),
        "a group is deleted": group.delete,
        "a project is published": lambda: projects.set_visibility(
            project=project, visibility=Project.Visibility.PUBLIC, by=system, at=at
        ),
        "a project is renamed": lambda: Project.objects.filter(pk=project.pk).update(name="Other"),
        "a project is deleted": lambda: QuerySet(Project).filter(pk=project.pk).delete(),
        "a client is made": make_client,
        "a client is archived": lambda: Client.objects.filter(pk=client.pk).update(archived_at=at),
    }
    yield from rows.items()


@pytest.mark.django_db
def test_every_change_of_what_an_answer_rests_on_makes_a_new_epoch(at, system):
    seen = {epoch()}
    for name, change in changes(at, system):
        seen.add(epoch())
        before = len(seen)
        change()
        seen.add(epoch())
        assert len(seen) == before + 1, name


@pytest.mark.django_db
def test_what_happens_at_every_call_or_login_makes_none(at, world):
    _, token, secret = world
    before = epoch()
    tokens.authenticate(presented=secret, at=at)
    assert ServiceToken.objects.get(pk=token.pk).last_used_at == at
    update_last_login(None, token.account)
    assert epoch() == before


@pytest.mark.django_db
def test_inside_a_transaction_there_is_nothing_to_recall(at, world):
    _, _, secret = world
    assert access.look() is None
    assert tokens.authenticate(presented=secret, at=at).sight is None


@committed
def test_a_second_request_asks_for_the_epoch_alone(at, world, django_assert_num_queries):
    project, _, secret = world
    first = tokens.authenticate(presented=secret, at=at)
    assert projects.get(key=project.slug, actor=first) == project
    policy.require(first, Permission.EDIT, project)
    with django_assert_num_queries(1) as asked:
        again = tokens.authenticate(presented=secret, at=at)
        assert projects.get(key=project.slug, actor=again) == project
        policy.require(again, Permission.EDIT, project)
    assert "accessepoch" in asked.captured_queries[0]["sql"]
    assert again == first


@committed
def test_what_is_recalled_is_a_copy_of_its_own(at, world):
    project, _, secret = world
    for _ in range(3):
        actor = tokens.authenticate(presented=secret, at=at)
        found = projects.get(key=project.slug, actor=actor)
        assert (actor.account.is_superuser, found.name) == (False, project.name)
        actor.account.is_superuser, found.name = True, "spoilt"


@committed
def test_a_token_ends_on_time_however_well_it_is_remembered(at):
    _, secret = make_token(expires_at=at + timedelta(seconds=1))
    tokens.authenticate(presented=secret, at=at)
    with pytest.raises(Refused):
        tokens.authenticate(presented=secret, at=at + timedelta(seconds=1))


@committed
def test_use_is_noted_once_a_minute(at, world, django_assert_num_queries):
    _, token, secret = world
    tokens.authenticate(presented=secret, at=at)
    with django_assert_num_queries(1):
        tokens.authenticate(presented=secret, at=at + timedelta(seconds=59))
    assert tokens.authenticate(presented=secret, at=at + timedelta(seconds=61)).sight.holds()
    assert ServiceToken.objects.get(pk=token.pk).last_used_at == at + timedelta(seconds=61)


@committed
def test_what_another_connection_changes_is_seen_by_the_next_request(at, world, system):
    project, token, secret = world
    policy.require(tokens.authenticate(presented=secret, at=at), Permission.EDIT, project)

    take = {"role": Role.EDITOR, "place": project, "to": token.account, "by": system, "at": at}
    Elsewhere().do(lambda: policy.revoke(**take))
    with pytest.raises(NotFound):
        projects.get(key=project.slug, actor=tokens.authenticate(presented=secret, at=at))

    Elsewhere().do(lambda: policy.grant(**take))
    policy.require(tokens.authenticate(presented=secret, at=at), Permission.EDIT, project)

    Elsewhere().do(lambda: tokens.revoke(token=token, by=system, at=at))
    with pytest.raises(Refused):
        tokens.authenticate(presented=secret, at=at)


@committed
def test_what_another_connection_has_not_committed_is_not_seen_and_not_remembered(at, world, system):
    """Both share this process's memory: a change that is rolled back must leave nothing in it."""
    project, token, secret = world
    take = {"role": Role.EDITOR, "place": project, "to": token.account, "by": system, "at": at}
    changed, asked = threading.Event(), threading.Event()
    told = []

    def change_and_think_better():
        with suppress(ZeroDivisionError), transaction.atomic():
            policy.revoke(**take)
            actor = tokens.authenticate(presented=secret, at=at)
            told.append(policy.can(actor, Permission.EDIT, project))
            changed.set()
            assert asked.wait(20)
            raise ZeroDivisionError

    def ask():
        assert changed.wait(20)
        actors = [tokens.authenticate(presented=secret, at=at) for _ in range(2)]
        told.extend(policy.can(actor, Permission.EDIT, project) for actor in actors)
        asked.set()

    tokens.authenticate(presented=secret, at=at)
    Elsewhere().do(change_and_think_better, then=ask)
    told.append(policy.can(tokens.authenticate(presented=secret, at=at), Permission.EDIT, project))
    assert told == [False, True, True, True]


@committed
def test_a_request_sees_what_it_changed_itself(at, world, system):
    project, token, secret = world
    actor = tokens.authenticate(presented=secret, at=at)
    assert policy.can(actor, Permission.EDIT, project)
    with suppress(ZeroDivisionError), transaction.atomic():
        policy.revoke(role=Role.EDITOR, place=project, to=token.account, by=system, at=at)
        assert not policy.can(actor, Permission.EDIT, project)
        raise ZeroDivisionError
    assert policy.can(actor, Permission.EDIT, project)
    policy.revoke(role=Role.EDITOR, place=project, to=token.account, by=system, at=at)
    assert not policy.can(actor, Permission.EDIT, project)


@committed
def test_a_request_sees_what_it_changed_behind_the_orm(at, world):
    project, _, secret = world
    actor = tokens.authenticate(presented=secret, at=at)
    assert policy.can(actor, Permission.EDIT, project)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM guardian_userobjectpermission")
    assert not policy.can(actor, Permission.EDIT, project)


@committed
def test_changes_at_once_wait_for_each_other_and_are_all_told(at, system):
    project, users = make_project(), [make_user() for _ in range(4)]
    seen = set()

    def grant(user):
        for role in (Role.EDITOR, Role.REVIEWER, Role.PUBLISHER):
            with transaction.atomic():
                policy.grant(role=role, place=project, to=user, by=system, at=at)
                seen.add(epoch())

    failures = []

    def run(user):
        try:
            grant(user)
        except Exception as failure:  # noqa: BLE001 - counted where the test waits
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert len(seen) == 12
    assert epoch() in seen


@committed
def test_too_much_to_remember_is_forgotten(at, world, monkeypatch):
    project, _, secret = world
    monkeypatch.setattr(access, "MOST", 1)
    first = tokens.authenticate(presented=secret, at=at)
    assert policy.can(first, Permission.EDIT, project)
    again = tokens.authenticate(presented=secret, at=at)
    assert again.sight.snapshot is not first.sight.snapshot
    assert policy.can(again, Permission.EDIT, project)


@committed
def test_without_an_epoch_nothing_is_remembered(at, world):
    project, _, secret = world
    AccessEpoch.objects.all().delete()
    actor = tokens.authenticate(presented=secret, at=at)
    assert actor.sight is None
    assert policy.can(actor, Permission.EDIT, project)
