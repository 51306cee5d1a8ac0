"""What is done to several prompts at once: each has its own row, with its result, the reasons and a link."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from instances import drafts
from instances.models import PromptInstance
from portal.views import bulk as views
from publishing import asking, closing, courier, publish
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.fakes.silent import Silent
from tests.integration.admin.rooms import browser_of


@pytest.fixture
def client(db):
    return factories.make_client(name="Acme")


@pytest.fixture
def browser(client, db):
    account = factories.make_user(username="ana")
    factories.make_actor(user=account, roles={client: Role.PUBLISHER})
    return browser_of(account)


def published(instance):
    publish.publish(instance=instance, by=SYSTEM, at=AT)
    return drafts.get(key=instance.pk, actor=SYSTEM)


def edited(instance, **changes):
    return drafts.edit(instance=instance, revision=instance.revision, by=SYSTEM, at=AT, **changes)


class TestBulk:
    """Many at once, each with its own result."""

    def url(self, client, what="publish"):
        return reverse(f"portal:bulk_{what}", kwargs={"client": client.slug})

    def test_the_review_shows_what_is_chosen_and_does_nothing(self, browser, client):
        desk = factories.make_instance(client=client, name="desk")
        factories.make_instance(client=client, name="left-out")
        html = browser.get(self.url(client), {"prompt": [desk.pk]}).content.decode()
        assert "desk" in html
        assert "left-out" not in html
        assert "Publish 1 prompt<" in html
        assert PromptInstance.objects.get(pk=desk.pk).active_version is None

    def test_a_provider_that_says_nothing_is_waited_for_once(self, browser, client, settings, monkeypatch):
        monkeypatch.setattr(asking, "QUESTION_SECONDS", 1.0)
        with Silent() as provider:
            settings.PROMPTHUB_EGRESS_ALLOW = frozenset({provider.address})
            target = factories.make_target(
                client=client,
                adapter="n8n",
                settings={"base_url": f"http://{provider.address}"},
                credentials={"api_key": "key-of-the-provider"},
            )
            desks = [factories.make_instance(client=client) for _ in range(3)]
            for desk in desks:
                location = {"workflow_id": f"w{desk.pk}", "node_id": "a", "parameter_path": "p"}
                factories.make_placement(instance=desk, target=target, location=location)
            html = browser.post(self.url(client), {"prompt": [desk.pk for desk in desks]}).content.decode()
            assert "3 prompts were published." in html
            assert provider.called() == 1

    def test_one_refusal_does_not_hold_up_the_others(self, browser, client):
        good = factories.make_instance(client=client, name="good")
        stale = published(factories.make_instance(client=client, name="stale"))
        first = stale.active_version
        stale = edited(stale, variables={"company": "B"})
        publish.publish(instance=stale, by=SYSTEM, at=AT)
        stale = drafts.get(key=stale.pk, actor=SYSTEM)
        publish.publish(instance=stale, version=first, by=SYSTEM, at=AT)
        stale = edited(drafts.get(key=stale.pk, actor=SYSTEM), variables={"company": "C"})
        html = browser.post(self.url(client), {"prompt": [good.pk, stale.pk], "reason": "Spring"}).content.decode()
        assert "1 prompt was published." in html
        assert "1 was refused." in html
        assert "Another version became active meanwhile" in html
        good.refresh_from_db()
        assert good.active_version.ordinal == 1
        assert good.publications.get().reason == "Spring"
        event = AuditEvent.objects.get(action="instance.publish", subject_id=str(good.pk))
        assert (event.actor_label, event.door) == ("ana", "portal")

    def test_a_draft_that_changed_since_it_was_shown_is_not_published(self, browser, client):
        desk = factories.make_instance(client=client, name="desk")
        page = browser.get(self.url(client), {"prompt": [desk.pk]}).content.decode()
        shown = re.search(rf'name="(revision-{desk.pk})" value="(\d+)"', page)
        edited(desk, variables={"company": "Unseen"})
        html = browser.post(self.url(client), {"prompt": [desk.pk], shown[1]: shown[2]}).content.decode()
        assert "1 was refused." in html
        assert "The draft was changed meanwhile." in html
        assert PromptInstance.objects.get(pk=desk.pk).active_version is None
        assert not AuditEvent.objects.filter(action="instance.publish", subject_id=str(desk.pk)).exists()

    def test_what_was_archived_since_it_was_shown_is_told_as_that(self, browser, client):
        desk = factories.make_instance(client=client, name="desk")
        page = browser.get(self.url(client), {"prompt": [desk.pk]}).content.decode()
        shown = re.search(rf'name="(revision-{desk.pk})" value="(\d+)"', page)
        closing.archive(instance=desk, by=SYSTEM, at=AT)
        html = browser.post(self.url(client), {"prompt": [desk.pk], shown[1]: shown[2]}).content.decode()
        assert "This prompt is archived; it is not published any more." in html
        assert "The draft was changed meanwhile." not in html

    def test_publishing_what_runs_already_says_so(self, browser, client):
        desk = published(factories.make_instance(client=client))
        assert "It runs like that already." in browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode()

    def test_with_htmx_one_row_answers(self, browser, client):
        desk = factories.make_instance(client=client, name="desk")
        factories.make_placement(instance=desk)
        answer = browser.post(self.url(client), {"prompt": [desk.pk]}, headers={"HX-Request": "true"})
        html = answer.content.decode()
        assert html.strip().startswith("<tr")
        assert 'data-result="done"' in html
        assert "Version 1 is active." in html

    def test_what_does_not_fit_into_the_time_is_offered_again(self, browser, client, monkeypatch):
        monkeypatch.setattr(views, "SECONDS_AT_ONCE", -1.0)
        desk = factories.make_instance(client=client)
        html = browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode()
        assert "not yet" in html
        assert f'name="prompt" value="{desk.pk}"' in html
        assert PromptInstance.objects.get(pk=desk.pk).active_version is None

    def test_archiving_takes_them_from_the_list(self, browser, client):
        desk = factories.make_instance(client=client, name="desk")
        html = browser.post(self.url(client, "archive"), {"prompt": [desk.pk]}).content.decode()
        assert ">archived<" in html
        assert "No prompts yet" in browser.get(reverse("portal:prompts", args=[client.slug])).content.decode()

    def test_others_prompts_and_nonsense_are_left_aside(self, browser, client, foreign):
        html = browser.post(self.url(client, "archive"), {"prompt": [foreign.instance.pk, "x", ""]}).content.decode()
        assert "Nothing is chosen" in html
        assert PromptInstance.objects.get(pk=foreign.instance.pk).archived_at is None

    def test_a_row_says_where_it_is_and_leads_there(self, browser, client):
        desk = factories.make_instance(client=client, name="desk")
        placement = factories.make_placement(instance=desk)
        row = result(browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode())
        publication = reverse("portal:publication", args=[client.slug, desk.pk, 1])
        assert row["word"] == "on its way"
        assert row["reasons"] == ["Version 1 is active.", "0 of 1 place has it."]
        assert row["links"] == [reverse("portal:prompt", args=[client.slug, desk.pk]), publication]
        courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
        row = result(look_again(browser, row))
        assert (row["word"], row["reasons"][1], row["again"]) == ("delivered", "1 of 1 place has it.", None)

    def test_a_row_that_is_as_it_was_seen_is_not_drawn_anew(self, browser, client):
        desk = factories.make_instance(client=client)
        factories.make_placement(instance=desk)
        row = result(browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode())
        assert browser.get(row["again"], headers={"HX-Request": "true"}).status_code == 204

    def test_what_was_given_up_is_told_with_its_reason(self, browser, client):
        desk = factories.make_instance(client=client)
        target = factories.make_target(client=client, name="shop", settings={"fail": ["refused"]})
        placement = factories.make_placement(instance=desk, target=target)
        row = result(browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode())
        courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
        row = result(look_again(browser, row))
        assert row["word"] == "given up"
        assert row["reasons"] == ["Version 1 is active.", "0 of 1 place has it.", "shop: scripted to fail"]

    def test_one_that_reached_only_some_of_its_places_says_so(self, browser, client):
        desk = factories.make_instance(client=client)
        broken = factories.make_target(client=client, settings={"fail": ["refused"]})
        goals = (broken, factories.make_target(client=client))
        places = [factories.make_placement(instance=desk, target=target) for target in goals]
        row = result(browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode())
        for place in places:
            courier.deliver(lane_id=place.lane_id, by=SYSTEM)
        assert result(look_again(browser, row))["word"] == "published in part"

    def test_a_newer_publication_ends_the_looking(self, browser, client):
        desk = factories.make_instance(client=client)
        factories.make_placement(instance=desk)
        row = result(browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode())
        published(edited(drafts.get(key=desk.pk, actor=SYSTEM), variables={"company": "B"}))
        row = result(look_again(browser, row))
        assert (row["word"], row["again"]) == ("superseded", None)

    def test_a_publication_that_is_not_there_has_no_row(self, browser, client, foreign):
        for asked in ({"prompt": factories.make_instance(client=client).pk}, {"prompt": foreign.instance.pk}, {}):
            answer = browser.get(self.url(client), {**asked, "publication": "1"}, headers={"HX-Request": "true"})
            assert answer.status_code == 404

    def test_a_refusal_names_what_is_wrong_sentence_by_sentence(self, browser, client):
        template = factories.make_template_version(content_md="x" * 4_096, variables_schema={})
        desk = factories.make_instance(client=client, template_version=template)
        target = factories.make_target(
            client=client,
            name="shop",
            adapter="webhook",
            settings={"url": "https://hooks.example.com/in", "max_body_bytes": 4_096},
            credentials={"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        )
        factories.make_placement(instance=desk, target=target, location={"name": "desk"})
        row = result(browser.post(self.url(client), {"prompt": [desk.pk]}).content.decode())
        assert row["word"] == "refused"
        assert row["reasons"] == [
            "A target&#x27;s contract does not allow this text there. Nothing was published.",
            "shop: the message would be larger than 4096 bytes",
        ]
        assert row["links"][1] == reverse("portal:publish", args=[client.slug, desk.pk])

    def test_what_ran_like_that_already_is_counted_apart(self, browser, client):
        desk = published(factories.make_instance(client=client))
        html = browser.post(self.url(client), {"prompt": [desk.pk], "reason": "Spring"}).content.decode()
        assert "1 ran like that already." in html
        assert "Your reason is not kept, for no version moved: “Spring”" in html
        assert "was published" not in html


def result(html):
    """The only row: its word, reasons, links, and where it looks again."""
    row = re.search(r"<tr data-row.*?</tr>", html, re.DOTALL)[0]
    told = re.search(r"<td[^>]* data-result.*", row, re.DOTALL)[0]
    again = re.search(r'hx-get="([^"]+)"', row)
    return {
        "word": re.search(r'class="ph-badge[^"]*"[^>]*>([^<]+)<', told)[1],
        "reasons": re.findall(r"<li>(.*?)</li>", told),
        "links": re.findall(r'href="([^"]+)"', row),
        "again": again and again[1].replace("&amp;", "&"),
    }


def look_again(browser, row):
    return browser.get(row["again"], headers={"HX-Request": "true"}).content.decode()
