"""Probes: alive, ready, and what is wrong if not."""

from __future__ import annotations

import html
import socket
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client as Browser
from kombu import Connection
from redis import Redis

from audit import chain
from foundation import database_errors, triggers
from foundation.models import IdempotencyKey
from prompthub import health, starting
from prompthub_kernel.errors import CODES
from publishing import metrics, targets
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.services import redis

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _looks_again():
    health.forget()
    yield
    health.forget()
    database_errors.wrote()


@pytest.fixture
def browser():
    return Browser(headers={"host": "localhost"})


def be_full(**_):
    full = OperationalError("disk full")
    full.__cause__ = Exception()
    full.__cause__.sqlstate = "53100"
    raise full


def readyz(browser):
    answer = browser.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_healthz_asks_nothing_of_the_database(browser, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = browser.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready_when_all_is_well(browser):
    status, checks = readyz(browser)
    assert (status, {name: check["status"] for name, check in checks.items()}) == (
        200,
        {"database": "ok", "broker": "ok", "worker": "ok", "queue": "ok"},
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs/errors/404.not_found"])
def test_only_reading_methods(path, method):
    answer = Browser(enforce_csrf_checks=True, headers={"host": "localhost"}).generic(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_a_database_that_is_away_is_told_without_its_address(browser, monkeypatch):
    def away(*_):
        raise DatabaseError("could not connect to db.internal as prompthub")

    monkeypatch.setattr(health, "database_now", away)
    status, checks = readyz(browser)
    assert status == 503
    assert checks["database"] == {"status": "failed", "detail": "The database does not answer (DatabaseError)."}
    assert "queue" not in checks


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_a_full_disk_is_a_warning_until_a_write_goes_through_again(browser):
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    try:
        assert readyz(browser)[1]["database"] == {"status": "ok"}, "no write has met it yet"
        with pytest.raises(OperationalError) as refusal, transaction.atomic():
            factories.make_template_version(content_md="x" * 100_000)
        assert database_errors.unavailable(refusal.value) == database_errors.FULL
        for _ in range(2):
            status, checks = readyz(browser)
            assert (status, checks["database"]) == (200, {"status": "warning", "detail": database_errors.FULL})
            assert checks["queue"]["status"] == "ok"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert readyz(browser)[1]["database"] == {"status": "ok"}
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite
def test_a_database_that_may_only_be_read_is_a_warning_until_a_write_goes_through_again(browser):
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = ON")
        with pytest.raises(OperationalError) as refusal, transaction.atomic():
            factories.make_template_version()
        assert database_errors.unavailable(refusal.value) == database_errors.READ_ONLY
        status, checks = readyz(browser)
        assert (status, checks["database"]) == (200, {"status": "warning", "detail": database_errors.READ_ONLY})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only = OFF")
    assert readyz(browser)[1]["database"] == {"status": "ok"}


def test_a_disk_without_room_is_noticed_before_anybody_writes(browser, monkeypatch):
    monkeypatch.setattr(database_errors, "perhaps_unwritable", lambda: True)
    assert readyz(browser)[1]["database"] == {"status": "ok"}, "a write goes through"
    monkeypatch.setattr(IdempotencyKey.objects, "create", be_full)
    assert readyz(browser)[1]["database"] == {"status": "warning", "detail": database_errors.FULL}


def test_a_pending_migration_is_named(browser, monkeypatch):
    monkeypatch.setattr(starting, "CHECKS", [lambda: ["The database is behind the code: x.0002. Run: migrate"]])
    status, checks = readyz(browser)
    assert status == 503
    assert "x.0002" in checks["database"]["detail"]


def test_a_missing_trigger_is_named(browser):
    name = triggers.names(triggers.guarded()[0])[0]
    suffix = f" ON {triggers.guarded()[0]._meta.db_table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{suffix}")
    status, checks = readyz(browser)
    triggers.install()
    assert status == 503
    assert name in checks["database"]["detail"]
    assert readyz(browser)[0] == 200, "what failed is looked at again at once"


def test_keys_that_do_not_fit_are_told(browser, monkeypatch):
    factories.make_target(
        adapter="webhook",
        settings={"url": "https://x.example/"},
        credentials={"signing_secret": "whsec_" + "a" * 43 + "="},
    )

    def unreadable():
        raise ImproperlyConfigured("No key in PROMPTHUB_ENCRYPTION_KEYS fits what is stored")

    monkeypatch.setattr(starting, "cipher", unreadable)
    status, checks = readyz(browser)
    assert status == 503
    assert "PROMPTHUB_ENCRYPTION_KEYS" in checks["database"]["detail"]


def test_what_holds_is_not_looked_at_again_for_a_while(browser, monkeypatch):
    assert readyz(browser)[0] == 200
    monkeypatch.setattr(starting, "CHECKS", [lambda: ["behind"]])
    assert readyz(browser)[0] == 200
    health.forget()
    assert readyz(browser)[0] == 503


@pytest.fixture
def broker(monkeypatch, settings):
    """``broker(url)``: the probe asks that broker."""

    def use(url):
        settings.CELERY_BROKER_URL = url
        monkeypatch.setattr(health.current_app, "connection_for_write", lambda: Connection(url))

    return use


def test_a_broker_that_answers_is_well_and_one_that_refuses_everybody_is_a_warning(browser, broker):
    with redis() as server:
        broker(server.url)
        assert readyz(browser)[1]["broker"] == {"status": "ok"}
        with Redis.from_url(server.url) as operator:
            operator.config_set("requirepass", "swordfish")
        status, checks = readyz(browser)
        assert (status, checks["broker"]["status"]) == (200, "warning")
        assert "refuses us (AuthenticationError)" in checks["broker"]["detail"]
        broker(server.url.replace("//", "//:swordfish@"))
        assert readyz(browser)[1]["broker"] == {"status": "ok"}
        broker(server.url.replace("//", "//:mackerel@"))
        detail = readyz(browser)[1]["broker"]["detail"]
        assert "refuses us (AuthenticationError)" in detail
        assert "mackerel" not in detail


def test_a_broker_that_takes_calls_and_says_nothing_is_a_warning(browser, broker, monkeypatch):
    monkeypatch.setattr(health, "BROKER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        status, checks = readyz(browser)
    assert (status, checks["broker"]["status"]) == (200, "warning")
    assert "TimeoutError" in checks["broker"]["detail"]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_a_warning(browser, broker, scheme):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/0"
        if scheme == "amqp":
            broker(address)
            assert readyz(browser)[1]["broker"] == {"status": "ok"}
    broker(address)
    status, checks = readyz(browser)
    assert (status, checks["broker"]["status"]) == (200, "warning")
    assert "ConnectionRefusedError" in checks["broker"]["detail"]


def test_a_worker_that_is_not_there_is_a_warning(browser):
    """Whoever works links the ledger within a second."""
    with time_machine.travel(datetime(2026, 1, 5, 10, 0, tzinfo=UTC), tick=False):
        factories.make_client()
        status, checks = readyz(browser)
        assert (status, checks["worker"]["status"]) == (200, "warning")
        assert "1800 s" in checks["worker"]["detail"]
        chain.extend(at=datetime(2026, 1, 5, 10, 0, tzinfo=UTC))
        assert readyz(browser)[1]["worker"] == {"status": "ok"}


def test_a_queue_that_does_not_move_is_a_warning(browser):
    factories.make_delivery()
    status, checks = readyz(browser)
    assert (status, checks["queue"]["status"]) == (200, "warning")
    assert "1 pending" in checks["queue"]["detail"]


def test_a_default_of_a_pack_that_names_no_release_is_a_warning(browser, settings):
    assert "packs" not in readyz(browser)[1]
    settings.PACKS = {"environment": "", "defaults": ["@local/coach@1.4.0"]}
    status, checks = readyz(browser)
    assert (status, checks["packs"]["status"]) == (200, "warning")
    assert "@local/coach@1.4.0" in checks["packs"]["detail"]


def test_what_waits_for_a_target_that_is_switched_off_is_no_warning(browser):
    delivery = factories.make_delivery()
    targets.disable(target=delivery.placement.target, by=SYSTEM, at=AT)
    status, checks = readyz(browser)
    assert (status, checks["queue"]["status"], checks["queue"]["detail"]) == (200, "ok", "1 pending")


def test_work_that_cannot_be_read_is_fatal(browser, monkeypatch):
    def unreadable():
        raise DatabaseError("gone")

    monkeypatch.setattr(metrics, "queue", unreadable)
    status, checks = readyz(browser)
    assert (status, checks["work"]["status"]) == (503, "failed")


def test_age_is_that_of_the_oldest():
    now = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    queue = metrics.Queue(depth={}, dead_letters=0, oldest=now - timedelta(seconds=90), now=now)
    assert queue.oldest_seconds == 90
    assert metrics.Queue(depth={}, dead_letters=0, oldest=None, now=now).oldest_seconds == 0


def test_the_front_door_asks_who_is_there(browser):
    answer = browser.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login/?next=/"


@pytest.mark.parametrize("path", ["/nothing", "/admin-nothing/"])
def test_nothing_there_is_a_calm_page(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert answer.headers["X-Correlation-ID"] in answer.content.decode()


def test_something_broken_is_a_calm_page_that_tells_nothing(browser, monkeypatch):
    def broken():
        raise RuntimeError("the secret reason")

    monkeypatch.setattr("prompthub.views.health.readiness", broken)
    browser.raise_request_exception = False
    answer = browser.get("/readyz")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "Something broke here" in page
    assert "secret reason" not in page


def test_refused_is_a_calm_page(rf):
    from prompthub import views

    answer = views.refused(rf.get("/"))
    assert answer.status_code == 403
    assert "not for your account" in answer.content.decode()


@pytest.mark.parametrize("code", CODES)
def test_what_a_problems_type_leads_to_says_it_in_words(browser, django_assert_num_queries, code):
    with django_assert_num_queries(0):
        answer = browser.get(f"/docs/errors/{code}")
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 200
    assert code in page
    assert CODES[code].title in page


def test_an_error_that_does_not_exist_is_not_explained(browser):
    assert browser.get("/docs/errors/418.teapot").status_code == 404
