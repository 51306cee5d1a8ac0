"""Publishing at the portal: looked at first, done in one step, and told when somebody else was quicker."""

from __future__ import annotations

from copy import deepcopy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from instances import drafts, versions
from instances.models import Publication
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Problem
from publishing import publish, targets
from publishing.adapters.memory import Memory
from publishing.models import Delivery
from tenancy import clients
from tenancy.policy import Role
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.portal.shop import build_shop, form_of, page_of, publish_now, row_of, write
from tests.once import once

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"


_built = once(build_shop)


@pytest.fixture
def shop(_built, db):
    return deepcopy(_built)


@pytest.fixture
def publisher(shop):
    return shop.person()


@pytest.fixture
def address(shop):
    return shop.address


def test_the_first_review_shows_the_whole_text_and_every_target(publisher, address, shop):
    write(shop, "Greet for {{ company }}.")
    page = page_of(publisher.get(address()))

    assert "Greet for Acme." in page
    assert "Publish version 1: goes live now" in page
    assert page.count('name="target"') == page.count(" checked") == 2
    assert page.count("nothing arrived there yet") == 2


def test_a_review_shows_the_change_as_written_and_as_it_is_sent(publisher, address, shop):
    done = publish_now(shop, "Old for {{ company }}.")
    factories.make_attempt(delivery=next(d for d in done.deliveries if d.placement == shop.places["desk"]))
    write(shop, "New for {{ company }}.")
    written, sent = (page_of(publisher.get(address() + f"?show={word}")) for word in ("source", "rendered"))

    assert "<del>Old</del> for {{ company }}." in written
    assert "<ins>New</ins> for Acme." in sent
    assert written.count("has version 1") == 1
    assert "Publish version 2: goes live now" in written


def test_with_htmx_only_the_comparison_is_drawn_again(publisher, address, shop):
    publish_now(shop, "Old for {{ company }}.")
    write(shop, "New for {{ company }}.")
    part = page_of(publisher.get(address() + "?show=rendered", headers=HTMX))

    assert "<html" not in part
    assert 'id="changes"' in part
    assert "<ins>New</ins> for Acme." in part


def test_publishing_goes_to_the_ticked_targets_and_leads_to_its_progress(publisher, address, shop):
    answer = publisher.post(address(), form_of(shop, "phone", reason="Opening hours"))
    publication = Publication.objects.get()

    assert answer.url == address("publication", ordinal=1)
    assert (publication.reason, publication.version.ordinal) == ("Opening hours", 1)
    assert [delivery.placement for delivery in Delivery.objects.all()] == [shop.places["phone"]]
    assert "0 of 1 place has it." in page_of(publisher.get(answer.url))


def test_publishing_the_same_again_moves_nothing_and_says_so(publisher, address, shop):
    publisher.post(address(), form_of(shop, "phone"))
    page = page_of(publisher.get(address()))
    answer = publisher.post(address(), form_of(shop, "phone"), follow=True)

    assert "This very version is active." in page
    assert "version 1 is active already, and nothing would take its place." in page
    assert "takes the place of" not in page
    assert "Nothing had to be done" in page_of(answer)
    assert "Your reason is not kept" not in page_of(answer)
    assert Publication.objects.count() == 1


def test_the_reason_of_whoever_publishes_the_same_again_is_not_lost_unseen(publisher, address, shop):
    publish_now(shop, "One for {{ company }}.")
    told = page_of(publisher.post(address(), form_of(shop, "desk", "phone", reason="Kept <b>why</b>"), follow=True))

    assert "Version 1 was active already, published by" in told
    assert "Your reason is not kept, for no version moved: “Kept &lt;b&gt;why&lt;/b&gt;”" in told
    assert Publication.objects.get().reason == ""


def test_what_is_sent_to_a_target_that_lacked_it_is_told(publisher, address, shop):
    publisher.post(address(), form_of(shop, "phone"))
    told = page_of(publisher.post(address(), form_of(shop, "desk", "phone", reason="For the desk"), follow=True))

    assert "It is sent to 1 place that lacked it." in told
    assert "“For the desk”" in told


def test_a_target_that_objects_is_told_beside_its_box_and_nothing_moves(publisher, address, shop, monkeypatch):
    objection = [Problem("/text", "maxLength", "is longer than the desk can read")]
    desk = shop.places["desk"].target_id

    def check(self, remote, *, format, text):
        return objection if remote.location == shop.places["desk"].location else []

    monkeypatch.setattr(Memory, "check", check)
    refused = page_of(publisher.post(address(), form_of(shop, "desk", "phone", reason="Kept <b>why</b>")), 422)
    asked = page_of(publisher.get(address("publish_checks"), headers=HTMX))
    plain = page_of(publisher.get(address() + "?check=1"))

    assert "is longer than the desk can read" in refused
    assert 'value="Kept &lt;b&gt;why&lt;/b&gt;"' in refused
    for told in (refused, asked, plain):
        beside = told[told.index(f'id="check-{desk}"') :]
        assert "is longer than the desk can read" in beside[: beside.index("</div>")]
        assert told.count("takes this text") == 1
    assert not Publication.objects.exists()
    assert page_of(publisher.post(address(), form_of(shop, "phone"), follow=True))


