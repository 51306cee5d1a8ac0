from __future__ import annotations

import json
import sqlite3

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client as Browser
from django.test import RequestFactory
from prometheus_client import REGISTRY
from rest_framework import exceptions

from gateway import problems
from prompthub import views
from prompthub_kernel.strict_json import MAX_BYTES
from tenancy import clients
from tests import factories
from tests.integration.gateway.conftest import Caller
from tests.problems import assert_problem


def counted(code):
    return REGISTRY.get_sample_value("errors_total", {"code": code}) or 0.0


@pytest.mark.parametrize("path", ["/prompt/nothing", "/api/v1/nothing", "/api/v1/clients/", "/api/v1/", "/prompt/%00"])
def test_an_address_that_is_none_is_missing(admin, path):
    assert_problem(admin.get(path), "404.not_found")


def test_a_method_an_address_does_not_take_is_named_with_those_it_takes(admin, world):
    response = admin("PUT", "clients", {})
    assert_problem(response, "405.method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert_problem(admin("OPTIONS", "clients"), "405.method_not_allowed")


@pytest.mark.parametrize("path", ["openapi.json", "docs/"])
def test_the_document_and_its_page_are_read_alone(path):
    assert Caller().get(path).status_code == 200
    response = Caller().post(path)
    assert_problem(response, "405.method_not_allowed")
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer phub_none"}])
def test_another_method_at_the_document_is_told_so_without_a_token_against_forgery(method, headers):
    browser = Browser(enforce_csrf_checks=True, headers={"host": "localhost", **headers})
    response = browser.generic(method, "/api/v1/openapi.json")
    assert_problem(response, "405.method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("accept", ["application/problem+json", "text/html, Application/Problem+JSON;q=0.5"])
def test_who_accepts_problems_is_answered_in_json(admin, accept):
    response = admin.get("clients", Accept=accept)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert_problem(admin.get("clients/nobody", Accept=accept), "404.not_found")


def test_head_is_answered_like_get(admin, world):
    assert admin("HEAD", "clients").status_code == 200


def test_only_json_is_answered_and_only_json_is_read(admin):
    assert_problem(admin.get("clients", Accept="text/html"), "406.not_acceptable")
    assert admin.get("clients", Accept="*/*").status_code == 200
    response = admin.browser.post(
        "/api/v1/clients", "slug=a", content_type="text/plain", headers={"Authorization": f"Bearer {admin.token}"}
    )
    assert_problem(response, "415.media_type_unsupported")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "400.json_invalid"),
        (b"\xff", "400.json_invalid"),
        (b'{"slug": "a", "slug": "b"}', "400.json_invalid"),
        (b'{"slug": "\\u0000"}', "400.json_invalid"),
        (b'"text"', "422.request_invalid"),
        (b"null", "422.request_invalid"),
        (b" " * (MAX_BYTES + 1), "413.body_too_large"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused(admin, body, code):
    assert_problem(admin.post("clients", body), code)


@pytest.mark.parametrize(
    "media", ["application/json", 'application/json; charset="UTF-8"', "application/json;charset=utf8"]
)
@pytest.mark.parametrize("coding", ["", "identity", " Identity , identity"])
def test_a_body_that_says_what_it_is_is_read(admin, media, coding):
    given = {"Authorization": f"Bearer {admin.token}"} | ({"Content-Encoding": coding} if coding else {})
    body = '{"slug": "a", "name": "Ä"}'.encode()
    response = admin.browser.generic("POST", "/api/v1/clients", body, content_type=media, headers=given)
    assert (response.status_code, response.json()["name"]) == (201, "Ä")


def test_a_body_where_none_is_taken_is_refused(admin, world):
    assert_problem(admin.post("clients/acme/archive", {"really": True}), "422.request_invalid", "")


def test_a_known_error_is_counted_by_code(admin):
    before = counted("404.not_found")
    assert_problem(admin.get("clients/nobody"), "404.not_found")
    assert counted("404.not_found") == before + 1


def test_a_surprise_is_a_500_that_tells_nothing_and_is_reported(admin, monkeypatch, caplog):
    reported = []

    def break_down(**_):
        raise ZeroDivisionError("the password is hunter2")

    monkeypatch.setattr(clients, "listing", break_down)
    monkeypatch.setattr("sentry_sdk.capture_exception", reported.append)
    response = admin.get("clients")
    problem = assert_problem(response, "500.internal_error")
    assert "hunter2" not in str(problem)
    assert [type(error) for error in reported] == [ZeroDivisionError]
    assert any(record.levelname == "ERROR" for record in caplog.records)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_that_is_away_is_a_503_to_be_tried_again(admin, monkeypatch, error):
    def be_away(**_):
        raise error

    monkeypatch.setattr(clients, "listing", be_away)
    response = admin.get("clients")
    assert assert_problem(response, "503.database_unavailable")["retryable"] is True
    assert int(response.headers["Retry-After"]) >= 1


def test_a_full_disk_is_told_as_that(admin, monkeypatch):
    def be_full(**_):
        raise OperationalError("hunter2") from full

    full = sqlite3.OperationalError("hunter2")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    monkeypatch.setattr(clients, "listing", be_full)
    assert "disk" in assert_problem(admin.get("clients"), "503.database_unavailable")["detail"]


def test_a_host_name_that_is_not_allowed_is_told_with_its_setting(admin, caplog):
    problem = assert_problem(admin.get("clients", Host="hub.example.com"), "422.request_invalid", "/headers/Host")
    assert "PROMPTHUB_ALLOWED_HOSTS" in problem["detail"]
    page = admin.get("/login/", Host="hub.example.com")
    assert (page.status_code, "PROMPTHUB_ALLOWED_HOSTS" in page.content.decode()) == (400, True)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert all("hub.example.com" in record.getMessage() and not record.exc_info for record in caplog.records)


def test_a_database_that_is_away_while_asking_who_calls_is_a_503_too(admin, monkeypatch):
    def be_away(**_):
        raise OperationalError("gone")

    monkeypatch.setattr("tenancy.tokens.authenticate", be_away)
    assert_problem(admin.get("clients"), "503.database_unavailable")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.NotFound(), "404.not_found"),
        (exceptions.PermissionDenied(), "403.permission_denied"),
        (exceptions.ParseError(), "400.json_invalid"),
        (exceptions.APIException(), "500.internal_error"),
        (problems.Http404(), "404.not_found"),
        (problems.PermissionDenied(), "403.permission_denied"),
        (problems.SuspiciousOperation(), "422.request_invalid"),
    ],
)
def test_what_the_frameworks_raise_has_a_code_of_ours(error, code):
    assert problems.translated(error).code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (views.unreadable, "422.request_invalid"),
        (views.refused, "403.permission_denied"),
        (views.not_found, "404.not_found"),
        (views.broken, "500.internal_error"),
    ],
)
def test_errors_outside_of_views_have_the_shape_at_api_addresses_alone(answer, code):
    told = answer(RequestFactory().get("/api/v1/x"))
    assert (told.headers["Content-Type"], json.loads(told.content)["code"]) == (problems.MEDIA_TYPE, code)
    page = answer(RequestFactory().get("/page"))
    assert page.headers["Content-Type"].startswith("text/html")


