"""A secret goes in as a variable, a credential or a token; it comes out where it was asked for and nowhere else."""

from __future__ import annotations

import base64
import json

import pytest
from django.db import transaction
from django.test import Client as Browser

import contracts
from assist import runs
from foundation.actors import system
from publishing import courier, drift, publish
from publishing.adapters import memory
from publishing.models import Drift
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.fakes.llm_server import KEY, MODEL, LlmServer
from tests.fakes.standin import Reply
from tests.hostile.sinks import watched
from tests.hostile.test_rights_matrix import OPERATIONS
from tests.hostile.two_worlds import HEADERS, REQUESTS, VARIABLES, make_world
from tests.integration.gateway.conftest import ALL, Caller

VARIABLE = "kumquat-7319-zebra"
CREDENTIAL = "whsec_" + base64.b64encode(b"quince-4402-okapi-quince-4402").decode()
SECRETS = (VARIABLE, CREDENTIAL, CREDENTIAL.removeprefix("whsec_"))
TELLS_IT = {"reveal_instance_version": VARIABLE}


@pytest.fixture
def sinks(caplog):
    caplog.set_level("DEBUG")
    with watched(SECRETS) as made:
        yield made


@pytest.fixture
def world(db, monkeypatch, settings):
    """A published prompt with a secret, a provider that holds it and shows it back, and a webhook that failed."""
    settings.API_RATE = "1000000/s"
    memory.clear()
    monkeypatch.setattr(drift, "QUIET", drift.QUIET * 0)
    world = make_world("own", secret=VARIABLE)
    memory.slots["own-good"].text = f"Edited at the provider, with {VARIABLE} in it."
    world.drift = drift.check(placement=world.placement, by=SYSTEM, at=AT)
    assert isinstance(world.drift, Drift)
    hook = factories.make_target(
        client=world.client,
        name="hook",
        adapter="webhook",
        settings={"url": "https://hooks.invalid/in"},
        credentials={"signing_secret": CREDENTIAL},
    )
    placement = factories.make_placement(instance=world.instance, target=hook, location={"name": "greeting"})
    done = publish.publish(instance=world.instance, by=SYSTEM, at=AT)
    assert [delivery.placement_id for delivery in done.deliveries if delivery.placement_id == placement.id]
    courier.deliver(lane_id=placement.lane_id, by=system())
    return world


def test_the_secrets_are_really_there(world):
    assert world.instance.secret_values == {"pin": VARIABLE}
    assert VARIABLE in memory.slots["own-slow"].text or memory.slots["own-good"].history[0].text.endswith(
        f"{VARIABLE}."
    )


def test_no_operation_lets_a_secret_out(world, sinks):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    assert sinks.found() == []
    leaked = {}
    for name in sorted(REQUESTS):
        path, body = REQUESTS[name](world)
        with transaction.atomic():
            response = admin(OPERATIONS[name][0], path, body, Idempotency_Key=f"key-{name}", **HEADERS.get(name, {}))
            told = TELLS_IT.get(name)
            assert told is None or told in response.json()["content_revealed"]
            if found := sinks.found(answer=b"" if told else response.content):
                leaked[name] = found
            transaction.set_rollback(True)
    assert leaked == {}
    assert sinks.log.getvalue().count("api.wrote") >= 30


def _base(world):
    return f"projects/{world.project.slug}/bundles/{world.shelf.base.slug}"


def _address(world):
    """A prompt of a release, with the secret variable."""
    return f"{world.shelf.base.address}@1.0.0/welcome"


