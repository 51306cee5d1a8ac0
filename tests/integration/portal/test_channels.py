"""Channels: what they give, moved at once, in part, later and back; and what a slower person is told."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry import channels, releases, rollouts
from registry.models import Activation, Channel
from tenancy.policy import Role
from tests.factories.acting import AT, SYSTEM
from tests.integration.portal.bench import build_bench, channel_of, page_of
from tests.once import once

_built = once(build_bench)


@pytest.fixture
def bench(_built, db):
    return deepcopy(_built)


def moving(bench, name="live", **more):
    """What the form of a move sends."""
    there = channel_of(bench, name).release
    return {"to": "1.0.0", "expected": there.number if there else "", "reason": "", **more}


def test_channels_are_listed_and_made(bench):
    browser = bench.person(Role.PUBLISHER)
    html = page_of(browser.get(bench.address("channels")))
    assert "2.0.0" in html
    assert "review" in html
    html = page_of(browser.post(bench.address("channels"), {"name": "nightly", "rule": "live"}, follow=True))
    assert "It points nowhere yet" in html
    for wrong in (
        {"name": "live", "rule": "live"},
        {"name": "No!", "rule": "live"},
        {"name": "latest", "rule": "live"},
    ):
        answer = browser.post(bench.address("channels"), wrong)
        assert answer.status_code in {400, 409, 422}
        assert 'href="#channel_name"' in answer.content.decode()


def test_only_administrators_make_channels_under_review(bench):
    given = {"name": "careful", "rule": "review"}
    html = page_of(bench.person(Role.PUBLISHER).post(bench.address("channels"), given), 422)
    assert 'href="#channel_rule"' in html
    page_of(bench.person().post(bench.address("channels"), given, follow=True))
    assert channel_of(bench, "careful").policy == "review"


def test_more_channels_and_moves_cost_no_more_questions(bench):
    browser = bench.person()
    paths = [bench.address("channels"), bench.address("channel", channel="live")]

    def asked():
        found = []
        for path in paths:
            browser.get(path)
            with CaptureQueriesContext(connection) as queries:
                browser.get(path)
            found.append(len(queries))
        return found

    before = asked()
    for version in ("1.0.0", "2.0.0", "1.0.0", "2.0.0"):
        channels.activate(channel=bench.live, to=version, by=SYSTEM, at=AT)
    channels.create(bundle=bench.work.bundle, name="more", by=SYSTEM, at=AT)
    assert asked() == before
    assert max(before) <= 16


def test_a_channel_shows_its_history_and_the_way_back(bench):
    html = page_of(bench.person(Role.PUBLISHER).get(bench.address("channel", channel="live")))
    assert "1.0.0 → 2.0.0" in html
    assert "first: 1.0.0" in html
    assert "Roll back to 1.0.0" in html
    viewer = page_of(bench.person(Role.VIEWER).get(bench.address("channel", channel="live")))
    assert bench.address("channel_rollback", channel="live") not in viewer
    assert "Needs the permission “publish” in this project." in viewer
    assert bench.person().get(bench.address("channel", channel="nowhere")).status_code == 404


def test_a_live_channel_is_moved_after_a_look_at_what_changes(bench):
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_move", channel="live")
    html = page_of(browser.get(path, {"to": "1.0.0"}))
    assert "What callers get differently: 2.0.0 → 1.0.0" in html
    assert "<ins>" in html
    html = page_of(browser.post(path, moving(bench, reason="Kinder"), follow=True))
    assert "live gives 1.0.0 now." in html
    made = Activation.objects.filter(channel=bench.live).latest("ordinal")
    assert (made.release.version, made.reason, made.by) == ("1.0.0", "Kinder", str(browser.account.pk))
    assert "live gave 1.0.0 already." in page_of(browser.post(path, moving(bench), follow=True))
    assert "Choose a release first." in page_of(browser.get(path))
    assert "Choose a release first." in page_of(browser.post(path, {}), 422)
    assert browser.get(path, {"to": "9.0.0"}).status_code == 404


def test_it_goes_back_in_one_step_after_a_look_at_the_reverse_difference(bench):
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_rollback", channel="live")
    html = page_of(browser.get(path))
    assert "live: back to 1.0.0" in html
    assert "Roll back to 1.0.0: goes live now" in html
    assert "live gives 1.0.0 now." in page_of(browser.post(path, moving(bench), follow=True))
    assert channel_of(bench, "live").last_ordinal == 3
    assert "There is no earlier release to go back to." in page_of(browser.get(path), 409)


def test_who_was_slower_is_told_who_moved_it_and_decides_on_what_is_there_now(bench):
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_move", channel="live")
    bench.work.cut("2.0.1")
    looked = moving(bench, to="2.0.1")
    channels.activate(channel=bench.live, to="1.0.0", by=SYSTEM, at=AT)
    html = page_of(browser.post(path, looked), 409)
    assert "moved the channel to 1.0.0" in html
    assert "Nothing was done." in html
    assert 'name="expected" value="1.0.0"' in html
    assert channel_of(bench, "live").release.version == "1.0.0"
    page_of(browser.post(path, {**looked, "expected": "1.0.0"}, follow=True))
    assert channel_of(bench, "live").release.version == "2.0.1"


def test_a_yanked_release_is_given_only_when_that_is_said(bench):
    releases.yank(release=bench.one, reason="security", message="Leaks.", by=SYSTEM, at=timezone.now())
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_move", channel="live")
    html = page_of(browser.get(path, {"to": "1.0.0"}))
    assert "Leaks." in html
    assert "Yes, this release, although it was yanked" in html
    assert "Confirm that it is meant all the same." in page_of(browser.post(path, moving(bench)), 409)
    page_of(browser.post(path, moving(bench, confirm="on"), follow=True))
    assert channel_of(bench, "live").release.version == "1.0.0"
    assert "Leaks." in page_of(browser.get(bench.address("channel", channel="live")))


def test_a_rollout_is_begun_widened_stopped_and_finished(bench):
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_move", channel="live")
    here = bench.address("channel", channel="live")
    html = page_of(browser.post(path, moving(bench, percent="10", segments="beta, staff"), follow=True))
    assert "A part of the callers of live gets 1.0.0 now." in html
    assert "10 % of the callers" in html
    assert "beta, staff" in html
    widen = bench.address("channel_widen", channel="live")
    assert "The rollout has another share now." in page_of(
        browser.post(widen, {"percent": "50", "segments": "", "expected": "2.0.0"}, follow=True)
    )
    assert channel_of(bench, "live").split_percent == 50
    assert 'href="#share_percent"' in page_of(browser.post(widen, {"percent": "101", "expected": "2.0.0"}), 422)
    assert 'href="#share_segments"' in page_of(
        browser.post(widen, {"percent": "1", "segments": "NO!", "expected": "2.0.0"}), 422
    )
    assert "points at 2.0.0 now" in page_of(browser.post(widen, {"percent": "60", "expected": "1.0.0"}), 409)
    stopped = page_of(browser.post(bench.address("channel_stop", channel="live"), follow=True))
    assert "The rollout has ended" in stopped
    assert "the rollout ended: all get 2.0.0" in stopped
    assert channel_of(bench, "live").split_release is None
    assert browser.post(bench.address("channel_stop", channel="live")).status_code == 409
    assert browser.post(widen, {"percent": "60", "expected": "2.0.0"}).status_code == 422
    page_of(browser.post(path, moving(bench, percent="5"), follow=True))
    assert "Give 1.0.0 to all" in page_of(browser.get(here))
    page_of(browser.post(path, moving(bench), follow=True))
    assert channel_of(bench, "live").release.version == "1.0.0"


def test_a_share_that_cannot_be_is_told_at_its_field(bench):
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_move", channel="live")
    assert 'href="#id_percent"' in page_of(browser.post(path, moving(bench, percent="-1")), 422)
    assert 'href="#id_segments"' in page_of(browser.post(path, moving(bench, segments="NO!")), 422)
    again = page_of(browser.post(path, moving(bench, to="2.0.0", percent="5")), 409)
    assert "The channel points at 2.0.0 already." in again


def test_a_move_is_scheduled_and_taken_back(bench):
    browser, path = bench.person(Role.PUBLISHER), bench.address("channel_move", channel="live")
    later = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    html = page_of(browser.post(path, moving(bench, due_at=later), follow=True))
    assert "live will give 1.0.0 when the time has come." in html
    assert "scheduled" in html
    row = Activation.objects.get(channel=bench.live, state="scheduled")
    withdraw = bench.address("move_withdraw", channel="live", activation=row.pk)
    assert "It was taken back." in page_of(browser.post(withdraw, follow=True))
    assert browser.post(withdraw).status_code == 409
    assert browser.post(bench.address("move_withdraw", channel="stable", activation=row.pk)).status_code == 404
    past = "2020-01-01T00:00"
    assert 'href="#id_due_at"' in page_of(browser.post(path, moving(bench, due_at=past)), 422)


def test_how_a_channel_moves_is_for_administrators_to_say(bench):
    path = bench.address("channel_policy", channel="live")
    assert bench.person(Role.PUBLISHER).post(path, {"rule": "locked"}).status_code == 403
    html = page_of(bench.person().post(path, {"rule": "locked"}, follow=True))
    assert "From now on the channel moves like that." in html
    assert "This channel is locked" in html
    assert bench.person().post(path, {"rule": "whim"}).status_code == 422


def test_a_locked_channel_is_moved_by_nobody_here(bench):
    channels.set_policy(channel=bench.live, rule=Channel.Policy.LOCKED, by=SYSTEM, at=AT)
    browser, path = bench.person(), bench.address("channel_move", channel="live")
    assert "only a program's token" in page_of(browser.get(path, {"to": "1.0.0"})).replace("&#x27;", "'")
    assert "This channel is locked" in page_of(browser.post(path, moving(bench)), 403)
    assert channel_of(bench, "live").release.version == "2.0.0"


def test_a_reviewer_ends_a_rollout_under_review_without_a_proposal(bench):
    rollouts.split(channel=bench.live, to="1.0.0", percent=5, by=SYSTEM, at=AT)
    channels.set_policy(channel=bench.live, rule=Channel.Policy.REVIEW, by=SYSTEM, at=AT)
    publisher, reviewer = bench.person(Role.PUBLISHER), bench.person(Role.REVIEWER)
    widen = publisher.post(bench.address("channel_widen", channel="live"), {"percent": "50", "expected": "2.0.0"})
    assert widen.headers["Location"].endswith("?to=1.0.0&percent=50&segments=")
    assert 'value="50"' in page_of(publisher.get(widen.headers["Location"]))
    assert publisher.post(bench.address("channel_end", channel="live")).status_code == 403
    page_of(reviewer.post(bench.address("channel_end", channel="live"), follow=True))
    assert channel_of(bench, "live").split_release is None
