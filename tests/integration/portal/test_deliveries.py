"""The page of deliveries: what waits, what is tried again, what was given up, and sending that again."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from publishing import deliveries, lanes
from publishing.models import Delivery, Lane
from tenancy import clients
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import SECRETS, browser_of, bury

LIST = "/deliveries/"


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def person(client):
    """Makes a browser of somebody with a role at the client."""

    def make(role=Role.PUBLISHER):
        account = factories.make_user()
        factories.make_actor(user=account, roles={client: role})
        return browser_of(account)

    return make


def place(client, **more):
    return factories.make_placement(target=factories.make_target(client=client, **more))


def retrying(client, **result):
    """A delivery that was not taken and waits for its next try."""
    delivery = factories.make_delivery(placement=place(client))
    lease = lanes.claim(lane_id=delivery.lane_id)
    begun = deliveries.next_due(lease=lease, by=SYSTEM, at=AT)
    given = {"outcome": "try_again", "duration_ms": 5, "code": "502.adapter_publish_error_memory", "detail": "busy"}
    deliveries.settle(delivery=begun, lease=lease, result=deliveries.Result(**{**given, **result}), by=SYSTEM, at=AT)
    lanes.release(lease=lease)
    delivery.refresh_from_db()
    return delivery


def at(name, delivery):
    return reverse(f"portal:{name}", args=[delivery.pk])


def keys(html):
    return re.findall(r'<th scope="row"><a href="/deliveries/([0-9a-f-]{36})/"', html)


def test_the_tabs_count_what_waits_what_is_retried_and_what_was_given_up(client, person):
    waiting, again, dead = factories.make_delivery(placement=place(client)), retrying(client), bury(place(client))
    html = person().get(LIST).content.decode()
    counts = re.findall(r'>(\w[\w ]*) <span class="ph-tabs-count">(\d+)</span>', html)
    assert counts == [("Queue", "1"), ("Retries", "1"), ("Dead letters", "1")]
    assert keys(html) == [str(one.pk) for one in (dead, again, waiting)], "newest first"
    for state, one in (("queue", waiting), ("retries", again), ("dead", dead)):
        assert keys(person().get(LIST, {"state": state}).content.decode()) == [str(one.pk)]


def test_a_row_says_what_happened_and_what_to_do(client, person):
    again, dead = retrying(client), bury(place(client))
    html = person().get(LIST).content.decode()
    assert "502.adapter_publish_error_memory" in html
    assert "it is tried again by itself" in html
    assert "Mend what the provider objects to" in html
    assert "next try" in html
    assert again.placement.target.name in html
    assert dead.placement.instance.name in html


def test_a_provider_that_is_left_in_peace_is_told(client, person):
    patient, broken = retrying(client, retry_after=3600.0), retrying(client)
    Lane.objects.filter(pk=broken.lane_id).update(open_until=Lane.objects.get(pk=patient.lane_id).not_before)
    html = person().get(LIST, {"state": "retries"}).content.decode()
    assert "the provider asked for patience" in html
    assert "failed too often in a row" in html


def test_the_address_narrows_the_list(client, person):
    here, there = bury(place(client)), bury(place(client))
    browser = person()
    target, instance = here.placement.target_id, there.placement.instance_id
    assert keys(browser.get(LIST, {"target": target}).content.decode()) == [str(here.pk)]
    assert keys(browser.get(LIST, {"instance": instance}).content.decode()) == [str(there.pk)]
    assert len(keys(browser.get(LIST, {"client": client.slug}).content.decode())) == 2
    assert keys(browser.get(LIST, {"client": "nobody"}).content.decode()) == []
    odd = browser.get(LIST, {"state": "odd", "target": "odd", "instance": "\x00", "before": "odd", "after": "-"})
    assert len(keys(odd.content.decode())) == 2, "what an address cannot mean is left aside"


def test_a_list_goes_by_key(client, person, monkeypatch):
    monkeypatch.setattr("portal.presenters.keyset.page.__kwdefaults__", {"size": 2}, raising=False)
    made = [bury(place(client)) for _ in range(5)]
    browser, newest_first = person(), [str(one.pk) for one in reversed(made)]
    first = browser.get(LIST).content.decode()
    assert keys(first) == newest_first[:2]
    assert "Newer" not in first
    second = browser.get(LIST, {"before": newest_first[1]}).content.decode()
    assert keys(second) == newest_first[2:4]
    third = browser.get(LIST, {"before": newest_first[3]}).content.decode()
    assert keys(third) == newest_first[4:]
    assert "Older" not in third
    assert keys(browser.get(LIST, {"after": newest_first[2]}).content.decode()) == newest_first[:2]
    assert keys(browser.get(LIST, {"after": newest_first[4]}).content.decode()) == newest_first[2:4]


def test_many_rows_cost_no_more_questions_than_one(client, person):
    browser = person()
    asked = []
    for _ in range(2):
        bury(place(client))
        retrying(client)
        browser.get(LIST)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            browser.get(LIST)
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 10


def test_for_htmx_the_list_comes_alone(client, person):
    bury(place(client))
    answer = person().get(LIST, headers={"HX-Request": "true"}).content.decode()
    assert answer.lstrip().startswith('<div class="ph-stack" id="deliveries" data-every="20">')
    retrying(client)
    assert 'data-every="4"' in person().get(LIST).content.decode(), "it looks more often while something is open"


def test_an_empty_list_says_why(client, person):
    browser = person()
    assert "Nothing was delivered yet" in browser.get(LIST).content.decode()
    assert "No delivery was given up" in browser.get(LIST, {"state": "dead"}).content.decode()
    assert "Everything arrived" in browser.get(LIST, {"state": "queue"}).content.decode()
    assert "No delivery fits" in browser.get(LIST, {"state": "delivered"}).content.decode()


def test_a_delivery_shows_every_try(client, person):
    delivery = bury(place(client))
    html = person().get(at("delivery", delivery)).content.decode()
    assert "Try 1" in html
    assert "12 ms" in html
    assert delivery.publication.version.digest in html
    assert str(delivery.pk) in html


def test_one_is_replayed(client, person):
    old = bury(place(client))
    browser = person()
    answer = browser.post(at("replay", old), follow=True)
    new = Delivery.objects.get(replay_of=old)
    assert answer.redirect_chain == [(at("delivery", new), 302)]
    assert "It is on its way again." in answer.content.decode()
    again = browser.post(at("replay", old))
    assert again.status_code == 409
    assert "A newer delivery took its place" in again.content.decode()
    old_page = browser.get(at("delivery", old)).content.decode()
    assert str(new.pk) in old_page
    assert "Nothing to do: a newer delivery took its place." in old_page


def test_many_are_replayed_each_with_its_result(client, person):
    first, second = bury(place(client)), bury(place(client))
    deliveries.replay(delivery=second, by=SYSTEM, at=AT)
    html = person().post(reverse("portal:replay_many"), {"delivery": [first.pk, second.pk, "odd", uuid.uuid4()]})
    html = html.content.decode()
    assert "1 delivery is on its way again." in html
    assert html.count("not replayed") == 1
    assert Delivery.objects.filter(replay_of=first).exists()
    assert "Nothing is chosen" in person().post(reverse("portal:replay_many")).content.decode()


def test_of_many_only_those_are_replayed_that_one_may(client, person):
    mine, theirs = bury(place(client)), bury(place(factories.make_client()))
    account = factories.make_user()
    roles = {client: Role.PUBLISHER, theirs.placement.target.client: Role.VIEWER}
    factories.make_actor(user=account, roles=roles)
    browser = browser_of(account)
    assert "Needs the permission “publish” at this client." in browser.get(LIST).content.decode()
    html = browser.post(reverse("portal:replay_many"), {"delivery": [theirs.pk, mine.pk]}).content.decode()
    assert html.index("Needs the permission") > 0
    assert Delivery.objects.filter(replay_of=mine).exists()
    assert not Delivery.objects.filter(replay_of=theirs).exists()


def test_a_retrying_one_is_given_up_and_a_delivered_one_is_not(client, person):
    again, sent = retrying(client), factories.make_delivery(placement=place(client))
    factories.make_attempt(delivery=sent)
    browser = person()
    assert "Give up" in browser.get(at("delivery", again)).content.decode()
    assert "It can be replayed." in browser.post(at("bury", again), follow=True).content.decode()
    again.refresh_from_db()
    assert again.state == "buried"
    assert browser.post(at("bury", sent)).status_code == 409


def test_a_viewer_sees_why_not_and_is_refused(client, person):
    dead = bury(place(client))
    viewer = person(Role.VIEWER)
    html = viewer.get(at("delivery", dead)).content.decode()
    assert 'aria-disabled="true"' in html
    assert "Needs the permission “publish” at this client." in html
    assert at("replay", dead) not in html
    for name in ("replay", "bury"):
        assert viewer.post(at(name, dead)).status_code == 403
    assert not Delivery.objects.filter(replay_of=dead).exists()


def test_an_archived_clients_are_not_replayed(client, person):
    dead = bury(place(client))
    clients.archive(client=client, by=SYSTEM, at=AT)
    page = person().get(at("delivery", dead)).content.decode()
    assert "Nothing to do: nothing goes to this place any more." in page
    assert reverse("portal:replay", args=[dead.pk]) not in page


@pytest.mark.parametrize(("name", "method"), [("delivery", "GET"), ("replay", "POST"), ("bury", "POST")])
def test_a_foreign_delivery_is_not_there(client, person, name, method):
    foreign = bury(place(factories.make_client()))
    browser = person()
    assert browser.generic(method, at(name, foreign)).status_code == 404
    assert keys(browser.get(LIST, {"client": foreign.placement.target.client.slug}).content.decode()) == []


def test_no_secret_and_no_markup_gets_onto_the_pages(operator, world):
    bad = "<img src=x onerror=alert(1)>"
    target = factories.make_target(client=world.client, name=bad)
    dead = bury(factories.make_placement(instance=world.instance, target=target))
    Delivery.objects.filter(pk=dead.pk).update(error_detail=bad)
    for path in (LIST, at("delivery", dead), at("delivery", world.delivery)):
        html = operator.get(path).content.decode()
        assert bad not in html
        assert [secret for secret in SECRETS.values() if secret in html] == []
    assert "&lt;img src=x" in operator.get(LIST).content.decode()
