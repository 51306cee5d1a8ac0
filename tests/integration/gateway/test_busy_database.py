"""What only reads does not wait for what somebody else writes."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from foundation.impatience import impatient
from tenancy.models import ServiceToken
from tests import factories
from tests.factories.acting import AT
from tests.integration.gateway.conftest import Caller

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def busy():
    """Somebody in the middle of a write; on SQLite the whole database is theirs until they are done."""
    other, _ = factories.make_token()
    writing, done = threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                ServiceToken.objects.filter(pk=other.pk).update(last_used_at=AT)
                writing.set()
                done.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=write)

    def begin():
        thread.start()
        assert writing.wait(10)

    yield begin
    done.set()
    if thread.ident is not None:
        thread.join(10)


def test_a_read_is_answered_while_somebody_writes(busy):
    token, secret = factories.make_token()
    busy()
    began = time.monotonic()
    answer = Caller(secret).get("me")
    assert answer.status_code == 200
    assert time.monotonic() - began < 5
    used = ServiceToken.objects.get(pk=token.pk).last_used_at
    assert (used is None) is (connection.vendor == "sqlite")


def test_a_write_that_may_be_left_out_is_given_up_at_once_and_patience_comes_back(busy):
    def patience():
        with connection.cursor() as cursor:
            return cursor.execute("PRAGMA busy_timeout").fetchone()[0] if connection.vendor == "sqlite" else 0

    token, _ = factories.make_token()
    before = patience()
    busy()
    failed = False
    try:
        with impatient():
            ServiceToken.objects.filter(pk=token.pk).update(last_used_at=AT)
    except OperationalError:
        failed = True
    assert failed is (connection.vendor == "sqlite")
    assert patience() == before
