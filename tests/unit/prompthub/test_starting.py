"""A server or worker that would do harm does not start, and says why."""

from __future__ import annotations

import sqlite3

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext

from foundation import triggers
from prompthub import starting
from tests.factories import make_bundle, make_release
from tests.factories.instance import make_instance
from tests.plans import plan


@pytest.mark.django_db
def test_all_is_well_after_migrate():
    assert starting.problems() == []


@pytest.mark.django_db
def test_a_pending_migration_is_named():
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")
    [problem] = starting.problems()
    assert "sessions.0001_initial" in problem
    assert "manage.py migrate" in problem


@pytest.mark.django_db
def test_many_pending_migrations_are_counted():
    MigrationRecorder(connection).migration_qs.all().delete()
    [problem] = starting.schema_is_current()
    assert "more. Run" in problem


@pytest.mark.django_db
def test_triggers_that_replace_would_pass_by_are_told(monkeypatch):
    monkeypatch.setattr(triggers, "heeded", lambda: False)
    [problem] = starting.problems()
    assert "recursive_triggers" in problem


@pytest.mark.django_db(transaction=True)
def test_missing_triggers_are_counted_and_named():
    triggers.remove()
    [problem] = starting.problems()
    assert triggers.missing()[0] in problem
    triggers.install()
    assert starting.problems() == []


@pytest.mark.django_db
def test_keys_that_do_not_open_what_is_stored_are_refused(settings):
    instance = make_instance()
    instance.secrets = '{"password": "swordfish"}'
    instance.save()
    assert starting.keys_fit() == []
    settings.PROMPTHUB_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    [problem] = starting.keys_fit()
    assert "PROMPTHUB_ENCRYPTION_KEYS" in problem


@pytest.mark.django_db
def test_the_newest_secret_is_found_without_looking_through_the_prompts_that_have_none():
    with CaptureQueriesContext(connection) as queries:
        assert starting.keys_fit() == []
    [asked] = [query["sql"] for query in queries if "prompthub_instances_promptinstance" in query["sql"]]
    assert "instance_with_secrets" in plan(asked)


@pytest.mark.django_db
def test_malformed_keys_are_refused_without_being_shown(settings):
    settings.PROMPTHUB_ENCRYPTION_KEYS = ["not-a-key"]
    [problem] = starting.keys_fit()
    assert "not-a-key" not in problem


def test_a_database_that_is_down_is_told_without_its_address(monkeypatch):
    def down():
        raise OperationalError("connection to 10.0.0.7 refused, password=swordfish")

    monkeypatch.setattr(starting, "CHECKS", [down])
    [problem] = starting.problems()
    assert "DATABASE_URL" in problem
    assert "swordfish" not in problem


def test_a_damaged_database_is_told_with_what_helps(monkeypatch):
    def torn():
        own = sqlite3.DatabaseError("file is not a database")
        own.sqlite_errorcode = sqlite3.SQLITE_NOTADB
        raise OperationalError from own

    monkeypatch.setattr(starting, "CHECKS", [torn])
    [problem] = starting.problems()
    assert "backup" in problem


@pytest.mark.django_db
def test_a_default_of_a_pack_that_names_no_release_forbids_a_start_and_only_that(settings):
    release = make_release(bundle=make_bundle(kind="pack"), version="1.4.0")
    name = str(release.bundle.address)
    settings.PACKS = {"environment": "", "defaults": [f"{name}@1.4.0"]}
    assert starting.refusals() == []
    settings.PACKS = {"environment": "", "defaults": [f"{name}@1.5.0"]}
    [refusal] = starting.refusals()
    assert f"{name}@1.5.0" in refusal
    assert "It has 1.4.0" in refusal
    assert starting.problems() == []
