"""No page says a word that is not translated: with a language that brackets everything, only data stands outside."""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils.translation import trans_real

from audit.actions import Action
from foundation.actors import system
from portal import components
from prompthub_kernel.body import ROLES
from publishing import adapters, courier, loopback
from publishing.adapters import memory
from publishing.models import Delivery, Lane
from tenancy.policy import Role
from tests import factories
from tests.e2e.hub import Hub
from tests.e2e.pages import ADDRESSES, places, who
from tests.integration.admin.rooms import browser_of
from tests.integration.portal.shop import build_shop, form_of, publish_now, row_of, write
from tests.integration.portal.spoken import Brackets, known, stored, unspoken

GERMAN = {"Accept-Language": "de"}
ADAPTERS = set(adapters.REGISTRY)
# Words of the gallery's examples that its forms hold, and what the search page is asked for.
EXAMPLES = {"Name", "Text", "Company", "After", "Text of the prompt", "1 to 200 characters", "phone"} | {
    "The draft was changed meanwhile"
}
# What fields of the registry's forms show as an example.
EXAMPLES |= {"@repository", "bundle", "bundle@stable", "prompt", "staging", "stable", "beta", "staff"}


class InProcess(Hub):
    """The demo world's program, without a server between."""

    def call(self, method, path, body=None):
        browser = Browser(headers={"host": "localhost", "authorization": f"Bearer {self.token}"})
        answer = browser.generic(method, path, json.dumps(body or {}), "application/json", secure=True)
        assert answer.status_code < 300, answer.content
        return answer.json()


@pytest.fixture
def brackets(monkeypatch):
    monkeypatch.setitem(trans_real._translations, "de", Brackets("de"))


@pytest.fixture
def hub(db, settings, tmp_path, monkeypatch):
    """The demo world with its provider on this machine, everything delivered."""
    memory.clear()
    settings.STATE_DIR = tmp_path / "state"
    shelf = loopback.Shelf()
    with loopback.Loopback(shelf) as server:
        monkeypatch.setenv("PROMPTHUB_PROVIDER_PORT", str(server.server_port))
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset({server.address})
        threading.Thread(target=server.serve_forever, daemon=True).start()
        call_command("demo", verbosity=0)
        for lane in Lane.objects.all():
            courier.deliver(lane_id=lane.pk, by=system())
        kept = json.loads((settings.STATE_DIR / "demo.json").read_text())
        yield InProcess("", kept["token"], f"http://{server.address}")
        server.shutdown()


def signed_in(username):
    from django.contrib.auth import get_user_model

    if not username:
        found = Browser(headers={"host": "localhost"})
        found.defaults["wsgi.url_scheme"] = "https"
        return found
    return browser_of(get_user_model().objects.get(username=username))


def read(browser, path):
    answer = browser.get(path, headers=GERMAN)
    return answer.content.decode()


def test_every_page_is_told_in_the_language_of_the_person(hub, brackets):
    people = {name: signed_in(name) for name in ("", "demo", "operator")}
    where = places(hub, lambda path: read(people["operator"], path))
    examples = EXAMPLES | known([part().states for part in components.PARTS])
    data = stored() | ADAPTERS | set(ROLES) | set(Action) | examples
    silent = {}
    for name, template in ADDRESSES.items():
        answer = people[who(name)].get(template.format(**where), headers=GERMAN)
        assert answer.status_code in {200, 404}, (name, answer.status_code)
        if left := unspoken(answer.content.decode(), data):
            silent[name] = left

    assert "\n".join(f"{name}: {left}" for name, left in silent.items()) == ""


@pytest.fixture
def told(brackets, db):
    """Looks at an answer: what of it is said in no language."""

    def look(answer, *, status=200, more=()):
        assert answer.status_code == status, answer.content.decode()[-1500:]
        return unspoken(answer.content.decode(), stored() | set(ROLES) | {*more})

    return look


