"""The portal speaks the language a person chose or their browser asks for; nothing else does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client as Browser
from django.utils import translation

import portal
from audit.models import AuditEvent
from portal.glossary import WORDS
from tests import factories
from tests.integration.admin.rooms import browser_of
from tests.integration.portal.shop import build_shop, form_of, page_of, publish_now

GLOSSARY = Path(portal.__file__).parents[1] / "docs" / "glossary.md"
with translation.override("en"):
    ENGLISH = [str(word) for word, _meaning in WORDS]
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.3"}


@pytest.fixture
def visitor(db):
    """A browser of nobody."""
    found = Browser(headers={"host": "localhost"}, enforce_csrf_checks=False)
    found.defaults["wsgi.url_scheme"] = "https"
    return found


def lang(answer):
    return answer.content.decode().split('<html lang="', 1)[1].split('"', 1)[0]


def choose(browser, language, **more):
    return browser.post("/language/", {"language": language, **more})


def test_english_is_spoken_to_who_asks_for_nothing(visitor):
    assert lang(visitor.get("/login/")) == "en"


@pytest.mark.parametrize("wanted", ["de", "de-AT", "fr, de;q=0.5"])
def test_a_browser_gets_the_language_it_asks_for(visitor, wanted):
    answer = visitor.get("/login/", headers={"Accept-Language": wanted})
    assert lang(answer) == "de"
    assert answer["Content-Language"] == "de"


@pytest.mark.parametrize("wanted", ["fr", "*", "tlh;q=x", ""])
def test_a_language_nobody_speaks_here_is_answered_in_english(visitor, wanted):
    assert lang(visitor.get("/login/", headers={"Accept-Language": wanted})) == "en"


def test_a_page_says_what_it_depends_on(operator):
    assert {"Accept-Language", "Cookie"} <= set(operator.get("/")["Vary"].split(", "))


def test_a_choice_is_remembered_and_wins_over_the_browser(visitor):
    answer = choose(visitor, "de", next="/login/?next=/audit/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/audit/")
    cookie = answer.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("de", True, "Lax")
    assert cookie["max-age"] >= 30 * 24 * 3600
    assert lang(visitor.get("/login/", headers={"Accept-Language": "en"})) == "de"
    choose(visitor, "en")
    assert lang(visitor.get("/login/", headers=GERMAN)) == "en"


def test_an_unknown_language_changes_nothing(visitor):
    assert settings.LANGUAGE_COOKIE_NAME not in choose(visitor, "xx", next="/login/").cookies
    visitor.cookies[settings.LANGUAGE_COOKIE_NAME] = "../../etc"
    assert lang(visitor.get("/login/", headers=GERMAN)) == "de"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_switch_leads_nowhere_else(visitor, elsewhere):
    assert choose(visitor, "de", next=elsewhere)["Location"] == "/"


def test_the_switch_wants_its_token_and_a_post(visitor):
    visitor.handler.enforce_csrf_checks = True
    answer = choose(visitor, "de")
    assert answer.status_code == 403
    assert settings.LANGUAGE_COOKIE_NAME not in answer.cookies
    assert visitor.get("/language/?language=de").status_code == 405


@pytest.mark.parametrize("path", ["/login/", "/", "/glossary/?a=b"])
def test_every_page_offers_the_switch(operator, visitor, path):
    html = page_of((visitor if path == "/login/" else operator).get(path, headers=GERMAN))
    assert f'name="next" value="{path}"' in html
    assert 'name="language" value="en" lang="en">English<' in html
    assert '<b lang="de">Deutsch</b>' in html


def test_a_page_that_answers_a_form_offers_none(visitor):
    assert 'name="language"' not in page_of(visitor.post("/login/", {"username": "a", "password": "b"}))


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/clients/nobody/prompts/", 404)])
def test_what_is_not_there_is_told_in_that_language(operator, path, status):
    answer = operator.get(path, headers=GERMAN)
    assert (answer.status_code, lang(answer)) == (status, "de")


def test_a_form_that_is_not_valid_any_more_is_told_in_that_language(visitor):
    visitor.handler.enforce_csrf_checks = True
    answer = visitor.post("/login/", {}, headers=GERMAN)
    assert (answer.status_code, lang(answer)) == (403, "de")


def test_the_thread_speaks_afterwards_as_it_did_before(operator):
    with translation.override("en"):
        operator.get("/", headers=GERMAN)
        assert translation.get_language() == "en"
    with translation.override(None):
        operator.get("/", headers=GERMAN)
        assert translation.get_language() is None


def test_programs_are_answered_in_english(operator, visitor):
    visitor.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    _row, secret = factories.make_token(scopes=("read", "draft"), superuser=True)
    bearer = {"Authorization": f"Bearer {secret}"}

    def answers(headers):
        visitor.get("/login/", headers=headers)  # the same thread, just before
        asked = [
            visitor.get("/api/v1/clients"),
            visitor.get("/api/v1/nowhere", headers={**bearer, **headers}),
            visitor.post("/api/v1/clients", {"name": ""}, "application/json", headers={**bearer, **headers}),
            visitor.get("/api/v1/me", headers={**bearer, **headers}),
        ]
        told = [json.loads(answer.content) for answer in asked]
        for body in told:
            body.pop("correlation_id", None)
        return [(answer.status_code, answer.get("Content-Language")) for answer in asked], told

    assert answers(GERMAN) == answers({"Accept-Language": "en"})
    assert answers(GERMAN)[1][0]["title"] == "Who are you?"


def test_the_ledger_and_its_files_are_the_same_in_every_language(db):
    def told(headers):
        shop = build_shop("Be kind.")
        browser = shop.person()
        for name in ("draft", "publish"):
            answer = browser.post(
                shop.address(name), {**form_of(shop, "desk"), "text": "Be brief.", "reason": ""}, headers=headers
            )
            assert answer.status_code in {302, 200}, answer.content.decode()[-500:]
        publish_now(shop, "Be gone.")
        events = AuditEvent.objects.filter(client_id=shop.client.pk).order_by("id")
        rows = [(one.action, one.door, one.actor_kind, sorted(one.metadata)) for one in events]
        file = browser.get(shop.address("activity_csv"), headers=headers)
        listed = json.loads(browser.get(shop.address("activity_json"), headers=headers).content)
        kinds = [(one["action"], one["actor"]["door"], one["subject"]["kind"]) for one in listed["results"]]
        return rows, file.content.decode().split("\r\n", 1)[0], kinds

    assert told(GERMAN) == told({"Accept-Language": "en"})


def test_staff_pages_and_their_log_are_english(db):
    staff = browser_of(factories.make_user(staff=True, superuser=True))
    german, english = (staff.get("/admin/", headers=one) for one in (GERMAN, {"Accept-Language": "en"}))
    assert (german.status_code, lang(german)) == (200, "en")
    said = [re.sub(r"(csrf|token|value)[^>]*", "", one.content.decode()) for one in (german, english)]
    assert said[0] == said[1]


@pytest.mark.parametrize("path", ["/healthz", "/docs/errors/404.not_found"])
def test_pages_for_programs_are_english(visitor, path):
    assert visitor.get(path, headers=GERMAN).content == visitor.get(path).content


def test_our_own_words_win_over_those_of_libraries():
    with (Path(portal.__file__).parent / "locale/de/LC_MESSAGES/django.po").open("rb") as catalogue:
        texts = [text for text in read_po(catalogue) if text.id and not text.pluralizable and not text.context]
    with translation.override("de"):
        said = {text.id: (translation.gettext(text.id), text.string) for text in texts}
    assert {text: both for text, both in said.items() if both[0] != both[1]} == {}
    assert said["Save"][0] == "Speichern"


def test_the_glossary_of_the_docs_says_the_same_german_words():
    rows = [line.strip("| ").split(" | ") for line in GLOSSARY.read_text(encoding="utf-8").splitlines()]
    told = {row[0].strip("*"): row[2].split(",")[0] for row in rows if row[0].startswith("**")}
    with translation.override("de"):
        shared = [(told[word], translation.gettext(word)) for word in told.keys() & set(ENGLISH)]
    assert len(shared) >= 15
    assert [pair for pair in shared if not pair[1].casefold().startswith(pair[0].casefold())] == []
