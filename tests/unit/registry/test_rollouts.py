"""Rollouts: a second release for a part of the callers, step by step, ended in one call."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from registry import channels, rollouts
from registry.aims import Aim, Share
from registry.models import Channel
from tests.factories import make_actor, make_release, make_release_mark
from tests.factories.channel import make_channel, some_token, someone
from tests.unit.registry.moving import moved, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel():
    """At 1.0.0; there are 1.1.0 and 1.2.0, too."""
    found = make_channel(release="1.0.0")
    for version in ("1.1.0", "1.2.0"):
        make_release(bundle=found.bundle, version=version)
    return found


def points(channel):
    row = Channel.objects.get(pk=channel.pk)
    second = row.split_release and row.split_release.version
    return row.release.version, second, row.split_percent, row.split_segments


def test_a_rollout_grows_ends_and_each_step_is_a_move(channel, at):
    by = someone(channel)
    rollouts.split(channel=channel, to="1.1.0", percent=5, segments=["beta", "staff", "beta"], by=by, at=at)
    assert points(channel) == ("1.0.0", "1.1.0", 5, ["beta", "staff"])
    rollouts.split(channel=channel, to="1.1.0", percent=50, by=by, at=at)
    assert points(channel) == ("1.0.0", "1.1.0", 50, [])
    result = rollouts.finish(channel=channel, expected="1.0.0", by=by, at=at)
    assert points(channel) == ("1.1.0", None, None, [])
    assert result.channel.last_ordinal == 4
    assert moved(channel)[:3] == [(4, "1.0.0", "1.1.0"), (3, "1.0.0", "1.0.0"), (2, "1.0.0", "1.0.0")]
    kept = channels.history(channel=channel)[1]
    assert (kept.split_release.version, kept.split_percent) == ("1.1.0", 50)
    event = AuditEvent.objects.filter(action="channel.activate").order_by("id")[1]
    assert (event.metadata["percent"], event.metadata["segments"]) == (5, 2)
    assert event.metadata["split"] == str(kept.split_release_id)
    assert "beta" not in str(event.metadata)


def test_stop_ends_it_and_rolls_back_in_one_move(channel, at, system):
    rollouts.split(channel=channel, to="1.1.0", percent=50, segments=["beta"], by=system, at=at)
    result = rollouts.stop(channel=channel, reason="complaints", by=system, at=at)
    assert (result.changed, result.activation.ordinal, result.activation.reason) == (True, 3, "complaints")
    assert points(channel) == ("1.0.0", None, None, [])
    for verb in (rollouts.stop, rollouts.finish):
        refused("409.state_conflict", verb, channel=channel, by=system, at=at)


def test_it_is_ended_although_the_first_release_was_yanked_meanwhile(channel, at, system):
    first = channel.bundle.releases.get(version="1.0.0")
    for verb in (rollouts.stop, channels.rollback):
        rollouts.split(channel=channel, to="1.1.0", percent=50, by=system, at=at)
        if not first.marks.exists():
            make_release_mark(release=first, kind="yank")
        result = verb(channel=channel, by=system, at=at)
        assert points(channel) == ("1.0.0", None, None, [])
        assert result.warnings == ("Release 1.0.0 was yanked (other): for a test.",)


def test_a_rollback_while_it_goes_on_is_to_end_it(channel, at, system):
    channels.activate(channel=channel, to="1.1.0", by=system, at=at)
    rollouts.split(channel=channel, to="1.2.0", percent=50, by=system, at=at)
    channels.rollback(channel=channel, by=system, at=at)
    assert points(channel) == ("1.1.0", None, None, [])
    channels.rollback(channel=channel, by=system, at=at)
    assert points(channel) == ("1.0.0", None, None, [])


def test_activating_a_release_ends_it_also_the_one_that_was_first(channel, at, system):
    for to in ("1.0.0", "1.1.0", "1.2.0"):
        channels.activate(channel=channel, to="1.0.0", by=system, at=at)
        rollouts.split(channel=channel, to="1.1.0", percent=50, by=system, at=at)
        assert channels.activate(channel=channel, to=to, by=system, at=at).changed
        assert points(channel) == (to, None, None, [])


def test_the_same_share_again_changes_nothing(channel, at, system):
    given = {"to": "1.1.0", "percent": 10, "segments": ["beta"], "by": system, "at": at}
    assert rollouts.split(channel=channel, **given).changed
    result = rollouts.split(channel=channel, **given)
    assert (result.changed, result.activation.ordinal) == (False, 2)


def test_what_is_no_rollout_is_refused(channel, at, system):
    empty = make_channel(bundle=channel.bundle)
    refused("409.state_conflict", rollouts.split, channel=empty, to="1.1.0", percent=10, by=system, at=at)
    refused("409.state_conflict", rollouts.split, channel=channel, to="1.0.0", percent=10, by=system, at=at)
    refused("400.release_unknown", rollouts.split, channel=channel, to="9.0.0", percent=10, by=system, at=at)
    given = {"to": "1.1.0", "percent": 10, "expected": "1.1.0"}
    refused("409.version_conflict", rollouts.split, channel=channel, by=system, at=at, **given)
    make_release_mark(release=channel.bundle.releases.get(version="1.1.0"), kind="yank")
    refused("409.state_conflict", rollouts.split, channel=channel, to="1.1.0", percent=10, by=system, at=at)
    assert rollouts.split(channel=channel, to="1.1.0", percent=10, confirm=True, by=system, at=at).warnings


@pytest.mark.parametrize(
    ("percent", "segments", "pointer"),
    [
        (101, [], "/percent"),
        (-1, [], "/percent"),
        (True, [], "/percent"),
        (10.5, [], "/percent"),
        ("10", [], "/percent"),
        (10, ["Beta"], "/segments/0"),
        (10, ["beta", ""], "/segments/1"),
        (10, ["beta", 7], "/segments/1"),
        (10, ["a" * 64], "/segments/0"),
        (10, [f"s{n}" for n in range(21)], "/segments"),
    ],
)
def test_a_share_that_is_none_is_told_at_its_place(channel, at, system, percent, segments, pointer):
    given = {"to": "1.1.0", "percent": percent, "segments": segments}
    error = refused("422.request_invalid", rollouts.split, channel=channel, by=system, at=at, **given)
    assert error.problems[0].pointer == pointer


def test_the_bounds_of_a_share_are_shares(channel, at, system):
    for percent in (0, 100):
        given = {"percent": percent, "segments": ["a" * 63, "b.c_d-e"]}
        assert rollouts.split(channel=channel, to="1.1.0", by=system, at=at, **given).changed
    assert points(channel)[2] == 100


def test_a_live_channels_rollout_is_for_publishers(channel, at, system):
    rollouts.split(channel=channel, to="1.1.0", percent=10, by=system, at=at)
    for by, code in ((someone(channel, "reviewer"), "403.permission_denied"), (make_actor(), "404.not_found")):
        refused(code, rollouts.split, channel=channel, to="1.1.0", percent=20, by=by, at=at)
        refused(code, rollouts.stop, channel=channel, by=by, at=at)
        refused(code, rollouts.finish, channel=channel, by=by, at=at)
    assert points(channel)[2] == 10


def test_a_locked_channels_rollout_is_ended_by_a_deploy_token(channel, at, system):
    rollouts.split(channel=channel, to="1.1.0", percent=10, by=system, at=at)
    channels.set_policy(channel=channel, rule="locked", by=system, at=at)
    refused("403.channel_locked", rollouts.stop, channel=channel, reason="x", by=someone(channel, "reviewer"), at=at)
    refused("403.channel_locked", rollouts.stop, channel=channel, reason="x", by=system, at=at)
    token = some_token(channel)
    refused("422.request_invalid", rollouts.stop, channel=channel, by=token, at=at)
    assert rollouts.stop(channel=channel, reason="complaints", by=token, at=at).changed


def test_where_a_channel_points_is_told_with_its_rollout(channel, at, system):
    rollouts.split(channel=channel, to="1.1.0", percent=10, segments=["beta"], by=system, at=at)
    first, second = (channel.bundle.releases.get(version=version) for version in ("1.0.0", "1.1.0"))
    aim = channels.current(bundle=channel.bundle, name=channel.name, actor=system)
    assert aim == Aim(first, second, Share(10, ("beta",)))
    assert aim.named == second
