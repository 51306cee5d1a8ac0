"""The portal against pages of other sites: forms that they send, addresses they lead to, frames they draw, cells.

The addresses come from the URL configuration.
"""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse

from audit.models import AuditEvent
from portal.urls import urlpatterns
from publishing import drift
from publishing.adapters import memory
from tests import factories
from tests.factories.acting import unique
from tests.hostile.portal_requests import (
    CELLS,
    OUTSIDE,
    OWN_ALONE,
    REDIRECTS,
    ROUTES,
    TYPED,
    Given,
    address,
    as_asked_for_by,
    send,
)
from tests.hostile.two_worlds import make_world
from tests.integration.admin.rooms import browser_of

WRITES = [name for name, method in CELLS if method == "POST"] + sorted(OUTSIDE)
PAGES = [name for name, method in CELLS if method == "GET" and name not in REDIRECTS]
PASSWORD = "a very long sentence"


@pytest.fixture(scope="module")
def _built(django_db_setup, django_db_blocker):
    """A world and the browser of somebody who may do everything, made once and undone at the end."""
    memory.clear()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(drift, "QUIET", drift.QUIET * 0)
        yield make_world("own"), browser_of(factories.make_user(superuser=True))
        transaction.set_rollback(True)


@pytest.fixture
def world(_built, db):
    return _built[0]


@pytest.fixture
def person(_built, db):
    return _built[1]


