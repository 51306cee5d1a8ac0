"""A kept connection is looked at without a question, and a dead one is noticed."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

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
