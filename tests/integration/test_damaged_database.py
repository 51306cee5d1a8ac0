"""A database that is damaged while PromptHub serves is told as that at every door, with the code of the API."""

from __future__ import annotations

import sqlite3

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError
from django.test import Client as Browser

from instances import drafts
from tests import factories
from tests.integration.admin.rooms import browser_of

pytestmark = pytest.mark.django_db


def be_damaged(*_, **__):
    own = sqlite3.DatabaseError("database disk image is malformed: hunter2")
    own.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise DatabaseError("database disk image is malformed: hunter2") from own


@pytest.fixture
def browser():
    found = browser_of(factories.make_user(superuser=True))
    found.raise_request_exception = False
    return found


def told(answer):
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "The database is damaged. Stop PromptHub" in page
    assert "hunter2" not in page


def test_a_page_says_so(browser, monkeypatch):
    monkeypatch.setattr(drafts, "listing", be_damaged)
    told(browser.get("/clients/acme/prompts/0193b7a0-0000-7000-8000-000000000001/"))


@pytest.mark.parametrize("path", ["/", "/clients/", "/admin/"])
def test_so_does_a_page_whose_session_cannot_be_read(browser, monkeypatch, path):
    monkeypatch.setattr(SessionStore, "load", be_damaged)
    monkeypatch.setattr(SessionStore, "_get_session_from_db", be_damaged)
    told(browser.get(path))


def test_so_does_the_api_with_its_code(monkeypatch):
    _, token = factories.make_token(scopes=("read",))
    monkeypatch.setattr("tenancy.tokens.authenticate", be_damaged)
    caller = Browser(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})
    answer = caller.get("/api/v1/clients")
    assert (answer.status_code, answer.json()["code"]) == (503, "503.database_unavailable")
    assert "damaged" in answer.json()["detail"]


def test_a_mistake_of_ours_stays_one(browser, monkeypatch):
    def be_wrong(**_):
        raise DatabaseError("no such column")

    monkeypatch.setattr(drafts, "listing", be_wrong)
    assert browser.get("/clients/acme/prompts/0193b7a0-0000-7000-8000-000000000001/").status_code == 500