def test_a_target_switched_off_meanwhile_cannot_be_chosen(publisher, address, shop):
    given = form_of(shop, "desk", "phone")
    targets.disable(target=shop.places["desk"].target, by=SYSTEM, at=AT)

    page = page_of(publisher.post(address(), given), 422)
    assert "This is not right yet" in page
    assert "desk: switched off meanwhile, or this prompt goes there no more. Look at the targets again." in page
    assert f'value="{shop.places["desk"].target_id}"' not in page
    assert "Switched off: it keeps what it runs, and gets the newest publication when it is switched on." in page
    assert not Publication.objects.exists()


def test_a_draft_that_cannot_be_rendered_cannot_be_published(publisher, address, shop, monkeypatch):
    from prompthub_kernel.errors import Invalid

    publish_now(shop)
    given = form_of(shop, "desk")

    def broken(**_):
        raise Invalid("422.variables_invalid", problems=[Problem("/variables/company", "required", "is missing")])

    monkeypatch.setattr(drafts, "render", broken)
    page = page_of(publisher.get(address() + "?show=rendered"))
    assert "/variables/company" in page
    assert "Mend the variables" in page
    assert "no target was asked" in page_of(publisher.get(address("publish_checks"), headers=HTMX))
    assert "is missing" in page_of(publisher.post(address(), given), 422)


def test_a_draft_changed_while_it_was_reviewed_is_reviewed_again(publisher, address, shop):
    given = form_of(shop, "desk", reason="Mine")
    ana = factories.make_actor(roles={shop.client: Role.EDITOR}, user=factories.make_user(username="ana"))
    write(shop, "Theirs for {{ company }}.", by=ana)
    page = page_of(publisher.post(address(), given), 409)

    assert "ana changed the draft while you were looking at it" in page
    assert "Theirs for Acme." in page
    assert 'value="Mine"' in page
    assert f'name="revision" value="{row_of(shop).revision}"' in page
    assert page.count(" checked") == 1
    assert not Publication.objects.exists()


@pytest.mark.parametrize("writes_on", [False, True])
def test_a_colleague_who_edits_and_publishes_meanwhile_is_told_as_that(publisher, address, shop, writes_on):
    publish_now(shop, "One for {{ company }}.")
    write(shop, "Two for {{ company }}.")
    given = form_of(shop, "desk", reason="Mine")
    ana = factories.make_actor(roles={shop.client: Role.PUBLISHER}, user=factories.make_user(username="ana"))
    write(shop, "Theirs for {{ company }}.", by=ana)
    publish.publish(instance=row_of(shop), by=ana, at=AT)
    if writes_on:
        write(shop, "More for {{ company }}.", by=ana)
    page = page_of(publisher.post(address(), given), 409)

    assert "ana made version 2 active on 2026-01-05 09:30:00, while you were looking. Nothing was published." in page
    assert "ana changed the draft while you were looking" not in page
    assert ("ana changed the draft since." in page) is writes_on
    assert f'name="expected" value="{row_of(shop).active_version_id}"' in page
    assert 'value="Mine"' in page
    assert Publication.objects.count() == 2


@pytest.fixture
def diverged(shop):
    """Version 1 was made active again after the draft became version 2; then the draft was written on."""
    first = publish_now(shop, "One for {{ company }}.").version
    publish_now(shop, "Two for {{ company }}.")
    ana = factories.make_actor(roles={shop.client: Role.PUBLISHER}, user=factories.make_user(username="ana"))
    publish.publish(instance=row_of(shop), version=first, reason="Two was wrong", by=ana, at=AT)
    write(shop, "Three for {{ company }}.")
    return first


def test_somebody_who_published_first_is_named_with_both_versions_and_what_they_changed(
    publisher, address, shop, diverged
):
    before = row_of(shop)
    page = page_of(publisher.post(address(), form_of(shop, "desk")), 409)

    assert "Version 1 became active on 2026-01-05 09:30:00, by ana" in page
    assert "Two was wrong" in page
    assert str(diverged.pk) in page
    assert str(before.based_on_id) in page
    assert "<del>Two</del>" in page
    assert "<ins>One</ins>" in page
    for way in ("Take over theirs", "Publish anyway, over version 1", "Cancel"):
        assert way in page
    assert Publication.objects.count() == 3
    mine = page_of(publisher.get(address() + "?show=source"))
    assert "<ins>Three</ins>" in mine


def test_publishing_anyway_is_recorded_as_decided(publisher, address, shop, diverged):
    answer = publisher.post(address(), form_of(shop, "desk", confirm="1"))

    assert answer.url == address("publication", ordinal=4)
    assert row_of(shop).active_version.ordinal == 3
    assert AuditEvent.objects.filter(action="instance.publish").latest("id").metadata["confirmed"] is True


