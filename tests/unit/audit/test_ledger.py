"""The ledger: written with the decision, chained a moment later, and provable."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from audit import chain, events
from audit.actions import Action
from audit.models import AuditEvent, AuditLink
from foundation import correlation, triggers
from prompthub_kernel.errors import Conflict
from tests.factories import make_client

SUBJECT = events.Subject(kind="client", id="1", label="Acme")


def _record(by, at, **metadata):
    return events.record(action=Action.CLIENT_RENAME, subject=SUBJECT, by=by, at=at, metadata=metadata)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_recorded_outside_a_transaction(at, system):
    with pytest.raises(RuntimeError):
        _record(system, at)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_record_goes_when_its_decision_is_rolled_back(at, system):
    with transaction.atomic():
        _record(system, at)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_a_record_tells_who_what_when_and_by_which_correlation(at, system):
    with correlation.use("walk-0001"):
        event = _record(system, at, count=3)
    assert (event.action, event.actor_kind, event.door, event.at) == ("client.rename", "system", "worker", at)
    assert (event.subject_kind, event.subject_label, event.metadata) == ("client", "Acme", {"count": 3})
    assert event.correlation_id == "walk-0001"


@pytest.mark.django_db
def test_secrets_in_metadata_are_redacted(at, system):
    event = _record(system, at, api_key="sk-proj-abcdefghijklmnop1234567890", note="phub_0123456789ab_" + "A" * 43)
    assert "abcdefghijklmnop" not in str(event.metadata)
    assert "A" * 43 not in str(event.metadata)


@pytest.mark.django_db
def test_a_line_of_the_ledger_is_never_changed_or_deleted(at, system):
    event = _record(system, at)
    for change in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(door="x"),
    ):
        with pytest.raises(Conflict) as refused:
            change()
        assert refused.value.code == "409.sealed"


@pytest.mark.django_db
def test_the_chain_links_every_event_once_and_proves_it(at, system):
    make_client()
    _record(system, at)
    assert chain.verify().unlinked == 2
    assert chain.oldest_unlinked() is not None
    assert (chain.extend(at=at), chain.extend(at=at)) == (2, 0)
    assert chain.verify() == chain.Proof(linked=2, unlinked=0, broken=())
    assert chain.oldest_unlinked() is None


@pytest.mark.django_db
def test_an_event_that_commits_late_is_linked_too(at, system):
    first = _record(system, at)
    AuditLink.objects.create(
        seq=1, event_id=first.id + 1, event_digest="sha256:x", previous=chain.GENESIS, hash="sha256:y", at=at
    )
    assert chain.extend(at=at) == 1
    assert AuditLink.objects.get(seq=2).event_id == first.id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        ("UPDATE prompthub_audit_auditevent SET action = 'grant.add'", "was changed after it was linked"),
        ("UPDATE prompthub_audit_auditevent SET metadata = '{}'", "was changed after it was linked"),
        ("DELETE FROM prompthub_audit_auditevent", "is missing"),
        ("UPDATE prompthub_audit_auditlink SET previous = 'sha256:0'", "does not follow"),
        ("DELETE FROM prompthub_audit_auditlink WHERE seq = 1", "link 1 is missing"),
    ],
)
def test_tampering_past_the_triggers_is_found(tamper, told, at, system):
    with transaction.atomic():
        _record(system, at, count=1)
        _record(system, at, count=2)
    chain.extend(at=at)
    triggers.remove()
    with connection.cursor() as cursor:
        cursor.execute(tamper)
    triggers.install()
    assert told in " ".join(chain.verify().broken)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("at", "2001-01-01 00:00:00+00:00"),
        ("action", "x"),
        ("actor_kind", "x"),
        ("actor_id", "x"),
        ("actor_label", "x"),
        ("door", "x"),
        ("subject_kind", "x"),
        ("subject_id", "x"),
        ("subject_label", "x"),
        ("client_id", "018f0000-0000-7000-8000-000000000000"),
        ("project_id", "018f0000-0000-7000-8000-000000000000"),
        ("metadata", '{"x":1}'),
        ("correlation_id", "x"),
        ("digest", "x"),
    ],
)
def test_every_column_of_an_event_is_proved_but_the_names(column, other, at, system):
    with transaction.atomic():
        _record(system, at)
    chain.extend(at=at)
    triggers.remove()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE prompthub_audit_auditevent SET {column} = %s", [other])
    triggers.install()
    assert bool(chain.verify().broken) is (column not in AuditEvent.erasable)


def test_every_column_is_asked_about():
    marks = test_every_column_of_an_event_is_proved_but_the_names.pytestmark
    [asked] = [mark.args[1] for mark in marks if mark.name == "parametrize"]
    assert [column for column, _ in asked] == [field.column for field in AuditEvent._meta.fields if field.name != "id"]


@pytest.mark.django_db(transaction=True)
def test_erasing_a_name_does_not_break_the_chain(at, system):
    with transaction.atomic():
        _record(system, at)
    chain.extend(at=at)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE prompthub_audit_auditevent SET subject_label = '[erased]'")
    assert AuditEvent.objects.get().subject_label == "[erased]"
    assert chain.verify().broken == ()


@pytest.mark.django_db
def test_events_are_found_by_subject_and_by_client(at, system):
    client = make_client()
    assert [event.action for event in events.for_client(client_id=client.id)] == ["client.create"]
    assert [event.action for event in events.for_subject(kind="client", id=str(client.id))] == ["client.create"]
    assert events.every().count() == 1
