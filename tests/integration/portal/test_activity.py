"""What happened to a prompt: edits by sitting, publications with their deliveries, before and after."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.actions import Action
from audit.models import AuditEvent
from foundation import correlation
from instances import drafts
from prompthub_kernel.body import PromptBody
from publishing import deliveries, drift, publish, targets
from publishing.models import Drift
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import SECRETS, browser_of, bury


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def instance(client):
    return factories.make_instance(client=client)


@pytest.fixture
def browser(client):
    account = factories.make_user(username="ana")
    factories.make_actor(user=account, roles={client: Role.EDITOR})
    return browser_of(account)


def at(name, instance, *more):
    return reverse(f"portal:{name}", args=[instance.client.slug, instance.pk, *more])


def page(browser, instance, **query):
    answer = browser.get(at("activity", instance), query)
    assert answer.status_code == 200
    return answer.content.decode()


def told(html):
    """What each entry says, in a line."""
    found = re.findall(r'<p class="ph-event-what">(.*?)</p>', html, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", one)).strip() for one in found]


def edit(instance, text, **more):
    row = drafts.get(key=instance.pk, actor=SYSTEM)
    body = PromptBody.parse(content_md=text, content_json=None)
    return drafts.edit(instance=row, revision=row.revision, body=body, by=SYSTEM, at=AT, **more)


def published(instance, **more):
    return publish.publish(instance=drafts.get(key=instance.pk, actor=SYSTEM), by=SYSTEM, at=AT, **more)


def event(instance, action):
    return AuditEvent.objects.filter(subject_id=str(instance.pk), action=action).latest("id")


def test_edits_of_one_sitting_are_one_entry(browser, instance):
    with correlation.use("sitting-one"):
        for number in range(3):
            edit(instance, f"Text {number}.", autosave=number < 2)
    with correlation.use("sitting-two"):
        edit(instance, "Another day.")
    assert told(page(browser, instance)) == [
        "PromptHub edited the draft",
        "PromptHub edited the draft (3 saves)",
        "PromptHub made the prompt",
    ]


def test_the_portals_own_saves_of_one_page_are_one_sitting(browser, instance):
    opened = browser.get(at("prompt", instance)).content.decode()
    session = re.search(r'name="session" value="([^"]+)"', opened)[1]
    for number, how in enumerate([{"autosave": "1"}, {}]):
        row = drafts.get(key=instance.pk, actor=SYSTEM)
        given = {"session": session, "revision": row.revision, "text": f"Text {number}.", "part": "text", **how}
        assert browser.post(at("draft", instance), given).status_code in {200, 302}
    edits = AuditEvent.objects.filter(action=Action.INSTANCE_DRAFT_EDIT)
    assert {one.correlation_id for one in edits} == {session}
    assert told(page(browser, instance))[0] == "ana edited the draft (2 saves)"
    assert "portal" in page(browser, instance)


def test_deliveries_stand_below_their_publication(browser, instance):
    placement = factories.make_placement(instance=instance)
    dead = bury(placement)
    again = deliveries.replay(delivery=dead, by=SYSTEM, at=AT)
    html = page(browser, instance)
    assert told(html)[0] == "PromptHub published version 1"
    children = re.search(r'<ul class="ph-event-children">(.*?)</ul>', html, re.DOTALL)[1]
    assert children.index(str(dead.pk)) < children.index(str(again.pk))
    assert "given up" in children
    assert "a replay" in children
    assert "gave a delivery up" in children
    assert "replayed a delivery" in children


def test_a_rollback_and_a_later_place_are_told_as_such(browser, instance):
    first = published(instance).version
    edit(instance, "Second.")
    published(instance, reason="kinder <b>words</b>")
    published(instance, version=first)
    factories.make_placement(instance=instance)
    published(instance, version=first)
    html = page(browser, instance)
    assert told(html)[:4] == [
        "PromptHub sent version 1 to places that lacked it",
        "PromptHub gave the prompt a place",
        "PromptHub rolled back to version 1",
        "PromptHub published version 2: kinder &lt;b&gt;words&lt;/b&gt;",
    ]
    assert html.count("ph-event-children") == 1


def test_places_and_drift_belong_to_the_story(browser, instance):
    placement = factories.make_placement(instance=instance)
    targets.remove_placement(placement=factories.make_placement(instance=instance), by=SYSTEM, at=AT)
    factories.make_placement()
    delivery = factories.make_delivery(placement=placement)
    factories.make_attempt(delivery=delivery)
    row = Drift.objects.create(
        placement=placement, delivery=delivery, observed="x", observed_digest="sha256:" + "1" * 64, found_at=AT
    )
    drift.redeliver(drift=row, by=SYSTEM, at=AT)
    html = page(browser, instance)
    said = told(html)
    assert said[0] == "PromptHub put our text back"
    assert said.count("PromptHub gave the prompt a place") == 2
    assert said.count("PromptHub took a place away") == 1
    assert reverse("portal:drift", args=[row.pk]) in html


def test_filters_are_in_the_address(browser, instance):
    with correlation.use("sitting-one"):
        edited = edit(instance, "One.")
    factories.make_attempt(delivery=factories.make_delivery(placement=factories.make_placement(instance=edited)))
    assert told(page(browser, instance, correlation_id="sitting-one")) == ["PromptHub edited the draft"]
    assert told(page(browser, instance, action="delivery.deliver")) == ["PromptHub delivered"]
    assert len(told(page(browser, instance, actor="prompthub"))) > 5, "every event by itself"
    assert told(page(browser, instance, actor="nobody")) == []
    assert told(page(browser, instance, until="2025-12-31")) == []


def test_what_an_edit_changed_can_be_seen(browser, instance):
    with correlation.use("sitting-one"):
        edit(instance, "Be kind.\n")
    with correlation.use("sitting-two"):
        edit(instance, "Be cruel.\n", autosave=True)
        edit(instance, "Be brief.\n")
    path = at("activity_change", instance, event(instance, Action.INSTANCE_DRAFT_EDIT).id)
    whole, part = browser.get(path), browser.get(path, headers={"HX-Request": "true"})
    for html in (whole.content.decode(), part.content.decode()):
        assert "kind" in html
        assert "brief" in html
        assert "cruel" not in html, "what was in between is no change of the sitting"
    assert "<main" not in part.content.decode()
    assert 'id="change-' not in part.content.decode(), "several stand on one page"
    assert "<main" in whole.content.decode()


def test_what_was_not_kept_is_said_to_be_so(browser, instance):
    with correlation.use("sitting-one"):
        edit(instance, "On the way.\n", autosave=True)
    now = browser.get(at("activity_change", instance, event(instance, Action.INSTANCE_DRAFT_EDIT).id))
    assert "On the way." in now.content.decode(), "it is the draft still"
    lost = event(instance, Action.INSTANCE_DRAFT_EDIT).id
    with correlation.use("sitting-two"):
        edit(instance, "There.\n")
    assert "was not kept" in browser.get(at("activity_change", instance, lost)).content.decode()


def test_what_a_publication_changed_can_be_seen(browser, instance):
    published(instance)
    first = event(instance, Action.INSTANCE_PUBLISH)
    edit(instance, "Second text.\n")
    published(instance)
    html = browser.get(at("activity_change", instance, event(instance, Action.INSTANCE_PUBLISH).id)).content.decode()
    assert "Second text." in html
    against = browser.get(at("activity_change", instance, first.id)).content.decode()
    assert "The text is the same on both sides." in against or "No differences." in against
    made = event(instance, Action.INSTANCE_DRAFT_CREATE)
    assert browser.get(at("activity_change", instance, made.id)).status_code == 200


def test_an_event_of_another_prompt_is_not_there(browser, instance):
    other = edit(factories.make_instance(client=instance.client), "Other.")
    number = event(other, Action.INSTANCE_DRAFT_EDIT).id
    assert browser.get(at("activity_change", instance, number)).status_code == 404
    assert browser.get(at("activity_change", instance, 2**70)).status_code == 404


def test_the_files_hold_every_event_of_this_prompt_alone(browser, instance):
    factories.make_attempt(delivery=factories.make_delivery(placement=factories.make_placement(instance=instance)))
    edit(factories.make_instance(client=instance.client, name="other"), "Other.")
    answer = browser.get(at("activity_csv", instance))
    assert f"activity-{instance.pk}.csv" in answer.headers["Content-Disposition"]
    actions = [row["action"] for row in csv.DictReader(io.StringIO(answer.content.decode()))]
    assert {"instance.publish", "instance.version.seal", "delivery.deliver", "placement.create"} <= set(actions)
    assert "instance.draft.edit" not in actions
    document = json.loads(browser.get(at("activity_json", instance)).content)
    assert [row["action"] for row in document["results"]] == actions
    few = json.loads(browser.get(at("activity_json", instance), {"action": "delivery.deliver"}).content)
    assert len(few["results"]) == 1


def test_many_entries_cost_no_more_questions_than_one(browser, instance):
    placement, asked = factories.make_placement(instance=instance), []
    for number in range(2):
        placement.instance = edit(instance, f"Text {number}.")
        factories.make_attempt(delivery=factories.make_delivery(placement=placement))
        page(browser, instance)
        with CaptureQueriesContext(connection) as queries:
            page(browser, instance)
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 24


@pytest.mark.parametrize("name", ["activity", "activity_csv", "activity_json"])
def test_a_foreign_prompts_story_is_not_told(browser, instance, name):
    foreign = factories.make_instance()
    assert browser.get(at(name, foreign)).status_code == 404
    mixed = reverse(f"portal:{name}", args=[instance.client.slug, foreign.pk])
    assert browser.get(mixed).status_code == 404


def test_no_secret_and_no_markup_gets_out(operator, world):
    made = [at("activity", world.instance), at("activity_csv", world.instance), at("activity_json", world.instance)]
    numbers = AuditEvent.objects.filter(subject_id=str(world.instance.pk)).values_list("id", flat=True)
    for path in [*made, *(at("activity_change", world.instance, number) for number in numbers)]:
        html = operator.get(path).content.decode()
        assert [secret for secret in SECRETS.values() if secret in html] == []
    bad = "<img src=x onerror=alert(1)>"
    with correlation.use("sitting-one"):
        edit(world.instance, bad)
    change = at("activity_change", world.instance, event(world.instance, Action.INSTANCE_DRAFT_EDIT).id)
    assert bad not in operator.get(change).content.decode()


def test_a_draft_kept_under_looser_rules_is_told_as_unreadable(browser, instance):
    with correlation.use("sitting-one"):
        edit(instance, "Fine.\n")
    from instances.models import PromptInstance

    PromptInstance.history.filter(id=instance.pk, revision=1).update(content_md="\x01" * 2_000_000)
    answer = browser.get(at("activity_change", instance, event(instance, Action.INSTANCE_DRAFT_EDIT).id))
    assert "[erased]" in answer.content.decode()
