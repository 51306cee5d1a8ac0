"""A secret that was typed into the portal, or echoed by a provider, is on no page of it and in nothing it writes.

Forms that are shown again, files, what is saved while somebody writes, previews, comparisons, the ledger, sessions,
histories and logs; in every spelling a page, a file, an address or a header may give it.
"""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse

from audit.models import AuditEvent
from foundation.actors import system
from publishing import courier, deliveries, drift, publish
from publishing.adapters import memory
from publishing.models import Delivery
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.fakes.standin import Reply
from tests.fakes.webhook_receiver import WebhookReceiver
from tests.hostile.portal_requests import CELLS, OWN_ALONE, address, as_asked_for_by, send
from tests.hostile.sinks import shown, watched
from tests.hostile.two_worlds import make_world
from tests.integration.admin.rooms import browser_of

VARIABLE = 'kumquat <7319> "zebra" & o\'k\\é=%41'
READ_TOKEN = "quagga-5517<&>\"'\\/?=%3Cibis"
SIGNING = "whsec_" + base64.b64encode(bytes(range(200, 236))).decode()
FRESH = 'tamarind <8820> "okapi" & l\'eau\\ß=%42'
FRESH_SIGNING = "whsec_" + base64.b64encode(bytes(range(150, 186))).decode()
PASSWORD = 'durian <6604> "gnu" & x\'y\\ö=%43'
WORDS = ("kumquat", "zebra", "quagga", "tamarind", "okapi", "durian")
SECRETS = (VARIABLE, READ_TOKEN, SIGNING, SIGNING[6:], FRESH, FRESH_SIGNING, FRESH_SIGNING[6:], PASSWORD, *WORDS)
CREDENTIALS = {"credentials-signing_secret": FRESH_SIGNING}
SPELLED = {
    "as it is": str,
    "in HTML": html.escape,
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in an address": lambda secret: quote(secret, safe=""),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in a header": lambda secret: base64.b64encode(f"hook:{secret}".encode()).decode(),
}
"""How a provider may echo what it was sent."""


def _echoes(secrets):
    for spell in SPELLED.values():
        for secret in secrets:
            told = spell(secret)
            yield Reply.of(400, {"message": f"Refused {told}."})
            yield Reply(400, f"Refused {told}.".encode(), {"Content-Type": "text/plain"})
            yield Reply.html(400, f"<html><head><title>No {told}</title></head><body>{told}</body></html>")


@pytest.fixture(scope="module")
def _built(django_db_setup, django_db_blocker):
    """A world full of secrets, and a provider that echoes them: made once, in a transaction that is undone."""
    memory.clear()
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        transaction.atomic(),
        WebhookReceiver() as receiver,
    ):
        from django.conf import settings

        patch.setattr(drift, "QUIET", drift.QUIET * 0)
        patch.setattr(settings, "PROMPTHUB_EGRESS_ALLOW", frozenset({receiver.address}))
        yield _world(receiver), browser_of(factories.make_user(superuser=True))
        transaction.set_rollback(True)


def _world(receiver):
    world = make_world("own", secret=VARIABLE)
    slot = memory.slots["own-good"]
    slot.text = "".join(f"Line {how}: {spell(VARIABLE)}\n" for how, spell in SPELLED.items())
    world.drift = drift.check(placement=world.placement, by=SYSTEM, at=AT)
    hook = factories.make_target(
        client=world.client,
        name="hook",
        adapter="webhook",
        settings={"url": receiver.url, "read_url": f"{receiver.base_url}/prompts/{{name}}"},
        credentials={"signing_secret": SIGNING, "read_token": READ_TOKEN},
    )
    placement = factories.make_placement(instance=world.instance, target=hook, location={"name": "greeting"})
    publish.publish(instance=world.instance, by=SYSTEM, at=AT)
    for number, reply in enumerate(_echoes((VARIABLE, READ_TOKEN, SIGNING))):
        if number:
            deliveries.replay(delivery=deliveries.newest_for(placement=placement), by=SYSTEM, at=AT)
        receiver.fault(reply)
        courier.deliver(lane_id=placement.lane_id, by=system())
    world.hook, world.tries = hook, Delivery.objects.filter(placement=placement)
    world.buried = deliveries.newest_for(placement=placement)
    world.instance.refresh_from_db()
    return world


@pytest.fixture
def world(_built, db):
    return _built[0]


@pytest.fixture
def sinks(world, caplog):
    caplog.set_level("DEBUG")
    caplog.set_level("INFO", "django.template")  # tells every optional argument that is not given, with a traceback
    with watched(SECRETS) as made:
        yield made


