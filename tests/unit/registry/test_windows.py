"""A channel that moves at several times to come: each move is held against what is scheduled before it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.clock import database_now
from registry import channels, reviews, schedules
from registry.models import Activation
from tests.factories import make_release
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel, someone
from tests.unit.registry.moving import moved, refused

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def channel():
    """At 1.0.0; there are 1.1.0 and 1.2.0, too."""
    found = make_channel(release="1.0.0")
    for version in ("1.1.0", "1.2.0"):
        make_release(bundle=found.bundle, version=version)
    return found


def schedule(channel, to="1.1.0", *, due=HOUR, at=AT, **given):
    due_at = database_now() + due
    return schedules.schedule(channel=channel, to=to, due_at=due_at, by=SYSTEM, at=at, **given)


def time_comes(activation, due=-HOUR):
    Activation.objects.filter(pk=activation.pk).update(due_at=database_now() + due)


def at_time(channel, activation):
    """Where the channel points after the move's time has come, with the state, code and ordinal of the move."""
    time_comes(activation)
    schedules.wake(by=SYSTEM, at=AT)
    row = Activation.objects.get(pk=activation.pk)
    channel.refresh_from_db()
    return channel.release.version, row.state, row.error_code, row.ordinal


@pytest.mark.parametrize("expected", [None, "1.0.0"])
def test_a_window_is_scheduled_there_and_back(channel, expected):
    there = schedule(channel, expected=expected)
    back = schedule(channel, "1.0.0", due=2 * HOUR, expected=expected)
    assert at_time(channel, there) == ("1.1.0", "active", "", 2)
    assert at_time(channel, back) == ("1.0.0", "active", "", 3)


def test_a_window_under_review_is_approved_before_it_begins(channel, at):
    author, reviewer = someone(channel), someone(channel, "reviewer")
    channels.set_policy(channel=channel, rule="review", by=SYSTEM, at=at)
    window = []
    for hours, to in enumerate(("1.1.0", "1.0.0"), 1):
        due_at = database_now() + hours * HOUR
        proposal = reviews.propose(channel=channel, to=to, due_at=due_at, by=author, at=at)
        window.append(reviews.approve(proposal=proposal, revision=1, by=reviewer, at=at))
    assert at_time(channel, window[0]) == ("1.1.0", "active", "", 2)
    assert at_time(channel, window[1]) == ("1.0.0", "active", "", 3)


def test_where_a_channel_will_point_is_asked_of_all_that_waits_for_before(channel):
    schedule(channel, percent=10, due=2 * HOUR)
    schedule(channel, "1.2.0", due=4 * HOUR)
    for to, due, share in (
        ("1.0.0", HOUR, {}),
        ("1.1.0", 3 * HOUR, {"percent": 10}),
        ("1.2.0", 5 * HOUR, {}),
        ("1.2.0", 5 * HOUR, {"percent": 10}),
    ):
        refused("409.state_conflict", schedule, channel=channel, to=to, due=due, **share)
    told = refused("409.state_conflict", schedule, channel=channel, to="1.2.0", due=5 * HOUR).detail
    assert told == f"'{channel.name}' will point there already when the time has come."
    for to, due, share in (
        ("1.0.0", 3 * HOUR, {}),
        ("1.0.0", 5 * HOUR, {"percent": 10}),
        ("1.1.0", 5 * HOUR, {"percent": 10}),
    ):
        assert schedule(channel, to, due=due, **share).state == "scheduled"


def test_what_can_no_longer_be_made_says_nothing_of_where_a_channel_will_point(channel):
    schedule(channel, expected="1.0.0", due=2 * HOUR)
    channels.activate(channel=channel, to="1.2.0", by=SYSTEM, at=AT)
    assert schedule(channel, due=3 * HOUR).state == "scheduled"
    refused("409.state_conflict", schedule, channel=channel, to="1.2.0", due=HOUR)


def test_a_channel_that_will_point_somewhere_can_be_split_then():
    empty = make_channel()
    for version in ("1.0.0", "1.1.0"):
        make_release(bundle=empty.bundle, version=version)
    refused("409.state_conflict", schedule, channel=empty, percent=10, due=3 * HOUR)
    first = schedule(empty, "1.0.0", due=2 * HOUR)
    rollout = schedule(empty, percent=10, due=3 * HOUR)
    assert at_time(empty, first) == ("1.0.0", "active", "", 1)
    assert at_time(empty, rollout) == ("1.0.0", "active", "", 2)
    assert empty.split_release.version == "1.1.0"


def test_a_move_to_where_the_channel_points_already_uses_no_ordinal(channel):
    waiting = schedule(channel)
    channels.activate(channel=channel, to="1.1.0", by=SYSTEM, at=AT)
    assert at_time(channel, waiting) == ("1.1.0", "failed", "409.state_conflict", None)
    assert moved(channel) == [(2, "1.0.0", "1.1.0"), (1, None, "1.0.0")]


def test_a_guarded_move_goes_on_after_those_alone_that_were_known_and_were_for_before(channel):
    schedule(channel, "1.2.0", due=HOUR)
    guarded = schedule(channel, expected="1.0.0", due=2 * HOUR)
    unknown = schedule(channel, "1.0.0", due=HOUR, at=AT + HOUR)
    for row in Activation.objects.filter(state="scheduled").exclude(pk=guarded.pk).order_by("id"):
        time_comes(row, -HOUR)
    assert schedules.wake(by=SYSTEM, at=AT) == 2
    assert moved(channel)[0] == (3, "1.2.0", "1.0.0")
    assert at_time(channel, guarded) == ("1.0.0", "failed", "409.version_conflict", None)
    assert Activation.objects.get(pk=unknown.pk).state == "active"


@pytest.mark.parametrize(("due", "told"), [(-HOUR, "This time has passed."), (timedelta(days=366_000), "year 2999")])
def test_a_time_that_has_passed_or_never_comes_is_refused(channel, due, told):
    due_at = database_now() + due
    given = {"channel": channel, "to": "1.1.0", "by": SYSTEM, "at": AT, "due_at": due_at}
    error = refused("422.request_invalid", schedules.schedule, **given)
    assert (error.problems[0].pointer, told in error.problems[0].detail) == ("/due_at", True)
    channels.set_policy(channel=channel, rule="review", by=SYSTEM, at=AT)
    refused("422.request_invalid", reviews.propose, **given)