# ── Who calls ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "header", [None, "Bearer nothing", "Bearer", "Basic YTpi", "Bearer phub_000000000000_" + "A" * 43, "bearer \x7f"]
)
def test_without_a_good_token_nobody_is_known(db, header):
    caller = Caller()
    response = caller.get("clients", **({"Authorization": header} if header else {}))
    assert_problem(response, "401.not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="PromptHub"'


def test_a_signed_in_person_reads_and_writes_with_the_csrf_token(world):
    caller = Caller()
    caller.browser.handler.enforce_csrf_checks = True
    caller.browser.force_login(factories.make_user(username="root", superuser=True))
    assert caller.get("me").json() == {
        "kind": "user",
        "id": caller.get("me").json()["id"],
        "label": "root",
        "account": "root",
        "administrator": True,
        "scopes": None,
        "clients": None,
        "projects": None,
    }
    refused = caller.post("clients", {"slug": "new", "name": "New"})
    assert_problem(refused, "403.permission_denied")
    token = "a" * 32
    caller.browser.cookies["csrftoken"] = token
    made = caller.post("clients", {"slug": "new", "name": "New"}, X_CSRFToken=token)
    assert made.status_code == 201


def test_a_session_cookie_with_an_escaped_nul_is_nobody(db):
    caller = Caller()
    caller.browser.cookies.load('sessionid="abcdefgh\\000"')
    assert_problem(caller.get("me"), "401.not_authenticated")


def test_a_scope_that_does_not_cover_the_deed_is_told(caller, world):
    reader = caller("administrator", world.client, scopes=("read",))
    problem = assert_problem(reader.post(f"instances/{world.instance.id}/publish"), "403.permission_denied")
    assert "publish" in problem["detail"]


def test_a_token_limited_to_clients_sees_no_other(caller, world):
    other = factories.make_client()
    limited = caller("administrator", world.client, other, clients=("acme",))
    assert [row["slug"] for row in limited.get("clients").json()["results"]] == ["acme"]
    assert_problem(limited.get(f"clients/{other.slug}"), "404.not_found")


def test_who_calls_too_often_is_told_when_to_come_back(admin, caller, settings):
    settings.API_RATE = "2/min"
    assert [admin.get("me").status_code for _ in range(2)] == [200, 200]
    response = admin.get("me")
    problem = assert_problem(response, "429.rate_limited")
    assert int(response.headers["Retry-After"]) == problem["context"]["retry_after"] == 30
    assert problem["retryable"] is True
    assert caller().get("me").status_code == 200