def test_what_a_form_answers_is_told_too(told):
    shop = build_shop()
    browser = shop.person()

    def post(name, given, **more):
        status = more.pop("status", 200)
        return told(browser.post(shop.address(name), given, headers=GERMAN), status=status, **more)

    stale = {"part": "text", "session": "session-0001", "text": "Mine {{ company }}", "revision": "1"}
    assert post("draft", {**stale, "text": "Dear {{ nobody }}"}, status=422) == []
    assert post("draft", {**stale, "part": "variables", "variable-company": ""}, status=422) == []
    write(shop, "Theirs {{ company }}")
    assert post("draft", stale, status=409) == []
    assert post("preview", {**stale, "text": "{% if %}"}, more=["company"]) == []
    publish_now(shop)
    looked = form_of(shop, "desk", "phone")
    publish_now(shop, "Faster {{ company }}")
    assert post("publish", looked, status=409) == []
    assert post("publish", {}, status=409) == []
    assert post("refine", {"revision": row_of(shop).revision}, status=422, more=["scripted-1"]) == []
    assert post("archive", {}, status=302) == []
    assert told(browser.get(shop.address("prompt"), headers=GERMAN)) == []
    assert post("publish", looked, status=409) == []


def test_pages_of_several_things_and_their_answers_are_told_too(told):
    shop = build_shop()
    browser, admin = shop.person(), shop.person(Role.ADMINISTRATOR)
    lists = f"/clients/{shop.client.slug}/prompts/"
    chosen = {"prompt": [str(shop.instance.pk)], "reason": ""}
    assert told(browser.post(f"{lists}publish/", chosen, headers=GERMAN)) == []
    assert told(browser.post(f"{lists}publish/", chosen, headers=GERMAN)) == []
    publish_now(shop, "Newer {{ company }}")
    delivery = Delivery.objects.filter(placement=shop.places["desk"]).latest("id")
    factories.make_attempt(delivery=delivery, outcome="refused", code="502.adapter_publish_error_memory")
    for state in ("", "queue", "retries", "dead", "delivered", "superseded"):
        assert told(browser.get(f"/deliveries/?state={state}", headers=GERMAN), more=ADAPTERS) == []
    page = f"/deliveries/{delivery.pk}/"
    assert told(browser.get(page, headers=GERMAN), more=ADAPTERS) == []
    assert told(browser.post("/deliveries/replay/", {"delivery": [str(delivery.pk)]}, headers=GERMAN)) == []
    target = f"/clients/{shop.client.slug}/targets/{shop.places['desk'].target_id}/"
    assert told(admin.post(f"{target}test/", headers=GERMAN), more=ADAPTERS) == []
    assert told(admin.post(f"{target}disable/", headers=GERMAN, follow=True), more=ADAPTERS) == []
    new = f"/clients/{shop.client.slug}/targets/new/?adapter=n8n"
    assert told(admin.post(new, {"settings-base_url": "nowhere"}, headers=GERMAN), status=422, more=ADAPTERS) == []
    assert told(browser.post(f"{target}disable/", headers=GERMAN), status=403) == []
    assert told(browser.post(f"{lists}archive/", chosen, headers=GERMAN)) == []
    assert told(browser.get(f"{lists}?status=draft", headers=GERMAN)) == []
    assert told(browser.get("/search/?q=zzz", headers=GERMAN), more=["zzz"]) == []
    assert told(browser.get("/drifts/?state=ended", headers=GERMAN)) == []
    assert told(browser.get("/nowhere", headers=GERMAN), status=404) == []


def test_coming_in_is_told_too(told, settings):
    settings.AXES_FAILURE_LIMIT = 2
    browser = signed_in("")
    wrong = {"username": "nobody", "password": "wrong"}
    assert told(browser.post("/login/", wrong, headers=GERMAN)) == []
    assert told(browser.post("/login/", wrong, headers=GERMAN), status=429) == []
