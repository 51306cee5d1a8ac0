"""Every address of the portal: who may come in, who may not, and what they are told."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import resolve, reverse

from portal.urls import urlpatterns
from tenancy import clients, policy
from tenancy.policy import Permission, Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import browser_of

OUTSIDE = {"login", "logout", "language"}
ROUTES = {entry.name: entry for entry in urlpatterns if entry.name not in OUTSIDE}
OF_CLIENT = {name: entry for name, entry in ROUTES.items() if "client" in entry.pattern.converters}
SAMPLES = {"SlugConverter": "nowhere", "Identifier": uuid.UUID(int=7), "IntConverter": 1, "StringConverter": "x"}


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
    if method == "GET":
        assert answer.headers["Location"] == f"{reverse('portal:login')}?next={path}"
        return
    there, _, rest = answer.headers["Location"].removeprefix(f"{reverse('portal:login')}?next=").partition("&")
    assert rest == "unsent=1"
    assert path.startswith(there)
    assert "get" in dir(resolve(there).func.view_class), "who signed in gets a page, never a 405"


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


def test_ids_in_addresses_and_their_queries_may_be_in_capitals_and_not_spelled_otherwise(operator, world):
    path = address("prompt", client=world.client.slug, instance=world.instance.pk)
    capitals = str(world.instance.pk).upper()
    assert operator.get(path.replace(str(world.instance.pk), capitals)).status_code == 200
    assert operator.get(path.replace(str(world.instance.pk), world.instance.pk.hex)).status_code == 404
    for given, shown in ((capitals, True), (world.instance.pk.hex, False)):
        found = operator.get(address("deliveries"), {"instance": given}).content.decode()
        assert (f'name="instance" value="{world.instance.pk}"' in found) is shown
    template = world.template_version.pk
    compared = operator.get(f"{path}diff/", {"base": f"template:{str(template).upper()}"})
    assert f"base=template%3A{template}" in compared.content.decode()
    assert operator.get(f"{path}diff/", {"base": f"template:{template.hex}"}).status_code == 422


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


class TestWithoutASession:
    """A form that is sent when the session has ended."""

    def test_one_comes_back_to_the_page_the_form_was_on(self, world):
        path = reverse("portal:archive", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        told = {"Referer": f"http://testserver{path}?why=this"}
        answer = Browser().post(path, {}, headers=told)
        assert answer.headers["Location"] == f"/login/?next={path}%3Fwhy%3Dthis&unsent=1"
        assert "nothing was done or saved" in Browser().get(answer.headers["Location"]).content.decode()

    @pytest.mark.parametrize("told", ["https://elsewhere.example/clients/", "http://testserver/login/", "///", ""])
    def test_another_host_is_no_page_to_come_back_to(self, world, told):
        path = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        answer = Browser().post(path, {"part": "variables", "variable-company": "N"}, headers={"Referer": told})
        assert answer.headers["Location"] == f"/login/?next={path.removesuffix('draft/')}&unsent=1"

    def test_a_page_that_is_none_leads_to_the_one_above_it(self, world):
        path = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        assert Browser().get(path).headers["Location"] == f"/login/?next={path.removesuffix('draft/')}"

    def test_what_was_written_is_kept_while_somebody_signs_in(self, world):
        account = factories.make_user(username="ana", password="a very long sentence")
        policy.grant(role=Role.EDITOR, place=world.client, to=account, by=SYSTEM, at=AT)
        path = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        browser = Browser()
        answer = browser.post(path, {"part": "text", "text": "Mine\nand <mine>", "revision": "1"})
        assert answer.status_code == 401
        page = answer.content.decode()
        signed = re.search(r'name="kept" value="([^"]+)"', page)[1]
        given = {"username": "ana", "password": "wrong", "next": path, "kept": signed, "unsent": "1"}
        assert f'value="{signed}"' in browser.post("/login/", given).content.decode()
        after = browser.post("/login/", {**given, "password": "a very long sentence"}).content.decode()
        assert f'action="{path.replace("draft", "preview")}"' in after
        assert "Mine\nand &lt;mine&gt;</textarea>" in after
        assert browser.get("/clients/").status_code == 200

    def test_variables_are_never_kept(self, world):
        path = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": world.instance.pk})
        answer = Browser().post(path, {"part": "variables", "text": "mine", "variable-pin": "7781"})
        assert (answer.status_code, "kept" in answer.headers["Location"]) == (302, False)

    def test_what_others_made_up_is_not_kept(self, world):
        factories.make_user(username="ana", password="a very long sentence")
        given = {"username": "ana", "password": "a very long sentence", "next": "/clients/", "kept": "made:up"}
        assert Browser().post("/login/", given).headers["Location"] == "/clients/"


class TestAPageOfAnEarlierSession:
    """Its token is not the session's: nothing is done, and what somebody wrote is not lost."""

    @pytest.fixture
    def sent(self, signed_in, world):
        browser = Browser(enforce_csrf_checks=True)
        browser.force_login(get_user(signed_in(Role.EDITOR)))
        browser.get("/clients/")
        path = reverse("portal:draft", kwargs={"client": world.client.slug, "instance": world.instance.pk})

        def send(form: dict[str, str] | None = None, **headers: str) -> HttpResponse:
            answer = browser.post(path, form or {"part": "text", "text": "Mine & only mine"}, headers=headers)
            assert answer.status_code == 403
            world.instance.refresh_from_db()
            assert world.instance.content_md is None
            return answer

        return send

    def test_what_was_written_is_shown_with_a_button_that_sends_it_again(self, sent):
        page = sent(Origin="http://testserver").content.decode()
        assert "What you wrote is not saved yet" in page
        assert "/preview/" in re.search(r'<form class="ph-form" method="post" action="([^"]+)"', page)[1]
        assert "Mine &amp; only mine</textarea>" in page
        assert 'name="csrfmiddlewaretoken"' in page

    @pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "https://testserver", ""])
    def test_what_another_site_made_up_is_not_shown(self, sent, origin):
        page = sent(**({"Origin": origin} if origin else {})).content.decode()
        assert "This form is not valid any more" in page
        assert "only mine" not in page

    def test_of_variables_nothing_is_shown(self, sent):
        page = sent({"part": "variables", "text": "only mine", "variable-pin": "7781"}, Origin="http://testserver")
        assert "This form is not valid any more" in page.content.decode()
        assert "7781" not in page.content.decode()

    def test_a_part_of_a_page_gets_no_page(self, sent):
        page = sent(Origin="http://testserver", **{"HX-Request": "true"}).content.decode()
        assert "This form is not valid any more" in page


