"""A cookie that no database can look up is none."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests.factories import make_user

ESCAPED = r'sessionid="abcdefgh\000"'


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/", "/api/v1/clients", "/healthz"])
def test_a_session_with_an_escaped_nul_is_none(path):
    browser = Browser(headers={"host": "localhost"})
    asked_without = browser.get(path)
    browser.cookies.load(ESCAPED)
    asked = browser.get(path)
    assert (asked.status_code, asked.headers.get("Location")) == (
        asked_without.status_code,
        asked_without.headers.get("Location"),
    )
    assert asked.status_code < 500


@pytest.mark.django_db
def test_a_session_without_one_stays(db):
    browser = Browser(headers={"host": "localhost"})
    browser.force_login(make_user(superuser=True))
    assert browser.get("/admin/").status_code == 200
