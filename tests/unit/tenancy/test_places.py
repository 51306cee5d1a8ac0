"""Clients and projects."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.errors import Conflict, Invalid, NotFound, Refused
from tenancy import clients, projects
from tenancy.models import Client, Project
from tenancy.policy import Role
from tests.factories import make_actor, make_client, make_project

pytestmark = pytest.mark.django_db


def _actions(place):
    return list(AuditEvent.objects.filter(subject_id=str(place.id)).order_by("id").values_list("action", flat=True))


@pytest.mark.parametrize("verb", [clients.create, projects.create])
def test_a_taken_slug_is_a_conflict(verb, at, system):
    verb(slug="acme", name="Acme", by=system, at=at)
    with pytest.raises(Conflict) as refused:
        verb(slug="acme", name="Other", by=system, at=at)
    assert (refused.value.code, refused.value.problems[0].pointer) == ("409.version_conflict", "/slug")


@pytest.mark.parametrize("verb", [clients.create, projects.create])
@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "a/b", "é", "a" * 64, "a\n"])
def test_what_cannot_be_an_address_is_refused(verb, slug, at, system):
    with pytest.raises(Invalid) as refused:
        verb(slug=slug, name="x", by=system, at=at)
    assert refused.value.problems[0].pointer == "/slug"
    assert not Client.objects.exists()
    assert not Project.objects.exists()


@pytest.mark.parametrize("verb", [clients.create, projects.create])
def test_only_administrators_of_the_installation_make_places(verb, at):
    with pytest.raises(Refused):
        verb(slug="acme", name="Acme", by=make_actor(), at=at)


def test_a_client_is_renamed_and_archived_with_a_record_each(at, system):
    client = make_client()
    clients.rename(client=client, name="New name", by=system, at=at)
    clients.archive(client=client, by=system, at=at)
    again = clients.archive(client=client, by=system, at=at)
    assert (again.name, again.archived_at, again.slug) == ("New name", at, client.slug)
    assert _actions(client) == ["client.create", "client.rename", "client.archive"]
    with pytest.raises(Conflict) as refused:
        clients.require_active(again)
    assert refused.value.code == "409.archived"


def test_a_client_is_found_by_slug_by_those_who_may_see_it():
    mine, foreign = make_client(), make_client()
    reader = make_actor(roles={mine: Role.VIEWER})
    assert clients.get(key=mine.slug, actor=reader) == mine
    assert list(clients.listing(actor=reader)) == [mine]
    for slug in (foreign.slug, "no-such-client"):
        with pytest.raises(NotFound):
            clients.get(key=slug, actor=reader)


def test_a_project_becomes_public_with_a_record(at, system):
    project, stranger = make_project(), make_actor()
    with pytest.raises(NotFound):
        projects.get(key=project.slug, actor=stranger)
    projects.set_visibility(project=project, visibility="public", by=system, at=at)
    assert projects.get(key=project.slug, actor=stranger) == project
    assert list(projects.listing(actor=stranger)) == [project]
    assert _actions(project) == ["project.create", "project.visibility.set"]


def test_the_default_project_is_made_once(at):
    first, second = projects.local(at=at), projects.local(at=at)
    assert first == second
    assert _actions(first) == ["project.create"]