def _wrong(world):
    """Secrets sent where they do not fit: the refusal must not repeat them."""
    create = {"client": world.client.slug, "template_id": str(world.template.id)}
    instance = f"instances/{world.instance.id}"
    target = {"name": "new", "adapter": "webhook", "settings": {"url": "https://hooks.invalid/in"}}
    targets = f"clients/{world.client.slug}/targets"
    leaky = {**VARIABLES, "properties": {"pin": {"type": "string", "x-secret": True, "default": VARIABLE}}}
    return [
        ("POST", "instances", {**create, "variables": {"company": 7, "pin": VARIABLE}}),
        ("POST", "instances", {**create, "variables": {"company": "A", "pin": [VARIABLE]}}),
        ("POST", "instances", {**create, "variables": {"company": "A", "pin": VARIABLE, "unknown": VARIABLE}}),
        ("POST", "instances", {**create, "variables": VARIABLE}),
        ("PATCH", instance, {"revision": 99, "variables": {"company": "A", "pin": VARIABLE}}),
        ("PATCH", instance, {"revision": 1, "variables": {"company": None, "pin": VARIABLE}}),
        ("POST", f"{instance}/preview", {"variables": {"company": [VARIABLE]}}),
        ("POST", targets, {**target, "credentials": {"signing_secret": CREDENTIAL, "extra": CREDENTIAL}}),
        ("POST", targets, {**target, "credentials": {"signing_secret": [CREDENTIAL]}}),
        ("POST", targets, {**target, "credentials": {"signing_secret": CREDENTIAL[6:]}}),
        ("POST", targets, {**target, "credentials": CREDENTIAL}),
        ("POST", targets, {**target, "settings": {"url": f"https://user:{CREDENTIAL}@hooks.invalid/"}}),
        ("POST", f"targets/{world.target.id}/credentials", {"credentials": {"signing_secret": CREDENTIAL}}),
        ("POST", "templates", {"name": "leaky", "content_md": "{{ pin }}", "variables_schema": leaky}),
        ("POST", f"{_base(world)}/preview", {"prompt": "welcome", "variables": {"company": 7, "pin": VARIABLE}}),
        ("POST", "resolve", {"address": _address(world), "variables": {"company": "A", "pin": [VARIABLE]}}),
        ("POST", "resolve", {"address": _address(world), "variables": {"pin": VARIABLE, "unknown": VARIABLE}}),
        ("POST", "resolve", {"address": f"@{VARIABLE}", "variables": {"pin": VARIABLE}}),
        ("POST", "locks", {"requirements": {VARIABLE: VARIABLE}}),
        ("PUT", f"{_base(world)}/requirements/@a/b", {"revision": 1, "selector": VARIABLE}),
        ("POST", "clients", f'{{"slug": "{VARIABLE}'.encode()),
        ("GET", f"instances?client={VARIABLE}!", None),
    ]


def test_no_refusal_repeats_a_secret(world, sinks):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    leaked = []
    for method, path, body in _wrong(world):
        response = admin(method, path, body, **({"Idempotency_Key": "k"} if method == "POST" else {}))
        assert 400 <= response.status_code < 500, response.content
        if found := sinks.found(answer=response.content):
            leaked.append((path, body, found))
    assert leaked == []


def test_accepted_secrets_are_stored_encrypted_alone(world, sinks):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    variables = {"company": "A", "pin": VARIABLE}
    created = {"client": world.client.slug, "template_id": str(world.template.id), "variables": variables}
    target = {"name": "new", "adapter": "webhook", "settings": {"url": "https://hooks.invalid/in"}}
    requests = [
        ("POST", "instances", created),
        ("PATCH", f"instances/{world.instance.id}", {"revision": 1, "variables": variables}),
        ("POST", f"instances/{world.instance.id}/preview", {"variables": variables}),
        ("POST", f"clients/{world.client.slug}/targets", {**target, "credentials": {"signing_secret": CREDENTIAL}}),
        ("POST", f"{_base(world)}/preview", {"prompt": "welcome", "variables": variables}),
        ("POST", "resolve", {"address": _address(world), "variables": variables}),
    ]
    for number, (method, path, body) in enumerate(requests):
        response = admin(method, path, body, Idempotency_Key=f"k{number}")
        assert response.status_code < 300, response.content
        assert sinks.found(answer=response.content) == [], path