@pytest.fixture
def strict(db):
    """A browser of somebody who may do everything, at a server that asks forms where they come from."""
    found = Browser(enforce_csrf_checks=True)
    found.force_login(factories.make_user(superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    return found


def path_and_form(name, world):
    if name in OUTSIDE:
        return reverse(f"portal:{name}"), {"username": "x", "password": "y", "language": "de"}
    given = TYPED.get((name, "POST"), lambda w: Given())(world)
    return f"{address(name, world, **given.parts)}?{urlencode(given.query)}", dict(given.form)


def test_every_address_that_takes_a_form_is_here():
    answering = {entry.name for entry in urlpatterns if hasattr(entry.callback.view_class, "post")}
    assert set(WRITES) == answering
    assert len(WRITES) > 25
    assert set(ROUTES) | OUTSIDE == {entry.name for entry in urlpatterns}


@pytest.mark.parametrize("name", WRITES)
def test_a_form_of_another_site_does_nothing(world, strict, name):
    with transaction.atomic():
        path, form = path_and_form(name, world)
        if name in OWN_ALONE:
            as_asked_for_by(world, get_user(strict))
        strict.get(reverse("portal:clients"))
        token = strict.cookies["csrftoken"].value
        sent = {
            "without a token": (form, {}),
            "by script, without a token": (form, {"HX-Request": "true"}),
            "with a token made up": ({**form, "csrfmiddlewaretoken": "x" * len(token)}, {}),
            "with the token, from another site": (
                {**form, "csrfmiddlewaretoken": token},
                {"Origin": "https://elsewhere.example"},
            ),
            "with the token, from nowhere": ({**form, "csrfmiddlewaretoken": token}, {"Origin": "null"}),
        }
        before = AuditEvent.objects.count()
        for how, (given, headers) in sent.items():
            answer = strict.post(path, given, headers=headers)
            assert answer.status_code == 403, how
            assert "This form is not valid any more" in answer.content.decode(), how
        assert AuditEvent.objects.count() == before
        assert strict.get(reverse("portal:clients")).status_code == 200, "still signed in"
        own = strict.post(path, {**form, "csrfmiddlewaretoken": token})
        assert own.status_code in {200, 302}, "the portal's own form"
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", [*PAGES, "login"])
def test_no_page_may_be_framed_or_run_what_is_not_the_portals(world, person, name):
    if name in OWN_ALONE:
        as_asked_for_by(world, get_user(person))
    answer = Browser().get(reverse("portal:login")) if name == "login" else send(person, name, "GET", world)
    assert answer.status_code == 200
    _policy_holds(answer)


def test_pages_about_something_wrong_keep_the_policy_too(world, person, strict):
    wrong = {
        404: person.get(address("prompt", world, client="nowhere")),
        405: person.delete(reverse("portal:clients")),
        403: strict.post(reverse("portal:logout")),
        422: person.post(address("refine", world), {"revision": 1}),
        409: person.post(address("draft", world), {"text": "x", "revision": 999, "part": "text"}),
    }
    for status, answer in wrong.items():
        assert answer.status_code == status
        _policy_holds(answer)


def _policy_holds(answer):
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["Content-Security-Policy"].split(";"))
    assert rules["frame-ancestors"] == rules["object-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["default-src"] == rules["form-action"] == "'self'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


ELSEWHERE = (
    "https://elsewhere.example/",
    "http://elsewhere.example/",
    "//elsewhere.example/",
    "///elsewhere.example/",
    "/\\elsewhere.example/",
    "\\\\elsewhere.example/",
    "https:elsewhere.example",
    "https:/elsewhere.example",
    "http:///elsewhere.example/",
    "\t//elsewhere.example/",
    "\x08//elsewhere.example/",
    "https://testserver@elsewhere.example/",
    "https://testserver.elsewhere.example/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//testserver",
    "data:text/html,<script>alert(1)</script>",
)


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("name", ["login", "language"])
def test_signing_in_leads_to_no_other_site(db, name, where):
    factories.make_user(username="ana", password=PASSWORD)
    form = {"username": "ana", "password": PASSWORD, "language": "de", "next": where}
    answer = Browser().post(reverse(f"portal:{name}"), form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_signing_in_goes_on_to_where_one_wanted(db, person):
    factories.make_user(username="ana", password=PASSWORD)
    wanted = f"{reverse('portal:deliveries')}?state=buried"
    asked = Browser().get(wanted)
    form = {"username": "ana", "password": PASSWORD, "next": wanted}
    assert asked.headers["Location"] == "/login/?next=/deliveries/%3Fstate%3Dburied"
    assert Browser().post(reverse("portal:login"), form).headers["Location"] == wanted


def test_a_session_that_somebody_planted_is_not_the_one_that_signs_in(db):
    factories.make_user(username="ana", password=PASSWORD)
    browser = Browser()
    planted = browser.session
    planted["seen"] = "before"
    planted.save()
    browser.cookies["sessionid"] = planted.session_key
    browser.get(reverse("portal:login"))
    token = browser.cookies["csrftoken"].value
    answer = browser.post(reverse("portal:login"), {"username": "ana", "password": PASSWORD})
    assert answer.status_code == 302
    fresh = answer.cookies["sessionid"]
    assert fresh.value != planted.session_key
    assert fresh["httponly"]
    assert fresh["samesite"] == "Lax"
    assert answer.cookies["csrftoken"].value != token
    thief = Browser()
    thief.cookies["sessionid"] = planted.session_key
    assert thief.get(reverse("portal:clients")).status_code == 302, "the planted one is nobody's"
    browser.post(reverse("portal:logout"))
    thief.cookies["sessionid"] = fresh.value
    assert thief.get(reverse("portal:clients")).status_code == 302, "and after signing out the real one, too"


def test_a_changed_password_ends_every_session_of_the_account(db):
    account = factories.make_user(password=PASSWORD)
    browser = browser_of(account)
    assert browser.get(reverse("portal:clients")).status_code == 200
    account.set_password("another sentence, as long")
    account.save()
    assert browser.get(reverse("portal:clients")).status_code == 302


FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", '=HYPERLINK("http://elsewhere.example","x")', "=cmd|'/c x'!A1")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_file_is_calculated(db, person, formula):
    """Wherever people choose a word: a prompt's name, an account's, a reason, a client's name."""
    client = factories.make_client(name=formula.strip())
    instance = factories.make_instance(client=client, name=formula.strip())
    version = factories.make_instance_version(instance=instance)
    factories.make_publication(version=version, reason=formula.strip())
    factories.make_event(id=unique("id"), label=formula, client_id=client.pk)
    for path in (
        reverse("portal:audit_csv"),
        reverse("portal:activity_csv", kwargs={"client": client.slug, "instance": instance.pk}),
    ):
        answer = person.get(path)
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        assert len(rows) > 2
        assert any(formula.strip()[1:] in cell for row in rows for cell in row), "the words are still there"
        assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []
    told = json.loads(person.get(reverse("portal:audit_json")).content)
    assert any(row["subject"]["label"] == formula for row in told["results"]), "a program is told what it was"
