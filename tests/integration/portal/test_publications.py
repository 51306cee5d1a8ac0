"""One publication at the portal: how far it has come, what failed and goes out again; the way back, and the end."""

from __future__ import annotations

import uuid
from copy import deepcopy

import pytest

from publishing.models import Delivery
from tenancy.policy import Role
from tests import factories
from tests.integration.portal.shop import build_shop, form_of, page_of, publish_now, row_of
from tests.once import once

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


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


def test_an_older_version_is_made_live_again_after_a_look_at_the_way_back(publisher, address, shop):
    first = publish_now(shop, "One for {{ company }}.").version
    publish_now(shop, "Two for {{ company }}.")
    rollback = address("rollback", version=first.pk)
    page = page_of(publisher.get(rollback))
    answer = publisher.post(rollback, form_of(shop, "desk", "phone", reason="Two was wrong"))

    assert "<del>Two</del>" in page
    assert "<ins>One</ins>" in page
    assert "Make version 1 live again" in page
    assert answer.url == address("publication", ordinal=3)
    assert row_of(shop).active_version == first
    assert row_of(shop).body.source() == "Two for {{ company }}."
    assert "takes this text" in page_of(publisher.get(address("publish_checks") + f"?version={first.pk}"))


def test_a_way_back_is_looked_at_again_when_something_else_became_active(publisher, address, shop):
    first = publish_now(shop, "One for {{ company }}.").version
    publish_now(shop, "Two for {{ company }}.")
    given = form_of(shop, "desk")
    publish_now(shop, "Three for {{ company }}.")
    page = page_of(publisher.post(address("rollback", version=first.pk), given), 409)

    assert "PromptHub made version 3 active" in page
    assert "<del>Three</del>" in page
    assert row_of(shop).active_version.ordinal == 3


def test_progress_shows_partial_success_with_the_reason_and_a_way_to_replay(publisher, address, shop):
    done = publish_now(shop)
    by_place = {delivery.placement: delivery for delivery in done.deliveries}
    here = address("publication", ordinal=1)
    seen = page_of(publisher.get(here))
    factories.make_attempt(delivery=by_place[shop.places["desk"]])
    factories.make_attempt(
        delivery=by_place[shop.places["phone"]], outcome="refused", code="502.adapter_publish_error_memory"
    )
    settled = page_of(publisher.get(here))

    assert 'hx-trigger="every 1s"' in seen
    assert "0 of 2 places have it." in seen
    assert "hx-trigger" not in settled
    assert "Published in part: 1 of 2 places have it." in settled
    assert "1 place was given up" in settled
    assert "502.adapter_publish_error_memory" in settled
    assert settled.count("Replay") == 1

    again = publisher.post(here, {"delivery": by_place[shop.places["phone"]].pk}, follow=True)
    assert "It is sent to phone again." in page_of(again)
    assert "replayed 1 time" in page_of(again)
    assert Delivery.objects.filter(replay_of=by_place[shop.places["phone"]]).count() == 1


def test_a_second_press_on_a_page_that_is_not_new_any_more_is_told(publisher, address, shop):
    done = publish_now(shop)
    for delivery in done.deliveries:
        factories.make_attempt(delivery=delivery, outcome="refused")
    here, given = address("publication", ordinal=1), {"delivery": done.deliveries[0].pk}
    publisher.post(here, given)
    again = publisher.post(here, given, follow=True)

    assert "It was replayed already; what came of that stands below." in page_of(again)
    assert Delivery.objects.filter(replay_of=done.deliveries[0]).count() == 1


def test_progress_is_silent_while_nothing_changes(publisher, address, shop):
    done = publish_now(shop)
    here = address("publication", ordinal=1)
    part = page_of(publisher.get(here, headers=HTMX))
    seen = part[part.index("?seen=") :][6:18]

    assert publisher.get(f"{here}?seen={seen}", headers=HTMX).status_code == 204
    factories.make_attempt(delivery=done.deliveries[0])
    fresh = page_of(publisher.get(f"{here}?seen={seen}", headers=HTMX))
    assert "<html" not in fresh
    assert 'id="outcome" hx-swap-oob="innerHTML"' in fresh


def test_while_everything_waits_for_its_next_try_the_page_looks_less_often(publisher, address, shop):
    for delivery in publish_now(shop).deliveries:
        factories.make_attempt(delivery=delivery, outcome="try_again")

    page = page_of(publisher.get(address("publication", ordinal=1)))
    assert 'hx-trigger="every 5s"' in page
    assert page.count("next try") == 2


def test_what_is_not_given_up_is_not_replayed(publisher, address, shop):
    done = publish_now(shop)
    here = address("publication", ordinal=1)

    assert "Only a buried delivery" in page_of(publisher.post(here, {"delivery": done.deliveries[0].pk}, follow=True))
    assert publisher.post(here, {"delivery": uuid.uuid4()}).status_code == 404
    assert publisher.get(address("publication", ordinal=9)).status_code == 404


def test_an_old_publication_says_what_came_after_it(publisher, address, shop):
    publish_now(shop, "One for {{ company }}.")
    publish_now(shop, "Two for {{ company }}.")
    page = page_of(publisher.get(address("publication", ordinal=1)))

    assert "publication 2 made version 2 active since" in page
    assert page.count("superseded") == 2


def test_a_publication_to_nowhere_is_told_as_that(publisher, address, shop):
    answer = publisher.post(address(), form_of(shop), follow=True)
    assert "It was sent nowhere." in page_of(answer)


def test_archiving_is_asked_first_and_tells_what_stays(publisher, address, shop):
    page = page_of(publisher.get(address("archive")))
    answer = publisher.post(address("archive"))

    assert "desk" in page
    assert "What providers run stays as it is" in page
    assert answer.url == address("prompt")
    assert row_of(shop).archived_at is not None
    assert publisher.get(address()).status_code == 409
    assert publisher.post(address("archive")).status_code == 409
    assert "It is archived already." in page_of(publisher.get(address("archive")))


def test_whoever_may_only_look_sees_progress_without_a_way_to_replay(shop, address):
    for delivery in publish_now(shop).deliveries:
        factories.make_attempt(delivery=delivery, outcome="refused")
    page = page_of(shop.person(Role.VIEWER).get(address("publication", ordinal=1)))

    assert 'aria-disabled="true"' in page
    assert "Needs the permission" in page
    assert shop.person(Role.VIEWER).post(address("publication", ordinal=1)).status_code == 403
