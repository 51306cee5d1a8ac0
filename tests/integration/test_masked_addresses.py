"""The query of a target's address may hold a secret: it is written by whoever administers, and read by nobody."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from publishing import masking, targets
from publishing.models import Target
from tenancy import policy
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import address, browser_of
from tests.integration.gateway.conftest import Caller
from tests.problems import assert_problem

pytestmark = pytest.mark.django_db

SECRET = "of-the-query-7261"
URL = f"https://hooks.example.com/in?token={SECRET}"
READ_URL = f"https://hooks.example.com/out?token={SECRET}&name={{name}}"
SHOWN = "https://hooks.example.com/in?[redacted]"
KEYS = {"signing_secret": "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}


@pytest.fixture
def target(db):
    given = {"url": URL, "read_url": READ_URL}
    client = factories.make_client()
    row = targets.create(
        client=client, name="hook", adapter="webhook", settings=given, credentials=KEYS, by=SYSTEM, at=AT
    )
    targets.change(target=row, settings={"url": f"{URL}-older"}, by=SYSTEM, at=AT)  # leaves an earlier state
    return targets.change(target=row, settings=given, by=SYSTEM, at=AT)


@pytest.fixture
def program(target, settings):
    """Makes a caller of the API with a role at the client."""
    settings.SECURE_SSL_REDIRECT = False

    def make(role, *scopes):
        return Caller(factories.make_token(scopes=scopes, roles={target.client: role})[1])

    return make


@pytest.fixture
def person(target):
    """Makes a browser of somebody with a role at the client."""

    def make(role, **standing):
        account = factories.make_user(**standing)
        policy.grant(role=role, place=target.client, to=account, by=SYSTEM, at=AT)
        return browser_of(account)

    return make


def stored(target):
    return Target.objects.get(pk=target.pk).settings


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])
def test_the_api_shows_where_it_goes_and_not_the_query(target, program, role):
    caller = program(role, "read", "admin")
    slug = target.client.slug
    for path in (f"targets/{target.pk}", f"clients/{slug}/targets", f"audit?client={slug}"):
        answer = caller.get(path)
        assert answer.status_code == 200
        assert SECRET not in answer.content.decode()
    assert caller.get(f"targets/{target.pk}").json()["settings"] == {
        "url": SHOWN,
        "read_url": "https://hooks.example.com/out?[redacted]",
    }


def test_creating_and_changing_answer_without_it(target, program):
    caller = program(Role.ADMINISTRATOR, "read", "admin")
    body = {"name": "other", "adapter": "webhook", "settings": {"url": URL}, "credentials": KEYS}
    made = caller.post(f"clients/{target.client.slug}/targets", body, Idempotency_Key="k-1")
    again = caller.post(f"clients/{target.client.slug}/targets", body, Idempotency_Key="k-1")
    changed = caller("PATCH", f"targets/{made.json()['id']}", {"settings": {"url": f"{URL}-new"}})
    assert (made.status_code, again.content, changed.status_code) == (201, made.content, 200)
    assert SECRET not in (made.content + changed.content).decode()
    assert Target.objects.get(name="other").settings == {"url": f"{URL}-new"}


def test_what_was_read_can_be_sent_back_and_another_query_replaces_it(target, program):
    caller = program(Role.ADMINISTRATOR, "read", "admin")
    path = f"targets/{target.pk}"
    read = caller.get(path).json()["settings"]
    assert caller("PATCH", path, {"settings": {**read, "max_body_bytes": 5000}}).status_code == 200
    assert stored(target) == {"url": URL, "read_url": READ_URL, "max_body_bytes": 5000}
    other = "https://hooks.example.com/in?token=b"
    assert caller("PATCH", path, {"settings": {**read, "url": other}}).status_code == 200
    assert stored(target) == {"url": other, "read_url": READ_URL}


@pytest.mark.parametrize("moved", ["https://elsewhere.example.com/in?[redacted]", SHOWN.replace("/in", "/in2")])
def test_a_mask_at_another_address_is_refused_and_never_filled_in(target, program, moved):
    caller = program(Role.ADMINISTRATOR, "read", "admin")
    answer = caller("PATCH", f"targets/{target.pk}", {"settings": {"url": moved}})
    problem = assert_problem(answer, "422.request_invalid", "/settings/url")
    assert problem["errors"][0]["detail"] == "The query of this address is not shown: write it in full."
    body = {"name": "other", "adapter": "webhook", "settings": {"url": SHOWN}, "credentials": KEYS}
    assert_problem(caller.post(f"clients/{target.client.slug}/targets", body), "422.request_invalid", "/settings/url")
    assert stored(target) == {"url": URL, "read_url": READ_URL}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])
def test_the_portal_shows_it_masked_and_keeps_it(target, person, role):
    browser, where = person(role), reverse("portal:target", args=[target.client.slug, target.pk])
    page = browser.get(where).content.decode()
    assert SHOWN in page
    assert SECRET not in page
    given = {"settings-url": SHOWN, "settings-read_url": "", "settings-max_body_bytes": "5000"}
    assert browser.post(where, given).status_code == (302 if role is Role.ADMINISTRATOR else 403)
    kept = {"url": URL, "max_body_bytes": 5000} if role is Role.ADMINISTRATOR else {"url": URL, "read_url": READ_URL}
    assert stored(target) == kept


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])
def test_the_staffs_pages_show_it_masked_its_earlier_states_too(target, person, role):
    browser = person(role, staff=True)
    history = browser.get(address(Target, "history", target.pk)).content.decode()
    states = re.findall(rf'href="([^"]*/{target.pk}/history/\d+/)"', history)
    assert len(set(states)) == 3
    change = reverse(f"admin:{Target._meta.app_label}_target_change_settings", args=[target.pk])
    for where in (address(Target, "change", target.pk), change, *states):
        page = browser.get(where)
        assert page.status_code == 200
        assert "hooks.example.com/in?[redacted]" in page.content.decode()
        assert SECRET not in page.content.decode()
    assert "example.com/in?[redacted]" in history, "the changes between two states are told there"
    assert SECRET not in history


def test_the_remote_object_is_named_without_it(target):
    placement = factories.make_placement(
        target=target, instance=factories.make_instance(client=target.client), location={"name": "greeting"}
    )
    address, digest, client = re.split("[?#]", placement.lane.remote_key)
    assert (address, client) == ("webhook:hooks.example.com/in", str(target.client_id))
    assert re.fullmatch("[0-9a-f]{16}", digest)
    assert SECRET not in placement.lane.remote_key


def test_settings_without_a_query_are_shown_as_they_are():
    given = {"url": "https://hooks.example.com/in", "max_body_bytes": 5000, "fail": ["refused?"]}
    assert masking.masked(given) == given
    assert masking.kept(given, stored={"url": URL}) == given
