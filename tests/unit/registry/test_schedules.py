"""Moves for later: due by the database's clock, made once, never lost, and never against the rules of then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from guardian.models import UserObjectPermission

from audit.models import AuditEvent
from foundation.clock import database_now
from registry import channels, pending, reviews, schedules, tasks
from registry.models import Activation
from tenancy import policy, tokens
from tenancy.models import ServiceToken
from tenancy.policy import Role
from tests.factories import make_actor, make_release, make_release_mark
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel, some_token, someone
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


def schedule(channel, to="1.1.0", *, by=SYSTEM, due=HOUR, at=AT, **given):
    """A move that is due so long from now; one that is due already was scheduled long ago."""
    due_at = database_now() + max(due, HOUR)
    found = schedules.schedule(channel=channel, to=to, due_at=due_at, by=by, at=at, **given)
    if due < HOUR:
        time_comes(found, due)
    return found


def time_comes(activation, due=-HOUR):
    Activation.objects.filter(pk=activation.pk).update(due_at=database_now() + due)


def wake():
    return schedules.wake(by=SYSTEM, at=AT)


def test_a_move_for_later_is_made_when_it_is_due_and_once(channel, at):
    by = someone(channel)
    waiting = schedule(channel, by=by, reason="at night")
    assert (waiting.state, waiting.ordinal, waiting.policy) == ("scheduled", None, "live")
    assert wake() == 0
    assert moved(channel) == [(1, None, "1.0.0")]
    time_comes(waiting)
    assert [wake(), wake()] == [1, 0]
    row = Activation.objects.get(pk=waiting.pk)
    assert (row.state, row.ordinal, row.active_at, row.previous.version) == ("active", 2, at, "1.0.0")
    assert (row.by, row.reason) == (by.id, "at night")
    assert moved(channel)[0] == (2, "1.0.0", "1.1.0")
    told = AuditEvent.objects.filter(action__in=["channel.schedule", "channel.activate"]).order_by("id")
    assert [(event.action, event.actor_id) for event in told][-2:] == [
        ("channel.schedule", by.id),
        ("channel.activate", "system"),
    ]


def test_due_is_what_the_clock_of_the_database_says(channel):
    schedule(channel, due=timedelta(minutes=5))
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        assert wake() == 0
    late = schedule(channel, "1.2.0", due=-timedelta(seconds=1))
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=10)):
        assert wake() == 1
    assert Activation.objects.get(pk=late.pk).state == "active"


def test_moves_that_are_due_together_are_made_in_their_order(channel):
    second, first = schedule(channel, "1.2.0", due=-HOUR), schedule(channel, "1.1.0", due=-2 * HOUR)
    assert wake() == 2
    assert moved(channel)[:2] == [(3, "1.1.0", "1.2.0"), (2, "1.0.0", "1.1.0")]
    assert first.pk != second.pk


def test_a_worker_that_dies_before_the_commit_loses_nothing(channel, monkeypatch):
    waiting = schedule(channel, due=-HOUR)

    def die(**_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(schedules.events, "record", die)
        patch.setattr(channels.broadcast, "announce", die)
        with pytest.raises(KeyboardInterrupt):
            wake()
    assert Activation.objects.get(pk=waiting.pk).state == "scheduled"
    assert moved(channel) == [(1, None, "1.0.0")]
    assert wake() == 1


def test_one_that_was_taken_up_by_another_worker_meanwhile_is_left(channel, monkeypatch):
    schedule(channel, due=-HOUR)
    really = pending.locked

    def other_first(*, activation):
        monkeypatch.setattr(pending, "locked", really)
        assert wake() == 1
        return really(activation=activation)

    monkeypatch.setattr(pending, "locked", other_first)
    assert wake() == 0
    assert moved(channel)[0] == (2, "1.0.0", "1.1.0")


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [
        (lambda row: make_release_mark(release=row.release, kind="revert"), "410.gone"),
        (lambda row: make_release_mark(release=row.release, kind="yank"), "409.state_conflict"),
        (lambda row: channels.set_policy(channel=row.channel, rule="review", by=SYSTEM, at=AT), "409.state_conflict"),
        (lambda row: channels.set_policy(channel=row.channel, rule="locked", by=SYSTEM, at=AT), "409.state_conflict"),
        (lambda row: channels.activate(channel=row.channel, to="1.2.0", by=SYSTEM, at=AT), "409.version_conflict"),
    ],
    ids=["reverted", "yanked", "under review", "locked", "moved"],
)
def test_what_can_no_longer_be_made_has_failed_and_says_why(channel, meanwhile, code):
    waiting = schedule(channel, expected="1.0.0", due=-HOUR)
    last = schedule(channel, "1.2.0", due=-timedelta(minutes=1))
    meanwhile(Activation.objects.get(pk=waiting.pk))
    before = moved(channel)
    wake()
    row = Activation.objects.get(pk=waiting.pk)
    assert (row.state, row.error_code, row.ordinal) == ("failed", code, None)
    assert row.error_detail
    event = AuditEvent.objects.filter(action="channel.schedule.fail").order_by("id")[0]
    assert (event.metadata["code"], event.metadata["activation"]) == (code, str(waiting.pk))
    assert [one for one in moved(channel) if one[2] == "1.1.0"] == []
    assert moved(channel)[-len(before) :] == before
    assert Activation.objects.get(pk=last.pk).state != "scheduled"
    assert wake() == 0


def test_without_an_expectation_it_is_made_wherever_the_channel_points(channel):
    schedule(channel, due=-HOUR)
    channels.activate(channel=channel, to="1.2.0", by=SYSTEM, at=AT)
    assert wake() == 1
    assert moved(channel)[0] == (3, "1.2.0", "1.1.0")


def test_a_yanked_release_that_was_confirmed_is_still_meant_then(channel):
    make_release_mark(release=channel.bundle.releases.get(version="1.1.0"), kind="yank")
    refused("409.state_conflict", schedule, channel=channel)
    schedule(channel, confirm=True, due=-HOUR)
    assert wake() == 1


def test_a_rollout_for_later_splits_where_the_channel_points_then(channel):
    schedule(channel, percent=10, segments=["beta"], due=-HOUR)
    channels.activate(channel=channel, to="1.2.0", by=SYSTEM, at=AT)
    assert wake() == 1
    channel.refresh_from_db()
    assert (channel.release.version, channel.split_release.version, channel.split_percent) == ("1.2.0", "1.1.0", 10)


@pytest.mark.parametrize(("role", "code"), [("editor", "403.permission_denied"), (None, "404.not_found")])
def test_whoever_may_not_move_it_now_may_not_later(channel, role, code):
    by = someone(channel, role) if role else make_actor()
    refused(code, schedule, channel=channel, by=by)
    assert not Activation.objects.filter(state="scheduled").exists()


def test_a_channel_under_review_is_scheduled_by_an_approval_alone(channel, at):
    author, reviewer = someone(channel), someone(channel, "reviewer")
    channels.set_policy(channel=channel, rule="review", by=SYSTEM, at=at)
    refused("409.review_required", schedule, channel=channel, by=author)
    proposal = reviews.propose(channel=channel, to="1.1.0", due_at=database_now() + HOUR, by=author, at=at)
    time_comes(proposal)
    assert wake() == 0
    Activation.objects.filter(pk=proposal.pk).update(due_at=database_now() + HOUR)
    assert reviews.approve(proposal=proposal, revision=1, by=reviewer, at=at).state == "scheduled"
    time_comes(proposal)
    assert wake() == 1
    assert moved(channel)[0] == (2, "1.0.0", "1.1.0")


def test_what_was_approved_for_later_fails_when_the_channel_moved_since(channel, at):
    author, reviewer = someone(channel), someone(channel, "reviewer")
    channels.set_policy(channel=channel, rule="review", by=SYSTEM, at=at)
    later = reviews.propose(channel=channel, to="1.1.0", due_at=database_now() + HOUR, by=author, at=at)
    reviews.approve(proposal=later, revision=1, by=reviewer, at=at)
    now = reviews.propose(channel=channel, to="1.2.0", by=author, at=at)
    reviews.approve(proposal=now, revision=1, by=reviewer, at=at)
    time_comes(later)
    assert wake() == 0
    assert Activation.objects.get(pk=later.pk).error_code == "409.version_conflict"


def test_a_locked_channel_is_scheduled_by_a_deploy_token_with_a_reason(channel, at):
    channels.set_policy(channel=channel, rule="locked", by=SYSTEM, at=at)
    refused("403.channel_locked", schedule, channel=channel, by=SYSTEM, reason="x")
    token = some_token(channel)
    refused("422.request_invalid", schedule, channel=channel, by=token)
    schedule(channel, by=token, reason="release train 7", due=-HOUR)
    assert wake() == 1
    assert moved(channel)[0] == (2, "1.0.0", "1.1.0")


def test_a_move_that_is_guarded_is_not_made_after_moves_that_led_back(channel, at):
    waiting = schedule(channel, expected="1.0.0", due=-HOUR)
    for to in ("1.2.0", "1.0.0"):
        channels.activate(channel=channel, to=to, by=SYSTEM, at=at)
    assert wake() == 0
    assert Activation.objects.get(pk=waiting.pk).error_code == "409.version_conflict"


def role_lost(by, channel):
    policy.revoke(role=Role.PUBLISHER, place=channel.bundle.project, to=by.account, by=SYSTEM, at=AT)


def switched_off(by, channel):
    get_user_model().objects.filter(pk=by.account.pk).update(is_active=False)


def erased(by, channel):
    UserObjectPermission.objects.filter(user=by.account).delete()
    by.account.delete()


def revoked(by, channel):
    tokens.revoke(token=ServiceToken.objects.get(pk=by.id), by=SYSTEM, at=AT)


def expired(by, channel):
    ServiceToken.objects.filter(pk=by.id).update(expires_at=AT)


def narrowed(by, channel):
    ServiceToken.objects.filter(pk=by.id).update(scopes=["read"])


@pytest.mark.parametrize(
    ("rule", "maker", "lose"),
    [
        *(("live", someone, lose) for lose in (role_lost, switched_off, erased)),
        *(("live", lambda channel: some_token(channel, ("publish",)), lose) for lose in (revoked, expired, narrowed)),
        *(("locked", some_token, lose) for lose in (revoked, expired, narrowed, switched_off)),
    ],
)
def test_a_move_whose_maker_may_no_longer_make_it_has_failed_and_names_them(channel, at, rule, maker, lose):
    channels.set_policy(channel=channel, rule=rule, by=SYSTEM, at=at)
    by = maker(channel)
    waiting = schedule(channel, by=by, reason="train 7", due=-HOUR)
    lose(by, channel)
    assert wake() == 0
    row = Activation.objects.get(pk=waiting.pk)
    assert (row.state, row.error_code) == ("failed", "403.permission_denied")
    assert row.error_detail.startswith(f"{by.label} may no longer move '{channel.name}'.")
    assert moved(channel) == [(1, None, "1.0.0")]


@pytest.mark.parametrize(("who", "state"), [("reviewer", "failed"), ("author", "active")])
def test_an_approved_move_is_made_with_the_right_of_who_approved_it(channel, at, who, state):
    channels.set_policy(channel=channel, rule="review", by=SYSTEM, at=at)
    hands = {"author": someone(channel), "reviewer": someone(channel, "reviewer")}
    later = reviews.propose(channel=channel, to="1.1.0", due_at=database_now() + HOUR, by=hands["author"], at=at)
    reviews.approve(proposal=later, revision=1, by=hands["reviewer"], at=at)
    switched_off(hands[who], channel)
    time_comes(later)
    wake()
    assert Activation.objects.get(pk=later.pk).state == state


def test_what_is_scheduled_is_listed_and_taken_back(channel, at):
    by = someone(channel)
    waiting = schedule(channel, by=by)
    assert list(pending.listing(channel=channel)) == [waiting]
    refused("403.permission_denied", pending.withdraw, activation=waiting, by=someone(channel, "editor"), at=at)
    assert pending.withdraw(activation=waiting, by=someone(channel), at=at).state == "withdrawn"
    assert AuditEvent.objects.filter(action="channel.schedule.withdraw").count() == 1
    time_comes(waiting)
    assert wake() == 0


def test_what_was_scheduled_is_no_proposal(channel, at):
    by = someone(channel)
    waiting = schedule(channel, by=by)
    refused("409.state_conflict", reviews.change, proposal=waiting, revision=1, to="1.2.0", by=by, at=at)
    reviewer = someone(channel, "reviewer")
    refused("409.state_conflict", reviews.approve, proposal=waiting, revision=1, by=reviewer, at=at)
    assert list(reviews.queue(actor=reviewer)) == []


def test_the_schedule_names_the_task_and_the_task_wakes(channel, settings):
    schedule(channel, due=-HOUR)
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.wake.name in names
    assert tasks.wake(colour="of tomorrow") == 1


def test_looking_for_what_is_due_is_two_queries(channel, django_assert_num_queries):
    schedule(channel)
    with django_assert_num_queries(2):
        wake()
