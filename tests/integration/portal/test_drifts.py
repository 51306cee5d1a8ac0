"""Drift: both texts are shown, and a person puts ours back or takes theirs."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from instances import drafts
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Problem
from publishing import courier
from publishing import drift as drifts
from publishing.adapters import memory
from publishing.models import Delivery, Drift
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import SECRETS, browser_of

LIST = "/drifts/"
OURS = {"content_md": "Be kind.\nBe brief.\n", "variables_schema": {"type": "object", "properties": {}}}


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


def drifted(client, *, observed="Be rude.\nBe brief.\n", **template):
    """A place that runs another text than was delivered there."""
    version = factories.make_template_version(**{**OURS, **template})
    instance = factories.make_instance(client=client, template_version=version)
    placement = factories.make_placement(instance=instance, target=factories.make_target(client=client))
    delivery = factories.make_delivery(placement=placement)
    factories.make_attempt(delivery=delivery)
    return Drift.objects.create(
        placement=placement, delivery=delivery, observed=observed, observed_digest="sha256:" + "1" * 64, found_at=AT
    )


def at(name, drift):
    return reverse(f"portal:{name}", args=[drift.pk])


def keys(html):
    return re.findall(r'<th scope="row"><a href="/drifts/([0-9a-f-]{36})/"', html)


def revision(html):
    return re.search(r'name="revision" value="(\d+)"', html)[1]


def test_open_ones_are_listed_first_and_settled_ones_told(client, person):
    still, over = drifted(client), drifted(client)
    drifts.redeliver(drift=over, by=SYSTEM, at=AT)
    browser = person()
    html = browser.get(LIST).content.decode()
    assert keys(html) == [str(still.pk)]
    assert 'Open <span class="ph-tabs-count">1</span>' in html
    ended = browser.get(LIST, {"state": "ended"}).content.decode()
    assert keys(ended) == [str(over.pk)]
    assert "put back" in ended
    assert len(keys(browser.get(LIST, {"state": "all", "client": client.slug}).content.decode())) == 2
    assert "No drift" in browser.get(LIST, {"client": "nobody"}).content.decode()


def test_many_rows_cost_no_more_questions_than_one(client, person):
    browser, asked = person(), []
    for _ in range(2):
        drifted(client)
        browser.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            browser.get(LIST)
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 7


@pytest.mark.parametrize("view", ["", "split", "odd"])
def test_both_texts_are_shown(client, person, view):
    html = person().get(at("drift", drifted(client)), {"view": view}).content.decode()
    assert "kind" in html
    assert "rude" in html
    assert html.count("1 change") == 1
    assert ("ph-diff-split" in html) is (view == "split")


def test_our_text_is_put_back(client, person):
    row = drifted(client)
    browser = person()
    answer = browser.post(at("redeliver", row), follow=True)
    sent = Delivery.objects.get(replay_of=row.delivery)
    assert answer.redirect_chain == [(at("delivery", sent), 302)]
    assert browser.post(at("redeliver", row)).status_code == 409, "it was settled already"
    page = browser.get(at("drift", row)).content.decode()
    assert "Our text was sent again." in page
    assert at("adopt", row) not in page


def test_a_target_that_does_not_take_our_text_back_says_why_on_the_page(client, person, monkeypatch):
    row = drifted(client)
    objection = Problem("/location/slot", "expression_protected", "An expression is stored there.")
    monkeypatch.setattr(memory.Memory, "probe", lambda *_, **__: [objection])
    refused = person().post(at("redeliver", row))
    html = refused.content.decode()
    assert refused.status_code == 422
    assert "An expression is stored there." in html
    assert "Nothing was sent." in html
    assert at("adopt", row) in html
    row.refresh_from_db()
    assert (row.ended_at, Delivery.objects.filter(placement=row.placement).count()) == (None, 1)


def test_the_providers_text_is_taken_into_the_draft(client, person):
    row = drifted(client)
    browser = person(Role.EDITOR)
    page = browser.get(at("drift", row)).content.decode()
    assert "never published" not in page
    answer = browser.post(at("adopt", row), {"revision": revision(page)}, follow=True)
    assert "is in the draft now" in answer.content.decode()
    draft = drafts.get(key=row.placement.instance_id, actor=SYSTEM)
    assert draft.content_md == "Be rude.\nBe brief.\n"


def test_a_draft_that_was_edited_meanwhile_is_not_overwritten(client, person):
    row = drifted(client)
    browser = person(Role.EDITOR)
    seen = revision(browser.get(at("drift", row)).content.decode())
    instance = drafts.get(key=row.placement.instance_id, actor=SYSTEM)
    body = PromptBody.parse(content_md="Mine.", content_json=None)
    drafts.edit(instance=instance, revision=instance.revision, body=body, by=SYSTEM, at=AT)
    assert browser.post(at("adopt", row), {"revision": seen, "replace": "on"}).status_code == 409
    assert browser.post(at("adopt", row), {"revision": "odd", "replace": "on"}).status_code == 422
    now = {"revision": drafts.get(key=instance.pk, actor=SYSTEM).revision}
    refused = browser.post(at("adopt", row), now)
    assert refused.status_code == 409
    assert "never published" in refused.content.decode(), "it takes a word of the person's own"
    assert drafts.get(key=instance.pk, actor=SYSTEM).content_md == "Mine."
    assert 'name="replace" required' in browser.get(at("drift", row)).content.decode()
    assert browser.post(at("adopt", row), {**now, "replace": "on"}).status_code == 302
    assert drafts.get(key=instance.pk, actor=SYSTEM).content_md == "Be rude.\nBe brief.\n"


def test_a_text_that_cannot_be_taken_over_is_told_where_something_can_be_done(client, person):
    row = drifted(client, observed="Be {% endraw %} rude.")
    browser = person()
    page = browser.get(at("drift", row)).content.decode()
    refused = browser.post(at("adopt", row), {"revision": revision(page)})
    html = refused.content.decode()
    assert refused.status_code == 400
    assert "This text cannot be taken over word for word." in html
    assert "it holds {% endraw %}" in html
    assert "Change the text at the provider, put ours back, or write the draft by hand." in html
    assert "Go back and mend the text" not in html
    assert at("redeliver", row) in html
    row.refresh_from_db()
    assert row.ended_at is None


@pytest.mark.parametrize("engine", ["jinja2", "liquid"])
def test_line_ends_that_publishing_changes_are_told_before(client, person, engine):
    row = drifted(client, observed="Be rude.\r\nBe brief.\r\n", engine=engine)
    assert "Its lines end in CRLF; published, they end in LF." in person().get(at("drift", row)).content.decode()
    plain = drifted(client, engine=engine)
    assert "CRLF" not in person().get(at("drift", plain)).content.decode()


DOCUMENT = {"content_md": None, "content_json": {"say": "hello"}}


def test_the_providers_document_is_taken_into_the_draft(client, person):
    row = drifted(client, observed='{"say": "bye"}', **DOCUMENT)
    browser = person(Role.EDITOR)
    page = browser.get(at("drift", row)).content.decode()
    assert "Adopt into the draft" in page
    assert "structure" in page
    answer = browser.post(at("adopt", row), {"revision": revision(page)}, follow=True)
    assert "is in the draft now" in answer.content.decode()
    assert drafts.get(key=row.placement.instance_id, actor=SYSTEM).content_json == {"say": "bye"}


def test_what_is_no_document_is_not_taken_for_one_and_the_page_says_what_can_be_done(client, person):
    row = drifted(client, observed="Be rude.", **DOCUMENT)
    browser = person()
    page = browser.get(at("drift", row)).content.decode()
    refused = browser.post(at("adopt", row), {"revision": revision(page)})
    html = refused.content.decode()
    assert refused.status_code == 422
    assert "What the provider runs is no valid document of this prompt&#x27;s format" in html
    assert at("redeliver", row) in html
    row.refresh_from_db()
    assert row.ended_at is None
    assert drafts.get(key=row.placement.instance_id, actor=SYSTEM).content_json is None


@pytest.mark.parametrize(
    ("observed", "told"), [('{"say": "a\\r\\nb"}', True), ('{\r\n"say": "a\\\\rb"}', False), ("\r\n", False)]
)
def test_line_ends_that_publishing_changes_are_those_in_strings_of_a_document(client, person, observed, told):
    html = person().get(at("drift", drifted(client, observed=observed, **DOCUMENT))).content.decode()
    assert ("Its lines end in CRLF" in html) is told


def test_a_viewer_sees_why_not_and_is_refused(client, person):
    row = drifted(client)
    viewer = person(Role.VIEWER)
    html = viewer.get(at("drift", row)).content.decode()
    assert "Needs the permission “publish” at this client." in html
    assert "Needs the permission “edit” at this client." in html
    assert viewer.post(at("redeliver", row)).status_code == 403
    assert viewer.post(at("adopt", row), {"revision": "1"}).status_code == 403
    row.refresh_from_db()
    assert row.ended_at is None


@pytest.mark.parametrize(("name", "method"), [("drift", "GET"), ("redeliver", "POST"), ("adopt", "POST")])
def test_a_foreign_drift_is_not_there(person, name, method):
    foreign = drifted(factories.make_client())
    browser = person()
    path = at(name, foreign)
    answer = browser.get(path) if method == "GET" else browser.post(path, {"revision": "1"})
    assert answer.status_code == 404
    assert keys(browser.get(LIST, {"state": "all"}).content.decode()) == []


def test_secrets_are_masked_and_markup_is_text(client, person, operator, world):
    html = operator.get(at("drift", world.drift)).content.decode()
    assert "Speak for" in html
    assert [secret for secret in SECRETS.values() if secret in html] == []
    bad = "<script>alert(1)</script>"
    shown = person().get(at("drift", drifted(client, observed=f"{bad}\nBe brief.\n"))).content.decode()
    assert bad not in shown
    assert "&lt;script&gt;" in shown


def test_what_was_overwritten_is_shown_as_past_and_not_taken_any_more(person, client):
    row = drifted(client)
    browser = person()
    instance = drafts.get(key=row.placement.instance_id, actor=SYSTEM)
    body = PromptBody.parse(content_md="Be calm.", content_json=None)
    row.placement.instance = drafts.edit(instance=instance, revision=instance.revision, body=body, by=SYSTEM, at=AT)
    factories.make_delivery(placement=row.placement)
    courier.deliver(lane_id=row.placement.lane_id, by=SYSTEM)
    page = browser.get(at("drift", row)).content.decode()
    assert "A newer delivery has overwritten it" in page
    assert at("adopt", row) not in page
    refused = browser.post(at("adopt", row), {"revision": "1"})
    assert refused.status_code == 409
    assert "A newer delivery overwrote what was found there" in refused.content.decode()
    assert keys(browser.get(LIST).content.decode()) == []