@pytest.fixture
def person(_built, db, monkeypatch):
    """Somebody who may do everything, and so sees everything."""
    monkeypatch.setattr(_built[1], "raise_request_exception", True)
    return _built[1]


def test_the_provider_really_echoed_and_the_secrets_are_really_there(world):
    assert world.instance.secret_values == {"pin": VARIABLE}
    assert world.hook.credential_values == {"signing_secret": SIGNING, "read_token": READ_TOKEN}
    assert "7319" in world.drift.observed
    told = [row.attempts.get().detail for row in world.tries.filter(state="buried")]
    assert len(told) == 3 * 3 * len(SPELLED)
    assert all("answered 400" in detail for detail in told)


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_no_page_and_no_form_lets_a_secret_out(world, sinks, person, name, method):
    with transaction.atomic():
        if name in OWN_ALONE:
            as_asked_for_by(world, get_user(person))
        answer = send(person, name, method, world)
        # A text with a secret in another spelling is not taken over: it would stand in the draft for all to read.
        assert answer.status_code in ({422} if name == "adopt" else {200, 302})
        found = sinks.found(answer=shown(answer))
        if answer.status_code == 302:
            found += sinks.found(answer=shown(person.get(answer.headers["Location"])))
        transaction.set_rollback(True)
    assert found == []


def _looks(world):
    """Pages that show text, by what they are asked to show."""
    words = ["draft", "template", "active", "version:1", f"confirmed:{world.placement.pk}"]
    views = [("split", "rendered"), ("unified", "rendered"), ("split", "source"), ("structure", "source")]
    for target in words:
        for view, level in views:
            for base in ("template", f"confirmed:{world.placement.pk}"):
                yield "compare", {"base": base, "target": target, "level": level, "view": view, "whole": "1"}
        yield "patch", {"base": "template", "target": target, "level": "rendered"}
    for tab in ({"tab": "variables"}, {"tab": "variables", "as": "json"}, {"tab": "versions"}, {"version": "1"}):
        yield "prompt", tab
    for show in ("source", "rendered"):
        yield "publish", {"show": show, "check": "1"}
    for view in ("split", "unified"):
        yield "drift", {"view": view}
    yield "search", {"q": "own"}


def test_no_way_of_looking_at_a_text_shows_a_secret(world, sinks, person):
    asked = [(address(name, world), given) for name, given in _looks(world)]
    asked += [(address("delivery", world, delivery=row.pk), {}) for row in world.tries]
    asked += [(address("target", world, target=world.hook.pk), {}), (address("deliveries", world), {})]
    asked += [(address("target_credentials", world, target=world.hook.pk), {})]
    events = AuditEvent.objects.filter(subject_kind="instance", subject_id=str(world.instance.pk))
    asked += [(address("activity_change", world, event=event.pk), {}) for event in events]
    leaked = {}
    for path, given in asked:
        answer = person.get(path, given)
        assert answer.status_code == 200, (path, given)
        if found := sinks.found(answer=shown(answer)):
            leaked[path, str(given)] = found
    assert leaked == {}
    assert len(asked) > 70


@pytest.mark.parametrize("words", ["kumquat", VARIABLE, base64.b64encode(VARIABLE.encode()).decode()])
def test_nothing_is_found_by_a_secret(world, person, words):
    assert str(world.instance.pk) in person.get(reverse("portal:search"), {"q": "own"}).content.decode()
    answer = person.get(reverse("portal:search"), {"q": words})
    assert answer.status_code == 200
    assert str(world.instance.pk) not in answer.content.decode()