def test_a_token_is_in_its_own_answer_alone(world, sinks):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    issued = admin.post("tokens", {"name": "CI", "account": "ci", "scopes": ["read"]}, Idempotency_Key="k").json()
    sinks.secrets = (issued["token"], issued["token"].split("_", 2)[2])
    assert sinks.found() == []
    service = Caller(issued["token"])
    for response in (service.get("me"), service.get(f"clients/{issued['token']}"), service.post("clients", {})):
        assert sinks.found(answer=response.content) == []
    refused = Caller(issued["token"] + "x").get("me")
    assert sinks.found(answer=refused.content) == []
    assert sinks.found(answer=admin.get("tokens").content) == []


@pytest.fixture
def vendor(settings, monkeypatch):
    """A model's provider on this machine, which repeats in its refusals what it was sent."""
    with LlmServer() as running:
        settings.PROMPTHUB_EGRESS_ALLOW = frozenset({running.address})
        settings.ASSIST = {
            **settings.ASSIST,
            "llm": "openai",
            "url": f"{running.base_url}/v1",
            "key": KEY,
            "model": MODEL,
        }
        yield running


def test_no_model_is_told_a_secret_and_no_sink_the_models_key(world, sinks, vendor):
    sinks.secrets = (*SECRETS, KEY)
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    path = f"instances/{world.instance.id}/suggestions"
    body = {"instruction": "Say goodbye at the end.", "revision": world.instance.revision}
    for number, refusal in enumerate((None, Reply.of(401, {"error": {"message": f"Incorrect key: {KEY} {VARIABLE}"}}))):
        if refusal is not None:
            vendor.fault(refusal)
        asked = admin.post(path, body, Idempotency_Key=f"k{number}")
        assert asked.status_code == 202, asked.content
        assert runs.run(suggestion_id=asked.json()["id"], by=SYSTEM, at=AT)
        answer = admin.get(f"suggestions/{asked.json()['id']}")
        assert answer.json()["state"] == ("ready" if refusal is None else "failed")
        assert sinks.found(answer=asked.content + answer.content) == []
    sent = "".join(request.body.decode() + str(request.headers) for request in vendor.requests)
    assert sent.count(KEY) == len(vendor.requests) == 2
    assert not any(secret in sent for secret in SECRETS)
    assert "{{ pin }}" in sent


def test_a_question_with_a_secret_in_it_is_not_asked_and_not_kept(world, sinks, vendor):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    body = {"instruction": f"Put {VARIABLE} into it.", "revision": world.instance.revision}
    refused = admin.post(f"instances/{world.instance.id}/suggestions", body, Idempotency_Key="k")
    assert refused.status_code == 422
    assert sinks.found(answer=refused.content) == []
    assert vendor.requests == []


def test_a_surprise_while_a_secret_is_in_hand_does_not_log_it(world, sinks, monkeypatch):
    def break_down(**given):
        raise ZeroDivisionError(f"with {CREDENTIAL} in hand")

    monkeypatch.setattr("publishing.targets.rotate_credentials", break_down)
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    response = admin.post(f"targets/{world.target.id}/credentials", {"credentials": {"signing_secret": CREDENTIAL}})
    assert response.status_code == 500
    assert CREDENTIAL.encode() not in response.content
    assert "ZeroDivisionError" in sinks.log.getvalue()
    assert CREDENTIAL not in sinks.log.getvalue()


def test_figures_tasks_and_the_document_hold_no_secret(world, sinks, django_capture_on_commit_callbacks):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(f"drifts/{world.drift.id}/redeliver").status_code == 201
        assert admin.post(f"instances/{world.instance.id}/publish").status_code == 200
    assert sinks.rung
    assert "publish" in "".join(sinks.traced)
    assert sinks.found(answer=Browser().get("/metrics").content) == []
    assert sinks.found(answer=json.dumps(contracts.load("answers")).encode()) == []
    assert sinks.found(answer=Browser().get("/api/v1/openapi.json").content) == []
