"""A client's targets: made, tested, placed, switched off; their credentials are typed and never shown."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import contracts
from audit.models import AuditEvent
from portal.forms.targets import ADAPTERS, LABELS
from prompthub_kernel.errors import Problem
from publishing import adapters, courier, targets
from publishing.adapters.memory import Memory
from publishing.models import Drift, Lane, Placement, Target
from publishing.ports import Outcome, ProviderError
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import SECRETS, browser_of, bury

SECRET = "whsec_" + "bmV3LXNpZ25pbmctc2VjcmV0LW9mLTMyLWJ5dGVz"
WRITTEN = (
    "target",
    "target_test",
    "target_disable",
    "target_enable",
    "target_resume",
    "target_place",
    "target_credentials",
)
HOOK = {"name": "n8n of Acme", "settings-url": "https://hooks.example/acme", "credentials-signing_secret": SECRET}


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def person(client):
    """Makes a browser of somebody with a role at the client."""

    def make(role=Role.ADMINISTRATOR):
        account = factories.make_user()
        factories.make_actor(user=account, roles={client: role})
        return browser_of(account)

    return make


def at(name, client, *more):
    return reverse(f"portal:{name}", args=[client.slug, *(one.pk for one in more)])


def test_every_part_of_every_contract_has_a_label():
    asked = {
        key
        for adapter in adapters.REGISTRY
        for part in ("settings", "credentials", "location")
        for key in contracts.load(f"adapters/{adapter}")["$defs"][part].get("properties", {})
    }
    assert asked == LABELS.keys()
    assert ADAPTERS.keys() == adapters.REGISTRY.keys()


def test_the_list_tells_what_needs_a_person(client, person):
    browser = person()
    assert "No target yet" in browser.get(at("targets", client)).content.decode()
    target = factories.make_target(client=client, name="voice agent")
    dead = bury(factories.make_placement(target=target))
    Drift.objects.create(
        placement=dead.placement, delivery=dead, observed="x", observed_digest="sha256:" + "1" * 64, found_at=AT
    )
    targets.disable(target=factories.make_target(client=client, name="old"), by=SYSTEM, at=AT)
    html = browser.get(at("targets", client)).content.decode()
    assert "1 delivery given up" in html
    assert "1 place drifted" in html
    assert html.index("old") < html.index("voice agent")
    assert "off" in html


def test_many_targets_cost_no_more_questions_than_one(client, person):
    browser, asked = person(), []
    for _ in range(2):
        bury(factories.make_placement(target=factories.make_target(client=client)))
        browser.get(at("targets", client))
        with CaptureQueriesContext(connection) as queries:
            browser.get(at("targets", client))
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 8


def test_a_target_is_made_in_two_steps(client, person):
    browser = person()
    kinds = browser.get(at("target_new", client)).content.decode()
    assert "?adapter=n8n" in kinds
    path = at("target_new", client) + "?adapter=webhook"
    form = browser.get(path).content.decode()
    assert 'type="password" name="credentials-signing_secret"' in form
    assert "whsec_ and the base64" in form
    answer = browser.post(path, HOOK, follow=True)
    made = Target.objects.get(client=client)
    assert (made.name, made.adapter, made.settings) == ("n8n of Acme", "webhook", {"url": HOOK["settings-url"]})
    assert made.credential_values == {"signing_secret": SECRET}
    html = answer.content.decode()
    assert "The target is there." in html
    assert SECRET not in html
    assert "signing_secret" in html


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"settings-url": "nowhere"}, 'href="#id_settings-url"'),
        ({"credentials-signing_secret": "too-short-but-secret"}, 'href="#id_credentials-signing_secret"'),
        ({"settings-url": ""}, 'href="#id_settings-url"'),
        ({"settings-max_body_bytes": "many"}, 'href="#id_settings-max_body_bytes"'),
        ({"name": ""}, 'href="#id_name"'),
    ],
)
def test_what_the_contract_does_not_allow_is_told_beside_its_field(client, person, changed, told):
    answer = person().post(at("target_new", client) + "?adapter=webhook", {**HOOK, **changed})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert told in html
    assert SECRET not in html
    assert "too-short-but-secret" not in html
    assert "hooks.example" in html or "settings-url" in changed, "what is no secret is kept"
    assert not Target.objects.exists()


def test_a_name_that_turns_the_writing_is_refused(client, person):
    given = {**HOOK, "name": "shop\u202egnp.exe"}
    answer = person().post(at("target_new", client) + "?adapter=webhook", given)
    assert answer.status_code == 422
    assert "without characters that turn the direction of writing" in answer.content.decode()
    assert not Target.objects.exists()


def test_a_name_that_is_taken_and_an_unknown_adapter_are_refused(client, person):
    factories.make_target(client=client, name=HOOK["name"])
    browser = person()
    taken = browser.post(at("target_new", client) + "?adapter=webhook", HOOK)
    assert taken.status_code == 409
    assert "is taken" in taken.content.decode()
    assert browser.post(at("target_new", client) + "?adapter=fax", HOOK).status_code == 422


def test_settings_are_changed_and_kept_when_they_are_wrong(client, person):
    target = factories.make_target(
        client=client,
        adapter="webhook",
        settings={"url": "https://hub.example/old"},
        credentials={"signing_secret": SECRET},
    )
    browser = person()
    page = at("target", client, target)
    assert "https://hub.example/old" in browser.get(page).content.decode()
    assert browser.post(page, {"settings-url": "nowhere"}).status_code == 422
    assert browser.post(page, {"settings-max_body_bytes": "many"}).status_code == 422
    answer = browser.post(
        page, {"settings-url": "https://hub.example/new", "settings-max_body_bytes": "30000"}, follow=True
    )
    assert "The settings are saved." in answer.content.decode()
    target.refresh_from_db()
    assert target.settings == {"url": "https://hub.example/new", "max_body_bytes": 30000}
    assert target.credential_values == {"signing_secret": SECRET}


def test_credentials_are_replaced_and_never_shown(client, person):
    target = factories.make_target(
        client=client, adapter="webhook", settings={"url": "https://a.example/"}, credentials={"signing_secret": SECRET}
    )
    browser, page = person(), at("target_credentials", client, target)
    assert SECRET not in browser.get(page).content.decode()
    bad = browser.post(page, {"credentials-signing_secret": "short-secret"})
    assert bad.status_code == 422
    assert "short-secret" not in bad.content.decode()
    fresh = SECRET.replace("b", "c")
    answer = browser.post(page, {"credentials-signing_secret": fresh}, follow=True)
    assert "use the new credentials" in answer.content.decode()
    assert fresh not in answer.content.decode()
    target.refresh_from_db()
    assert target.credential_values == {"signing_secret": fresh}


def test_a_prompt_gets_a_place_and_loses_it(client, person):
    target, instance = factories.make_target(client=client), factories.make_instance(client=client)
    browser, page = person(), at("target_place", client, target)
    assert f'value="{instance.pk}" selected' in browser.get(page, {"prompt": instance.pk}).content.decode()
    assert browser.post(page, {"instance_id": uuid.uuid4(), "location-slot": "one"}).status_code == 422
    assert browser.post(page, {"instance_id": instance.pk}).status_code == 422
    placed = browser.post(page, {"instance_id": instance.pk, "location-slot": "one"}, follow=True)
    assert "slot: one" in placed.content.decode()
    assert browser.post(page, {"instance_id": instance.pk, "location-slot": "one"}).status_code == 409
    row = Placement.objects.get()
    gone = browser.post(at("placement_remove", client, target, row), follow=True)
    assert "No prompt goes there yet" in gone.content.decode()
    row.refresh_from_db()
    assert row.removed_at is not None


def test_a_place_of_another_target_is_not_removed_here(client, person):
    row, other = (
        factories.make_placement(target=factories.make_target(client=client)),
        factories.make_target(client=client),
    )
    assert person().post(at("placement_remove", client, other, row)).status_code == 404


def test_a_target_is_switched_off_and_on(client, person):
    target = factories.make_target(client=client)
    browser = person()
    off = browser.post(at("target_disable", client, target), follow=True).content.decode()
    assert "nothing is published there" in off
    assert at("target_enable", client, target) in off
    browser.post(at("target_enable", client, target))
    target.refresh_from_db()
    assert target.enabled


class TestConnection:
    """Asking the provider, outside of any transaction."""

    def test_without_a_place_there_is_nothing_to_ask(self, client, person):
        answer = person().post(at("target_test", client, factories.make_target(client=client)))
        assert "There is no place to ask about." in answer.content.decode()

    @pytest.mark.parametrize("htmx", [True, False])
    def test_each_place_is_told(self, client, person, htmx):
        placement = factories.make_placement(target=factories.make_target(client=client))
        headers = {"HX-Request": "true"} if htmx else {}
        html = person().post(at("target_test", client, placement.target), headers=headers).content.decode()
        assert "can be written" in html
        assert ("<main" in html) is not htmx

    def test_what_is_wrong_is_told(self, client, person, monkeypatch):
        placement = factories.make_placement(target=factories.make_target(client=client))
        found = [Problem("/location/slot", "missing", "there is no such slot")]
        monkeypatch.setattr(Memory, "probe", lambda *_, **__: found)
        html = person().post(at("target_test", client, placement.target)).content.decode()
        assert "cannot be written" in html
        assert "there is no such slot" in html

    def test_a_webhook_is_never_said_to_be_well(self, client, person):
        credentials = {"signing_secret": SECRET}
        hook = factories.make_target(
            client=client, adapter="webhook", settings={"url": HOOK["settings-url"]}, credentials=credentials
        )
        factories.make_placement(target=hook, location={"name": "desk"})
        html = person().post(at("target_test", client, hook)).content.decode()
        assert "not asked" in html
        assert "a webhook cannot be tested without a message" in html
        assert "can be written" not in html.partition('id="target-test"')[2]

    def test_a_provider_that_does_not_answer_is_told(self, client, person, monkeypatch):
        placement = factories.make_placement(target=factories.make_target(client=client))

        def silent(*_, **__):
            raise ProviderError("memory", "nobody is there", outcome=Outcome.TRY_AGAIN)

        monkeypatch.setattr(Memory, "probe", silent)
        html = person().post(at("target_test", client, placement.target)).content.decode()
        assert "nobody is there" in html


@pytest.fixture
def paused(client):
    """A delivery whose provider asked for a day."""
    target = factories.make_target(client=client, settings={"fail": [{"retry_after": 86_400}]})
    instance = factories.make_instance(client=client, name="desk")
    delivery = factories.make_delivery(placement=factories.make_placement(instance=instance, target=target))
    courier.deliver(lane_id=delivery.lane_id, by=SYSTEM)
    return delivery


def test_a_pause_is_told_and_ended(client, person, paused):
    browser, target = person(), paused.placement.target
    page = browser.get(at("target", client, target)).content.decode()
    assert "The provider asked for a pause until" in page
    assert "1 delivery waits for its next try." in page
    assert (
        f"{at('target', client, target)}#pauses"
        in browser.get(reverse("portal:delivery", args=[paused.pk])).content.decode()
    )
    told = browser.post(at("target_resume", client, target), follow=True).content.decode()
    assert "The pauses are over: what waits is tried at once." in told
    assert "The provider asked for a pause until" not in told
    assert AuditEvent.objects.filter(action="target.resume").count() == 1
    courier.deliver(lane_id=paused.lane_id, by=SYSTEM)
    assert "Nothing is paused, and nothing waits." in browser.get(at("target", client, target)).content.decode()


def test_a_place_that_failed_too_often_is_told_as_that(client, person, paused):
    Lane.objects.filter(pk=paused.lane_id).update(not_before=None, open_until=timezone.now() + timedelta(minutes=5))
    page = person().get(at("target", client, paused.placement.target)).content.decode()
    assert "It failed too often in a row, and is left in peace until" in page


def test_a_publisher_sees_pauses_and_may_not_end_them(client, person, paused):
    browser, target = person(Role.PUBLISHER), paused.placement.target
    assert "Try again now" in browser.get(at("target", client, target)).content.decode()
    assert browser.post(at("target_resume", client, target)).status_code == 403


def test_an_address_where_something_else_goes_is_refused_beside_the_form(client, person):
    browser = person()
    first, second = (
        factories.make_target(
            client=client,
            adapter="webhook",
            settings={"url": f"https://hooks.example/{name}"},
            credentials={"signing_secret": SECRET},
        )
        for name in ("one", "two")
    )
    for target in (first, second):
        instance = factories.make_instance(client=client)
        factories.make_placement(instance=instance, target=target, location={"name": "desk"})
    answer = browser.post(at("target", client, second), {"settings-url": "https://hooks.example/one"})
    assert answer.status_code == 409
    assert "is a place that a prompt goes to already" in answer.content.decode()
    assert "https://hooks.example/one" in answer.content.decode()


def test_a_publisher_sees_why_not_and_is_refused(client, person):
    placement = factories.make_placement(target=factories.make_target(client=client))
    browser, target = person(Role.PUBLISHER), placement.target
    for name, more in (("targets", ()), ("target", (target,))):
        html = browser.get(at(name, client, *more)).content.decode()
        assert "Needs the permission “admin” at this client." in html
        assert 'aria-disabled="true"' in html
    assert at("target_disable", client, target) not in html
    for name in ("target_credentials", "target_place"):
        assert browser.get(at(name, client, target)).status_code == 403
    for name in (
        "target",
        "target_test",
        "target_disable",
        "target_enable",
        "target_resume",
        "target_place",
        "target_credentials",
    ):
        assert browser.post(at(name, client, target)).status_code == 403
    assert browser.post(at("placement_remove", client, target, placement)).status_code == 403


def test_a_foreign_target_is_not_there(client, person):
    foreign = factories.make_placement()
    browser = person()
    for name in ("target", "target_credentials", "target_place"):
        assert browser.get(at(name, client, foreign.target)).status_code == 404
        assert browser.get(at(name, foreign.target.client, foreign.target)).status_code == 404
    for name in (
        "target",
        "target_test",
        "target_disable",
        "target_enable",
        "target_resume",
        "target_place",
        "target_credentials",
    ):
        assert browser.post(at(name, client, foreign.target)).status_code == 404
    assert browser.post(at("placement_remove", client, foreign.target, foreign)).status_code == 404


def test_no_secret_and_no_markup_gets_onto_the_pages(signed_in, world):
    bad = "<img src=x onerror=alert(1)>"
    browser = signed_in(Role.ADMINISTRATOR)
    named = factories.make_target(client=world.client, name=bad)
    for path in (
        at("targets", world.client),
        at("target", world.client, world.target),
        at("target", world.client, named),
    ):
        html = browser.get(path).content.decode()
        assert bad not in html
        assert [secret for secret in SECRETS.values() if secret in html] == []
    assert re.search(r"<h1>\s*&lt;img", html)