class TestHtmxIsRefused:
    """A part of a page is never a page: a refusal is told in the one place for it."""

    def test_it_is_a_part_with_the_way_on(self, signed_in, world):
        known = {"client": world.client.slug, "instance": world.instance.pk}
        answer = signed_in(Role.VIEWER).post(address("draft", **known), headers={"HX-Request": "true"})
        page = answer.content.decode()
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (403, "#problem")
        assert "<main" not in page
        assert "<h1" not in page
        assert "You may not do this here" in page
        assert 'role="alert"' in page

    def test_every_page_has_the_place(self, operator):
        assert operator.get("/clients/").content.decode().count('id="problem"') == 1


def test_what_is_too_large_is_told_so_and_is_no_fault_of_ours(signed_in, world, caplog):
    known = {"client": world.client.slug, "instance": world.instance.pk}
    given = {"part": "text", "revision": "1", "text": "x" * 1_100_000}
    answer = signed_in(Role.EDITOR).post(
        address("draft", **known), urlencode(given), content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 413
    assert "This is too large" in answer.content.decode()
    assert [line for line in caplog.records if line.levelname == "ERROR"] == []


def test_what_was_done_is_the_first_word_of_the_title(signed_in, world):
    known = {"client": world.client.slug, "instance": world.instance.pk}
    given = {"part": "text", "text": "Mine {{ company }}", "revision": "1"}
    page = signed_in(Role.EDITOR).post(address("draft", **known), given, follow=True).content.decode()
    assert "<title>The draft is saved. – Text ·" in page
    assert page.count("The draft is saved.") == 2


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
