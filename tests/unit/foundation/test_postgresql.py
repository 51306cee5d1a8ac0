"""A kept connection is looked at without a question, and a dead one is noticed."""

from __future__ import annotations

import traceback

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from foundation import database_errors
from foundation.postgresql import base

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_living_connection_is_usable_and_an_unopened_one_is_not():
    connection.ensure_connection()
    assert connection.is_usable()
    connection.close()
    assert not connection.is_usable()


def test_a_connection_that_the_server_ended_is_not_usable():
    connection.ensure_connection()
    own = connection.connection.info
    with psycopg.connect(own.dsn, password=own.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [own.backend_pid])
    assert not connection.is_usable()
    connection.close()


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(base, "ANSWER_SECONDS", 0.3)
    with connection.cursor() as cursor, pytest.raises(OperationalError) as silence:
        cursor.execute("SELECT pg_sleep(3)")
    assert database_errors.unavailable(silence.value) == database_errors.AWAY
    assert connection.connection.closed
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_an_error_does_not_quote_the_row_that_it_is_about():
    secret = "sk-live-0123"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (name text CONSTRAINT said CHECK (name <> 'hunter2'), more text)")
        with pytest.raises(IntegrityError) as refused:
            cursor.execute("INSERT INTO kept VALUES (%s, %s)", ["hunter2", secret])
    told = "".join(traceback.format_exception(refused.value))
    assert 'violates check constraint "said"' in told
    assert refused.value.__cause__.diag.constraint_name == "said"
    assert secret not in told
    assert "DETAIL" not in told
    connection.close()