def test_publishing_anyway_holds_only_for_the_version_that_was_shown(publisher, address, shop, diverged):
    given = form_of(shop, "desk", confirm="1")
    second = versions.history(instance=shop.instance).get(ordinal=2)
    moved = publish.publish(instance=row_of(shop), version=second, by=SYSTEM, at=AT).version
    write_back = drafts.edit(instance=row_of(shop), revision=row_of(shop).revision, based_on=diverged, by=SYSTEM, at=AT)
    given["revision"] = write_back.revision
    page = page_of(publisher.post(address(), given), 409)

    assert "Version 2 became active" in page
    assert row_of(shop).active_version == moved


def test_taking_over_theirs_makes_the_draft_their_text_and_ends_the_conflict(publisher, address, shop, diverged):
    take_over = address("take_over", version=diverged.pk)
    answer = publisher.post(take_over, {"revision": row_of(shop).revision})
    row = row_of(shop)

    assert answer.url == address("prompt")
    assert row.body.source() == "One for {{ company }}."
    assert row.based_on == diverged
    write(shop, "Four for {{ company }}.")
    assert publisher.post(address(), form_of(shop, "desk")).url == address("publication", ordinal=4)


def test_taking_over_a_text_that_is_the_templates_leaves_the_prompt_none_of_its_own(publisher, address, shop):
    first = publish_now(shop).version
    write(shop, "Mine for {{ company }}.")
    publisher.post(address("take_over", version=first.pk), {"revision": row_of(shop).revision})

    assert row_of(shop).content_md is None


def test_a_draft_changed_meanwhile_is_not_taken_over(publisher, address, shop, diverged):
    for revision in ("1", "9" * 5000):
        answer = publisher.post(address("take_over", version=diverged.pk), {"revision": revision}, follow=True)
        assert "so it was left alone" in page_of(answer)
    assert row_of(shop).body.source() == "Three for {{ company }}."


def test_another_prompts_version_is_not_taken_over(publisher, address, shop):
    stranger = factories.make_instance_version(instance=factories.make_instance(client=shop.client, name="other"))

    assert publisher.post(address("take_over", version=stranger.pk), {"revision": "1"}).status_code == 404
    assert publisher.get(address("rollback", version=stranger.pk)).status_code == 404


def test_markup_in_a_prompt_its_names_and_reasons_never_becomes_a_node(publisher, address, shop):
    row = row_of(shop)
    first = publish_now(shop, f"One {MARKUP} {{{{ company }}}}.", reason=MARKUP).version
    drafts.edit(
        instance=row_of(shop),
        revision=row_of(shop).revision,
        name=MARKUP,
        variables={"company": MARKUP},
        body=PromptBody.parse(content_md=f"Two {MARKUP} {{{{ company }}}}", content_json=None),
        by=SYSTEM,
        at=AT,
    )
    assert row.pk == shop.instance.pk
    places = [
        *(address() + f"?show={word}" for word in ("source", "rendered")),
        address("rollback", version=first.pk),
        address("publication", ordinal=1),
        address("archive"),
    ]
    for place in places:
        page = page_of(publisher.get(place))
        assert "&lt;" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize(("name", "role"), [("publish", Role.EDITOR), ("archive", Role.VIEWER)])
def test_whoever_lacks_the_permission_is_told_calmly(shop, address, name, role):
    browser = shop.person(role)
    for answer in (browser.get(address(name)), browser.post(address(name))):
        assert "You may not do this here" in page_of(answer, 403)


def test_an_archived_client_publishes_nothing(shop, publisher, address):
    clients.archive(client=shop.client, by=SYSTEM, at=AT)
    assert "This client is archived." in page_of(publisher.get(address()))
    assert publisher.post(address(), form_of(shop, "desk")).status_code == 409


def test_a_review_and_its_progress_ask_the_database_a_few_times_only(publisher, address, shop):
    publish_now(shop, "One for {{ company }}.")
    write(shop, "Two for {{ company }}.")
    for _ in range(3):
        factories.make_placement(instance=row_of(shop), target=factories.make_target(client=shop.client))
    publisher.get(address())
    for place, most in ((address(), 13), (address("publication", ordinal=1), 11)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page_of(publisher.get(place))
        assert len(asked) <= most, "\n".join(query["sql"][:150] for query in asked)


@pytest.mark.parametrize("code", ["not_asked", "try_again"])
def test_a_target_that_was_not_asked_is_told_as_that_and_hinders_nothing(publisher, address, shop, monkeypatch, code):
    found = [Problem("", code, "Not asked: a webhook cannot be tested without a message.")]
    monkeypatch.setattr(Memory, "probe", lambda *_, **__: found)
    asked = page_of(publisher.get(address("publish_checks"), headers=HTMX))
    plain = page_of(publisher.get(address() + "?check=1"))

    for told in (asked, plain):
        assert "takes this text" not in told
        assert told.count("keeps to its contract") == 2
        assert told.count("Not asked: a webhook cannot be tested without a message.") == 2
        assert "Targets that can be asked were asked just now." in told
    assert publisher.post(address(), form_of(shop, "desk", "phone")).status_code == 302
