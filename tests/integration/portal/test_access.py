"""Every address of the portal: who may come in, who may not, and what they are told."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.urls import urlpatterns
from tenancy import clients, policy
from tenancy.policy import Permission, Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import browser_of

OUTSIDE = {"login", "logout", "language"}
ROUTES = {entry.name: entry for entry in urlpatterns if entry.name not in OUTSIDE}
OF_CLIENT = {name: entry for name, entry in ROUTES.items() if "client" in entry.pattern.converters}
SAMPLES = {"SlugConverter": "nowhere", "UUIDConverter": uuid.UUID(int=7), "IntConverter": 1, "StringConverter": "x"}


def address(name, **known):
    """An address with made-up parts where none are given."""
    parts = {
        part: known.get(part, SAMPLES[type(converter).__name__])
        for part, converter in ROUTES[name].pattern.converters.items()
    }
    return reverse(f"portal:{name}", kwargs=parts)


def methods(name):
    return ROUTES[name].callback.view_class.permissions


CELLS = [(name, method) for name in ROUTES for method in methods(name)]


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_nobody_comes_in_without_signing_in(name, method, db):
    path = address(name)
    answer = Browser().generic(method, path)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{reverse('portal:login')}?next={path}"


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_a_part_of_a_page_is_never_the_page_to_sign_in(name, method, db):
    answer = Browser().generic(method, address(name), headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(("name", "method"), [cell for cell in CELLS if cell[0] in OF_CLIENT])
def test_a_client_of_others_is_not_there(name, method, operator, foreign):
    known = {"client": foreign.client.slug, "instance": foreign.instance.pk}
    answer = operator.generic(method, address(name, **known))
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert foreign.client.name not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name, method in CELLS if name in OF_CLIENT and methods(name)[method] is not Permission.VIEW],
)
def test_a_viewer_is_refused_what_changes_something(name, method, signed_in, world):
    known = {"client": world.client.slug, "instance": world.instance.pk}
    answer = signed_in(Role.VIEWER).generic(method, address(name, **known))
    assert answer.status_code == 403
    assert "You may not do this here" in answer.content.decode()


PLAIN = [name for name in ROUTES if not ROUTES[name].pattern.converters and "GET" in methods(name)]
PLAIN += ["prompts", "prompt_new", "bulk_publish", "bulk_archive"]


@pytest.mark.parametrize("name", PLAIN)
def test_a_page_has_nothing_inline_and_every_field_a_name(name, operator, world):
    known = {"client": world.client.slug} if name in OF_CLIENT else {}
    answer = operator.get(address(name, **known), {"prompt": world.instance.pk, "q": "Speak"})
    assert answer.status_code == 200
    if not answer.headers["Content-Type"].startswith("text/html"):
        assert answer.headers["Content-Disposition"].startswith("attachment;"), "what is no page is a file"
        return
    policies = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policies
    assert "unsafe" not in policies
    html = answer.content.decode()
    assert re.search(r"\sstyle=|\son\w+=|<style|javascript:", html) is None
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", html))
    assert html.count("<main") == html.count("<h1") == 1
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
    fields = re.findall(r"<(?:input|select|textarea)\b[^>]*>", html)
    for field in fields:
        if 'type="hidden"' not in field and "aria-label" not in field and 'type="checkbox"' not in field:
            assert re.search(r' id="([^"]+)"', field)[1] in labelled, field


def test_a_prompt_that_is_not_the_clients_is_not_there(operator, world, foreign):
    path = reverse("portal:prompt", kwargs={"client": world.client.slug, "instance": foreign.instance.pk})
    assert operator.get(path).status_code == 404


def test_the_navigation_shows_what_a_person_may_see(signed_in, world):
    path = reverse("portal:prompts", kwargs={"client": world.client.slug})
    mine = signed_in().get(path).content.decode()
    assert 'href="/admin/"' not in mine
    assert f'href="{path}" aria-current="page"' in mine
    assert 'href="/admin/"' in signed_in(staff=True).get(path).content.decode()


def test_an_unknown_method_is_refused(operator):
    assert operator.delete(reverse("portal:clients")).status_code == 405


def test_what_may_not_be_done_is_shown_with_the_reason(signed_in, world):
    page = signed_in(Role.VIEWER).get(reverse("portal:prompts", kwargs={"client": world.client.slug})).content.decode()
    assert 'aria-disabled="true"' in page
    assert "Needs the permission “publish” at this client." in page
    assert reverse("portal:bulk_publish", kwargs={"client": world.client.slug}) not in page


def test_an_archived_client_is_read_only(operator, world):
    clients.archive(client=world.client, by=SYSTEM, at=AT)
    page = operator.get(reverse("portal:prompts", kwargs={"client": world.client.slug})).content.decode()
    assert "This client is archived." in page


class TestSignIn:
    """Coming in and going out."""

    def test_an_operator_signs_in_and_goes_on(self, world):
        account = factories.make_user(username="ana", password="a very long sentence")
        policy.grant(role=Role.VIEWER, place=world.client, to=account, by=SYSTEM, at=AT)
        browser = Browser()
        given = {"username": "ana", "password": "a very long sentence", "next": "/clients/"}
        answer = browser.post("/login/", given)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/clients/")
        assert world.client.name in browser.get("/clients/").content.decode()
        assert browser.get("/login/").status_code == 302, "who is in need not come in again"
        out = browser.post("/logout/")
        assert (out.status_code, out.headers["Location"]) == (302, "/login/")
        assert browser.get("/clients/").status_code == 302

    def test_it_leads_to_no_other_host(self, db):
        factories.make_user(username="ana", password="a very long sentence")
        given = {"username": "ana", "password": "a very long sentence", "next": "https://elsewhere.example/"}
        assert Browser().post("/login/", given).headers["Location"] == "/"

    def test_a_wrong_password_is_told_at_the_top_without_the_values(self, db):
        answer = Browser().post("/login/", {"username": "ana", "password": "wrong-but-mine"})
        html = answer.content.decode()
        assert answer.status_code == 200
        assert "do not belong together" in html
        assert "wrong-but-mine" not in html

    def test_too_many_tries_end_calmly(self, db, settings):
        settings.AXES_FAILURE_LIMIT = 2
        browser = Browser()
        for _ in range(3):
            answer = browser.post("/login/", {"username": "ana", "password": "wrong"})
        assert answer.status_code == 429
        assert "Too many tries" in answer.content.decode()

    def test_signing_out_takes_a_post(self, operator):
        assert operator.get("/logout/").status_code == 405

    def test_an_account_that_is_switched_off_is_out_at_once(self, world):
        account = factories.make_user()
        browser = browser_of(account)
        account.is_active = False
        account.save()
        assert browser.get("/").status_code == 302


def test_a_database_that_is_away_is_told_calmly(operator, monkeypatch):
    from django.db import OperationalError

    from portal.views import clients as page

    def broken(**_):
        raise OperationalError("gone")

    monkeypatch.setattr(page.shown, "lines", broken)
    answer = operator.get("/clients/")
    assert answer.status_code == 503
    assert "Nothing was half done" in answer.content.decode()
