"""The ledger at the portal: what one may read, narrowed by the address, and taken along as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.actions import Action
from audit.models import AuditEvent
from foundation import correlation
from portal.presenters import exporting, ledger
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT
from tests.integration.admin.rooms import SECRETS, browser_of

LIST = "/audit/"


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def account(client):
    found = factories.make_user(username="ana")
    factories.make_actor(user=found, roles={client: Role.VIEWER})
    return found


@pytest.fixture
def browser(account):
    return browser_of(account)


def labels(html):
    return re.findall(r'data-label="About"><span>([^<]*)<', html)


def make(client, label, **more):
    return factories.make_event(client_id=client.pk, label=label, **more)


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_every_action_has_a_word():
    assert set(ledger.WORDS) == set(Action)


def test_one_reads_what_belongs_to_ones_clients_and_an_administrator_everything(browser, client):
    make(client, "mine")
    make(factories.make_client(), "theirs")
    factories.make_event(label="the house's")
    mine = labels(browser.get(LIST).content.decode())
    assert "mine" in mine
    assert {"theirs", "the house's"}.isdisjoint(mine)
    everything = labels(browser_of(factories.make_user(superuser=True)).get(LIST).content.decode())
    assert {"mine", "theirs", "the house&#x27;s"} <= set(everything)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"subject": "first"}, ["first"]),
        ({"subject": "id-of-second"}, ["second"]),
        ({"action": "target.create"}, ["second"]),
        ({"correlation_id": "request-0001"}, ["first"]),
        ({"actor": "prompthub"}, ["second", "first"]),
        ({"actor": "system"}, ["second", "first"]),
        ({"actor": "nobody"}, []),
        ({"since": "2026-01-05", "until": "2026-01-05"}, ["second", "first"]),
        ({"since": "2026-01-06"}, []),
        ({"until": "2026-01-04"}, []),
        ({"client": "nobody"}, []),
        (
            {"action": "odd", "since": "odd", "until": "0001-01-01", "before": "odd", "after": "9" * 30},
            ["second", "first"],
        ),
        ({"until": "9999-12-31", "actor": "\x00"}, ["second", "first"]),
    ],
)
def test_the_address_narrows_the_list_and_the_files(browser, client, query, found):
    with correlation.use("request-0001"):
        make(client, "first")
    make(client, "second", id="id-of-second", action=Action.TARGET_CREATE, kind="target")
    query = {"client": client.slug, **query}
    shown = [label for label in labels(browser.get(LIST, query).content.decode()) if label in {"first", "second"}]
    assert shown == found
    filed = [row["subject"] for row in rows(browser.get("/audit.csv", query)) if row["subject"] in {"first", "second"}]
    assert filed == found


def test_a_list_goes_by_key(browser, client, monkeypatch):
    monkeypatch.setattr("portal.presenters.keyset.page.__kwdefaults__", {"size": 2}, raising=False)
    made = [make(client, f"event {number}") for number in range(4)]
    first = browser.get(LIST).content.decode()
    assert labels(first) == ["event 3", "event 2"]
    older = re.search(r'rel="next" href="\?before=(\d+)"', first)[1]
    assert int(older) == made[2].id
    assert labels(browser.get(LIST, {"before": older}).content.decode()) == ["event 1", "event 0"]
    assert labels(browser.get(LIST, {"after": made[1].id}).content.decode()) == ["event 3", "event 2"]


def test_many_rows_cost_no_more_questions_than_one(browser, client):
    asked = []
    for _ in range(2):
        make(client, "one more")
        browser.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            browser.get(LIST)
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 5


def test_json_says_what_the_api_says(browser, client):
    event = make(client, "mine", action=Action.TARGET_CREATE)
    answer = browser.get("/audit.json", {"action": "target.create"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.json"'
    document = json.loads(answer.content)
    assert document["complete"] is True
    [row] = document["results"]
    assert row["id"] == event.id
    assert row["at"] == "2026-01-05T09:30:00Z" or row["at"].startswith("2026-01-05T09:30:00")
    assert row["actor"] == {"kind": "system", "id": "system", "label": "PromptHub", "door": "worker"}
    assert row["digest"] == event.digest


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_no_cell_is_a_formula(browser, client, cell):
    make(client, cell, id=cell)
    answer = browser.get("/audit.csv")
    texts = [value for row in csv.reader(io.StringIO(answer.content.decode(), newline="")) for value in row]
    assert [text for text in texts if text.startswith(exporting.FORMULA)] == []
    assert f"'{cell}" in texts
    assert exporting.safe("plain = text") == "plain = text"


def test_a_file_ends_at_its_largest_size_and_says_so(browser, client, monkeypatch):
    monkeypatch.setattr(exporting, "LARGEST", 3)
    monkeypatch.setattr(exporting, "STEP", 2)
    for number in range(5):
        make(client, f"event {number}")
    answer = browser.get("/audit.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit-newest-3.csv"'
    assert [row["subject"] for row in rows(answer)] == ["event 4", "event 3", "event 2"]
    assert json.loads(browser.get("/audit.json").content)["complete"] is False
    few = browser.get("/audit.csv", {"subject": "event 4"})
    assert few.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'


def test_an_event_shows_its_details_as_text(browser, client):
    bad = "<img src=x onerror=alert(1)>"
    make(client, bad, id=bad[:60])
    html = browser.get(LIST).content.decode()
    assert bad not in html
    assert "&lt;img src=x" in html
    assert "Nothing fits" in browser.get(LIST, {"subject": "none of that"}).content.decode()


def test_no_secret_gets_out(operator, world):
    for path in (LIST, "/audit.csv", "/audit.json"):
        told = operator.get(path).content.decode()
        assert str(world.instance.pk) in told
        assert [secret for secret in SECRETS.values() if secret in told] == []


def test_who_is_not_signed_in_gets_no_file(browser, client):
    browser.logout()
    for path in (LIST, "/audit.csv", "/audit.json"):
        assert browser.get(path).status_code == 302
    assert AuditEvent.objects.filter(at__gte=AT - timedelta(days=1)).exists()
