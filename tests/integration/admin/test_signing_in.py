"""Signing in at the staff's door leads to the staff's pages; what fails there says what to do."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from tests import factories

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"


@pytest.fixture
def visitor():
    """Nobody yet, with a browser that Django asks for the CSRF token."""
    found = Browser(headers={"host": "localhost"}, enforce_csrf_checks=True)
    found.defaults["wsgi.url_scheme"] = "https"
    return found


@pytest.fixture
def account():
    found = factories.make_user(username="olivia", superuser=True)
    found.set_password("correct horse battery")
    found.save()
    return found


def sign_in(visitor, query=""):
    page = visitor.get(LOGIN + query).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    wanted = re.search(r'name="next" value="([^"]*)"', page)
    given = {"username": "olivia", "password": "correct horse battery", "csrfmiddlewaretoken": token}
    if wanted:
        given["next"] = wanted[1]
    return visitor.post(LOGIN + query, given, headers={"referer": f"https://localhost{LOGIN}"})


@pytest.mark.parametrize(
    ("query", "leads_to"),
    [
        ("", "/admin/"),
        ("?next=", "/admin/"),
        ("?next=//evil.example", "/admin/"),
        ("?next=https://evil.example/admin/", "/admin/"),
        ("?next=/%5Cevil.example", "/admin/"),
        ("?next=javascript:alert(1)", "/admin/"),
        ("?next=/admin/prompthub_publishing/target/", "/admin/prompthub_publishing/target/"),
    ],
)
def test_one_comes_to_the_page_one_wanted_or_to_the_overview(visitor, account, query, leads_to):
    answer = sign_in(visitor, query)
    assert (answer.status_code, answer.headers["Location"]) == (302, leads_to)
    assert visitor.get(leads_to).status_code == 200


def test_whoever_is_in_already_is_sent_to_the_overview(visitor, account):
    sign_in(visitor)
    answer = visitor.get(LOGIN)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_a_wrong_password_is_told_on_the_page(visitor, account):
    page = visitor.get(LOGIN).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    given = {"username": "olivia", "password": "wrong", "csrfmiddlewaretoken": token}
    answer = visitor.post(LOGIN, given, headers={"referer": f"https://localhost{LOGIN}"})
    assert answer.status_code == 200
    assert answer.context["form"].errors


@pytest.mark.parametrize("path", [LOGIN, "/login/"])
def test_a_form_that_is_not_valid_any_more_says_what_to_do(visitor, path):
    answer = visitor.post(path, {"username": "olivia"}, headers={"referer": f"https://localhost{path}"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "load the page again" in page
    assert answer.headers["X-Correlation-ID"] in page
    assert "style=" not in page
