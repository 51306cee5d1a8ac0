"""How often a text is fetched, and by whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection

from prompthub_kernel.address import Address, BundleAddress
from prompthub_kernel.errors import NotFound
from prompthub_kernel.resolution import ResolveRequest
from resolver import resolve, usage
from resolver.models import UsageDaily
from resolver.usage import Fetched
from tenancy import projects
from tenancy.policy import Role
from tests.factories import make_actor, make_client, make_project, make_token
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db


def read(actor, address="@local/onboarding@stable/welcome", at=AT):
    return resolve.resolve(request=ResolveRequest(address=Address.parse(address)), actor=actor, at=at)


def rows():
    found = UsageDaily.objects.order_by("day", "prompt", "version", "token")
    return [(row.day.isoformat(), row.prompt, row.version, row.fetches) for row in found]


def test_fetches_are_counted_by_token_prompt_version_and_day(stable, reader):
    for _ in range(3):
        read(reader)
    read(reader, "@local/onboarding@2.0.0/welcome")
    read(reader, at=AT + timedelta(days=1))
    assert rows() == []  # nothing is written while reading
    assert usage.flush() == 3
    assert rows() == [
        ("2026-01-05", "@local/onboarding/welcome", "1.0.0", 3),
        ("2026-01-05", "@local/onboarding/welcome", "2.0.0", 1),
        ("2026-01-06", "@local/onboarding/welcome", "1.0.0", 1),
    ]


def test_what_was_written_before_is_added_to(stable, reader):
    for hours in (1, 5, 3):
        read(reader, at=AT + timedelta(hours=hours))
        usage.flush()
    [row] = UsageDaily.objects.all()
    assert (row.fetches, row.last_at) == (3, AT + timedelta(hours=5))
    assert str(row.token_id) == reader.id


def test_nothing_to_write_asks_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert usage.flush() == 0


def test_a_whole_bundle_counts_each_of_its_prompts(stable, reader):
    release = resolve.opened(address=BundleAddress.parse("@local/onboarding@stable"), actor=reader)
    resolve.whole(release=release, actor=reader, at=AT)
    usage.flush()
    assert rows() == [("2026-01-05", "@local/onboarding/welcome", "1.0.0", 1)]


def test_people_misses_and_explanations_are_not_counted(project, stable, reader):
    read(make_actor(roles={project: Role.VIEWER}))
    resolve.explain(request=ResolveRequest(address=Address.parse("@local/onboarding/welcome")), actor=reader)
    with pytest.raises(NotFound):
        read(reader, "@local/onboarding/nothing")
    assert usage.flush() == 0


def test_what_cannot_be_written_is_kept_for_the_next_time(stable, reader, monkeypatch):
    read(reader)
    with monkeypatch.context() as broken:
        broken.setattr(
            usage, "_statement", lambda *_, **__: "INSERT INTO nowhere VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        )
        with pytest.raises(DatabaseError):
            usage.flush()
    read(reader)
    usage.flush()
    assert [fetches for *_, fetches in rows()] == [2]


def test_very_many_rows_are_written_in_parts(project, reader, monkeypatch):
    monkeypatch.setattr(usage, "ROWS_AT_ONCE", 2)
    at = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()
    for number in range(5):
        usage.count(
            what=Fetched(reader.id, str(project.pk), "", f"@local/a/p{number}", "1.0.0"), at=at, times=number + 1
        )
    assert usage.flush() == 5
    assert sorted(fetches for *_, fetches in rows()) == [1, 2, 3, 4, 5]


def test_two_clients_may_name_a_prompt_alike(project, reader):
    at = AT.timestamp()
    clients = [make_client() for _ in range(2)]
    for _ in range(2):  # made, then added to
        usage.count(what=Fetched(reader.id, str(project.pk), "", "support.agent", "3"), at=at)
        for client, times in zip(clients, (1, 10), strict=True):
            usage.count(what=Fetched(reader.id, "", str(client.pk), "support.agent", "3"), at=at, times=times)
        assert usage.flush() == 3
    fetches = {str(row.client_id or row.project_id): row.fetches for row in UsageDaily.objects.all()}
    assert fetches == {str(clients[0].pk): 2, str(clients[1].pk): 20, str(project.pk): 2}


def test_a_later_time_of_another_process_stays(project, reader):
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    for at in (noon, noon - timedelta(hours=2)):
        usage.count(what=Fetched(reader.id, str(project.pk), "", "@local/a/p", "1.0.0"), at=at.timestamp())
        usage.flush()
    [row] = UsageDaily.objects.all()
    assert (row.fetches, row.last_at) == (2, noon)


def test_one_sees_the_usage_of_projects_one_may_see(project, stable, reader):
    read(reader)
    usage.flush()
    mine = make_actor(roles={project: Role.VIEWER})
    assert [row.fetches for row in usage.listing(actor=mine)] == [1]
    assert list(usage.listing(actor=make_actor(roles={make_project(): Role.VIEWER}))) == []
    assert [row.prompt for row in usage.of_prompts(prompts=["@local/onboarding/welcome"], actor=mine)] == [
        "@local/onboarding/welcome"
    ]
    assert list(usage.of_prompts(prompts=["@local/onboarding/other"], actor=mine)) == []


def test_whose_services_use_a_public_project_is_for_its_members(project, stable, reader):
    projects.set_visibility(project=project, visibility="public", by=SYSTEM, at=AT)
    other, _ = make_token()
    stranger = replace(reader, id=str(other.pk), account=other.account)
    for actor in (reader, stranger):
        read(actor)
    usage.flush()
    assert [str(row.token_id) for row in usage.listing(actor=stranger)] == [stranger.id]
    assert list(usage.listing(actor=make_actor())) == []
    member = make_actor(roles={project: Role.VIEWER})
    assert {str(row.token_id) for row in usage.listing(actor=member)} == {reader.id, stranger.id}
    assert usage.listing(actor=make_actor(superuser=True)).count() == 2


def test_a_row_names_the_place_it_belongs_to(project, reader):
    token, _ = make_token()
    with pytest.raises(DatabaseError), connection.cursor():
        UsageDaily.objects.create(
            day=AT.date(), token=token, prompt="p", version="1", fetches=1, last_at=AT, project=None, client=None
        )