def _typed(world):
    """Secrets typed where they belong, beside what is wrong; and in places where they do not belong."""
    revision = world.instance.revision
    variables = {"part": "variables", "revision": revision, "variable-company": "A", "variable-pin": FRESH}
    as_json = {**variables, "as": "json", "variables_json": '{"company": 5}'}
    hidden = {**as_json, "variables_json": json.dumps({"company": "A", "pin": FRESH})}
    missing = {**variables, "variable-company": ""}
    new = {"template": world.template.pk, "name": "new", "revision": 1, "variable-pin": FRESH}
    target = {"name": "new", "settings-url": "https://hooks.invalid/", "credentials-signing_secret": FRESH_SIGNING}
    hook = {"target": world.hook.pk}
    return {
        "saved": ("draft", {}, variables, 302),
        "saved while writing": ("draft", {}, {**variables, "autosave": "1"}, 200),
        "one is missing": ("draft", {}, missing, 422),
        "one is missing, while writing": ("draft", {}, {**missing, "autosave": "1"}, 422),
        "of the wrong kind": ("draft", {}, as_json, 422),
        "among the open ones": ("draft", {}, hidden, 422),
        "among the open ones, while writing": ("draft", {}, {**hidden, "autosave": "1"}, 422),
        "in half a JSON text": ("draft", {}, {**as_json, "variables_json": '{"company": '}, 422),
        "changed meanwhile": ("draft", {}, {**variables, "revision": revision + 1}, 409),
        "changed meanwhile, while writing": (
            "draft",
            {},
            {**variables, "revision": revision + 1, "autosave": "1"},
            409,
        ),
        "previewed": ("preview", {}, variables, 200),
        "previewed, one missing": ("preview", {}, missing, 200),
        "previewed among the open ones": ("preview", {}, hidden, 200),
        "a new prompt": ("prompt_new", {}, {**new, "variable-company": "A"}, 302),
        "a new prompt, one missing": ("prompt_new", {}, {**new, "variable-company": ""}, 422),
        "a new prompt, its name too long": (
            "prompt_new",
            {},
            {**new, "variable-company": "A", "name": "x" * 300},
            422,
        ),
        "a new target": ("target_new", {}, target, 302),
        "a new target without a name": ("target_new", {}, {**target, "name": ""}, 422),
        "a new target at no address": ("target_new", {}, {**target, "settings-url": "nowhere"}, 422),
        "a new target of a taken name": ("target_new", {}, {**target, "name": "hook"}, 409),
        "no signing secret": ("target_new", {}, {**target, "credentials-signing_secret": FRESH}, 422),
        "credentials": ("target_credentials", hook, CREDENTIALS, 302),
        "credentials of the wrong kind": ("target_credentials", hook, {"credentials-signing_secret": FRESH}, 422),
        "half of the credentials": ("target_credentials", hook, {"credentials-read_token": "short" + FRESH}, 422),
        "credentials among the settings": (
            "target",
            hook,
            {"settings-url": "", "credentials-signing_secret": FRESH_SIGNING},
            422,
        ),
    }


WAYS = (
    *("saved", "saved while writing", "one is missing", "one is missing, while writing", "of the wrong kind"),
    *("among the open ones", "among the open ones, while writing", "in half a JSON text", "changed meanwhile"),
    *("changed meanwhile, while writing", "previewed", "previewed, one missing", "previewed among the open ones"),
    *("a new prompt", "a new prompt, one missing", "a new prompt, its name too long", "a new target"),
    *("a new target without a name", "a new target at no address", "a new target of a taken name"),
    *("no signing secret", "credentials", "credentials of the wrong kind", "half of the credentials"),
    "credentials among the settings",
)


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize("way", WAYS)
def test_a_typed_secret_is_not_shown_again(world, sinks, person, way, htmx):
    ways = _typed(world)
    assert set(ways) == set(WAYS)
    name, other, form, status = ways[way]
    path = address(name, world, **other) + ("?adapter=webhook" if name == "target_new" else "")
    with transaction.atomic():
        answer = person.post(path, form, headers={"HX-Request": "true"} if htmx else {})
        assert answer.status_code == status, answer.content.decode()[-2000:]
        found = sinks.found(answer=shown(answer))
        if status == 302:
            found += sinks.found(answer=shown(person.get(answer.headers["Location"])))
        transaction.set_rollback(True)
    assert found == []


def test_a_password_is_nowhere_whether_it_fits_or_not(world, sinks):
    factories.make_user(username="ana", password=PASSWORD)
    for name, password, status in (("ana", PASSWORD + "!", 200), ("ana", PASSWORD, 302), (PASSWORD, "x", 200)):
        answer = Browser().post(reverse("portal:login"), {"username": name, "password": password})
        assert answer.status_code == status
        told = b"" if name == PASSWORD else shown(answer)
        found = sinks.found(answer=told)
        assert found == [] or name == PASSWORD, found


def test_a_surprise_while_a_secret_is_typed_does_not_log_it(world, sinks, person, monkeypatch):
    def break_down(**given):
        raise ZeroDivisionError(f"with {given} in hand")

    monkeypatch.setattr("publishing.targets.rotate_credentials", break_down)
    person.raise_request_exception = False
    answer = person.post(address("target_credentials", world, target=world.hook.pk), CREDENTIALS)
    assert answer.status_code == 500
    assert sinks.found(answer=shown(answer)) == []
    assert "ZeroDivisionError" in sinks.log.getvalue()
