"""A secret that was changed stays a secret: what a provider still has of it is nowhere shown, written or taken over.

A prompt was published with one secret and is published with the next; another one waits in its draft. The provider was
put back to the first, and shows the text with all three.
"""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from instances import drafts, versions
from instances.models import PublishedSecrets
from publishing import courier, drift, publish
from publishing.adapters import memory
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.hostile.portal_requests import CELLS, address, send
from tests.hostile.sinks import shown, watched
from tests.hostile.test_rights_matrix import OPERATIONS
from tests.hostile.test_secrets_in_pages import SPELLED, _looks
from tests.hostile.two_worlds import HEADERS, REQUESTS, make_world
from tests.integration.admin.rooms import browser_of
from tests.integration.gateway.conftest import ALL, Caller

OLD = 'kumquat <7319> "zebra" & o\'k\\é=%41'
PRESENT = 'tamarind <8820> "okapi" & l\'eau\\ß=%42'
NEXT = 'durian <6604> "gnu" & x\'y\\ö=%43'
WORDS = ("kumquat", "zebra", "tamarind", "okapi", "durian")
SECRETS = (OLD, PRESENT, NEXT, *WORDS)
SETTLES = {"adopt_drift": 422}
"""The text holds secrets in other spellings, which no draft may."""


@pytest.fixture(scope="module")
def _built(django_db_setup, django_db_blocker):
    """Made once, in a transaction that is undone."""
    memory.clear()
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        from django.conf import settings

        patch.setattr(drift, "QUIET", drift.QUIET * 0)
        patch.setattr(settings, "API_RATE", "1000000/s")
        yield _world(), browser_of(factories.make_user(superuser=True))
        transaction.set_rollback(True)


def _change(world, secret):
    row = drafts.get(key=world.instance.pk, actor=SYSTEM)
    return drafts.edit(
        instance=row, revision=row.revision, variables={**row.variables, "pin": secret}, by=SYSTEM, at=AT
    )


def _world():
    world = make_world("own", secret=OLD)
    publish.publish(instance=_change(world, PRESENT), by=SYSTEM, at=AT)
    courier.deliver(lane_id=world.placement.lane_id, by=SYSTEM)
    assert PRESENT in memory.slots["own-good"].text
    echoes = [f"Line {how}: {spell(secret)}" for secret in (OLD, PRESENT, NEXT) for how, spell in SPELLED.items()]
    memory.slots["own-good"].text = "\n".join([f"For own: {OLD}.", *echoes])
    world.instance = _change(world, NEXT)
    world.drift = drift.check(placement=world.placement, by=SYSTEM, at=AT)
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


def test_the_secrets_are_really_there(world):
    assert set(versions.secrets_ever(instance=world.instance)) == {OLD, PRESENT, NEXT}
    assert [list(row.values.values()) for row in PublishedSecrets.objects.filter(instance=world.instance)] == [
        [OLD],
        [PRESENT],
    ]
    assert all(word in world.drift.observed for word in WORDS)


def test_no_operation_lets_a_former_secret_out(world, sinks):
    admin = Caller(factories.make_token(scopes=ALL, superuser=True)[1])
    leaked = {}
    for name in sorted(REQUESTS):
        path, body = REQUESTS[name](world)
        with transaction.atomic():
            response = admin(OPERATIONS[name][0], path, body, Idempotency_Key=f"key-{name}", **HEADERS.get(name, {}))
            assert response.status_code < 500, (name, response.content)
            assert name not in SETTLES or response.status_code == SETTLES[name], response.content
            revealed = name == "reveal_instance_version"
            assert not revealed or response.json()["content_revealed"] == f"For own: {PRESENT}."
            if found := sinks.found(answer=b"" if revealed else response.content):
                leaked[name] = found
            transaction.set_rollback(True)
    assert leaked == {}


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_no_page_and_no_form_lets_a_former_secret_out(world, sinks, person, name, method):
    with transaction.atomic():
        answer = send(person, name, method, world)
        found = sinks.found(answer=shown(answer))
        if answer.status_code == 302:
            found += sinks.found(answer=shown(person.get(answer.headers["Location"])))
        transaction.set_rollback(True)
    assert found == []


def test_no_way_of_looking_at_a_text_shows_a_former_secret(world, sinks, person):
    asked = [(address(name, world), given) for name, given in _looks(world)]
    asked.append((reverse("admin:prompthub_publishing_drift_change", args=[world.drift.pk]), {}))
    asked.append((reverse("admin:prompthub_instances_promptinstance_change", args=[world.instance.pk]), {}))
    leaked = {}
    for path, given in asked:
        answer = person.get(path, given)
        assert answer.status_code == 200, (path, given)
        if found := sinks.found(answer=shown(answer)):
            leaked[path, str(given)] = found
    assert leaked == {}
