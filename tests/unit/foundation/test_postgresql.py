"""A kept connection is looked at without a question, and a dead one is noticed."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, connection

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
