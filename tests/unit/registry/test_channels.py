"""Channels move by one verb, under the rule of their policy; a rollback is newer than what it replaces."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.models import AuditEvent
from foundation import broadcast
from foundation.actors import Door
from prompthub_kernel.errors import Conflict, Invalid, NotFound, PromptHubError, Refused
from registry import aims, channels, rollouts
from registry.models import Activation, Channel
from tests.factories import make_actor, make_bundle, make_project, make_release, make_release_mark
from tests.factories.channel import make_channel, some_token, someone
from tests.unit.registry.moving import moved, refused

pytestmark = pytest.mark.django_db


def versions(channel, *wanted):
    return [make_release(bundle=channel.bundle, version=version) for version in wanted]


def test_activate_points_it_at_a_release_and_leaves_a_row_an_event_and_a_broadcast(at):
    channel = make_channel()
    first, second = versions(channel, "1.0.0", "1.1.0")
    by = someone(channel)
    seen = broadcast.since(seen=None).seen
    for release in (first, second):
        result = channels.activate(channel=channel, to=release.version, reason="better", by=by, at=at)
        assert result.changed
    channel.refresh_from_db()
    assert (channel.release, channel.last_ordinal, channel.updated_at) == (second, 2, at)
    row = channels.history(channel=channel)[0]
    assert (row.state, row.ordinal, row.previous, row.release) == ("active", 2, first, second)
    assert (row.by, row.by_label, row.at, row.active_at, row.reason) == (by.id, by.label, at, at, "better")
    assert row.policy == "live"
    event = AuditEvent.objects.filter(action="channel.activate").latest("id")
    assert (event.subject_kind, event.subject_id) == ("channel", str(channel.pk))
    assert event.subject_label == f"{channel.bundle.address}@{channel.name}"
    assert event.project_id == channel.bundle.project_id
    assert event.metadata["ordinal"] == 2
    assert (event.metadata["from"], event.metadata["to"]) == (str(first.pk), str(second.pk))
    assert event.metadata["digest"] == second.digest
    told = ("channel", f"{channel.bundle_id}/{channel.name}")
    assert broadcast.since(seen=seen).changes == (told, told)
    assert channel.history.count() == 3


def test_going_back_gets_a_new_and_higher_ordinal(at, system):
    channel = make_channel(release="1.0.0")
    versions(channel, "1.1.0")
    channels.activate(channel=channel, to="1.1.0", by=system, at=at)
    channels.activate(channel=channel, to="1.0.0", by=system, at=at)
    assert moved(channel) == [(3, "1.1.0", "1.0.0"), (2, "1.0.0", "1.1.0"), (1, None, "1.0.0")]


def test_activating_what_is_active_changes_nothing_and_says_so(at, system):
    channel = make_channel(release="1.0.0")
    result = channels.activate(channel=channel, to="1.0.0", by=system, at=at)
    assert (result.changed, result.activation.ordinal) == (False, 1)
    assert moved(channel) == [(1, None, "1.0.0")]
    assert AuditEvent.objects.filter(action="channel.activate").count() == 1


def test_rollback_goes_back_one_step_at_a_time_and_forgets_what_came_after(at, system):
    channel = make_channel(release="1.0.0")
    versions(channel, "1.1.0", "1.2.0", "1.3.0")
    back = []
    for step in ("1.1.0", "1.2.0", None, None, "1.3.0", None):
        if step:
            channels.activate(channel=channel, to=step, by=system, at=at)
        else:
            back.append(channels.rollback(channel=channel, by=system, at=at).channel.release.version)
    assert back == ["1.1.0", "1.0.0", "1.0.0"]
    assert channels.history(channel=channel)[0].ordinal == 7
    error = refused("409.state_conflict", channels.rollback, channel=channel, by=system, at=at)
    assert "no earlier release" in error.detail


def test_rollback_passes_by_releases_that_were_yanked_or_reverted(at, system):
    channel = make_channel(release="1.0.0")
    for release, kind in zip(versions(channel, "1.1.0", "1.2.0", "1.3.0"), ("yank", "revert", None), strict=True):
        channels.activate(channel=channel, to=release, by=system, at=at)
        if kind:
            make_release_mark(release=release, kind=kind)
    assert channels.rollback(channel=channel, by=system, at=at).channel.release.version == "1.0.0"


def test_rollback_to_a_version_is_to_activate_it(at, system):
    channel = make_channel(release="1.0.0")
    versions(channel, "1.1.0", "1.2.0")
    for version in ("1.1.0", "1.2.0"):
        channels.activate(channel=channel, to=version, by=system, at=at)
    assert channels.rollback(channel=channel, to="1.0.0", by=system, at=at).channel.release.version == "1.0.0"


@pytest.mark.parametrize("to", ["9.9.9", "0192b6c8-0000-7000-8000-000000000001"])
def test_an_unknown_release_is_told(at, system, to):
    channel = make_channel(release="1.0.0")
    refused("400.release_unknown", channels.activate, channel=channel, to=to, by=system, at=at)
    assert moved(channel) == [(1, None, "1.0.0")]


def test_what_is_no_version_is_told_at_its_character(at, system):
    error = refused("400.address_invalid", channels.activate, channel=make_channel(), to="one", by=system, at=at)
    assert error.problems[0].pointer == "/version"


def test_a_release_of_another_bundle_is_told_to_whoever_may_see_it(at, system):
    channel, other = make_channel(), make_release()
    error = refused("422.release_not_in_bundle", channels.activate, channel=channel, to=str(other.pk), by=system, at=at)
    assert str(other.bundle.address) in error.detail
    refused("422.release_not_in_bundle", channels.activate, channel=channel, to=other, by=system, at=at)
    by = someone(channel)
    refused("400.release_unknown", channels.activate, channel=channel, to=str(other.pk), by=by, at=at)


def test_a_version_is_found_whatever_its_build_metadata_and_a_release_by_its_id(at, system):
    channel = make_channel(release="1.0.0")
    (release,) = versions(channel, "1.1.0-gpt4+tokens.1500")
    for to in ("1.1.0-gpt4", "1.1.0-gpt4+other", str(release.pk), str(release.pk).upper()):
        channels.activate(channel=channel, to="1.0.0", by=system, at=at)
        assert channels.activate(channel=channel, to=to, by=system, at=at).channel.release == release


def test_a_reverted_release_is_gone_and_a_yanked_one_is_meant_or_refused(at, system):
    channel = make_channel(release="1.0.0")
    gone, yanked = versions(channel, "1.1.0", "1.2.0")
    make_release_mark(release=gone, kind="revert")
    make_release_mark(release=yanked, kind="yank", reason="security")
    refused("410.gone", channels.activate, channel=channel, to=gone, by=system, at=at, confirm=True)
    error = refused("409.state_conflict", channels.activate, channel=channel, to=yanked, by=system, at=at)
    assert error.context == {"yanked": "1.2.0", "reason": "security"}
    result = channels.activate(channel=channel, to=yanked, by=system, at=at, confirm=True)
    assert result.warnings == ("Release 1.2.0 was yanked (security): for a test.",)
    assert result.activation.ordinal == 2


def test_a_retired_release_is_activated_with_a_warning(at, system):
    channel = make_channel()
    (release,) = versions(channel, "1.0.0")
    make_release_mark(release=release, reason="deprecated")
    result = channels.activate(channel=channel, to=release, by=system, at=at)
    assert result.warnings == ("Release 1.0.0 was retired (deprecated): for a test.",)


def test_whoever_expected_another_release_is_told_what_is_there(at, system):
    channel = make_channel(release="1.0.0")
    versions(channel, "1.1.0", "1.2.0")
    by = someone(channel)
    channels.activate(channel=channel, to="1.1.0", expected="1.0.0", by=by, at=at)
    for expected in ("1.0.0", ""):
        error = refused(
            "409.version_conflict", channels.activate, channel=channel, to="1.2.0", expected=expected, by=system, at=at
        )
        assert (error.context["version"], error.context["ordinal"], error.context["by"]) == ("1.1.0", 2, by.label)
    assert channels.activate(channel=channel, to="1.2.0", expected="1.1.0+any", by=system, at=at).changed
    refused("409.version_conflict", channels.rollback, channel=channel, expected="1.1.0", by=system, at=at)
    empty = make_channel(bundle=channel.bundle)
    error = refused(
        "409.version_conflict", channels.activate, channel=empty, to="1.0.0", expected="1.0.0", by=system, at=at
    )
    assert error.context == {"version": "", "ordinal": 0}
    assert channels.activate(channel=empty, to="1.0.0", expected="", by=system, at=at).changed


def test_a_reason_that_no_database_keeps_is_refused(at, system):
    channel = make_channel(release="1.0.0")
    with pytest.raises(Invalid):
        channels.activate(channel=channel, to="1.0.0", reason="a\0b", by=system, at=at)


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("viewer", "403.permission_denied"),
        ("editor", "403.permission_denied"),
        ("reviewer", "403.permission_denied"),
        ("publisher", None),
        ("administrator", None),
        (None, "404.not_found"),
    ],
)
def test_a_live_channel_is_moved_by_whoever_may_publish(at, role, code):
    channel = make_channel(release="1.0.0")
    versions(channel, "1.1.0")
    by = someone(channel, role) if role else make_actor()
    for verb, given in ((channels.activate, {"to": "1.1.0"}), (channels.rollback, {})):
        if code:
            refused(code, verb, channel=channel, by=by, at=at, **given)
        else:
            assert verb(channel=channel, by=by, at=at, **given).changed
    if code:
        assert refused(code, channels.activate, channel=channel, to="9.9.9", by=by, at=at)


def test_a_channel_under_review_is_moved_by_nobody_at_once(at, system):
    channel = make_channel(release="1.0.0", rule="review")
    versions(channel, "1.1.0")
    everyone = [
        someone(channel),
        someone(channel, "administrator"),
        make_actor(superuser=True),
        some_token(channel, ("publish",)),
        some_token(channel, ("deploy", "publish", "admin")),
        system,
    ]
    for by in everyone:
        for verb, given in ((channels.activate, {"to": "1.1.0"}), (channels.rollback, {"to": "1.1.0"})):
            refused("409.review_required", verb, channel=channel, by=by, at=at, reason="urgent", **given)
        given = {"to": "1.1.0", "percent": 100}
        refused("409.review_required", rollouts.split, channel=channel, by=by, at=at, **given)
    reviewer = someone(channel, "reviewer")
    refused("403.permission_denied", channels.activate, channel=channel, to="1.1.0", by=reviewer, at=at)
    assert moved(channel) == [(1, None, "1.0.0")]


def test_a_locked_channel_is_moved_by_a_deploy_token_with_a_reason_and_by_nobody_else(at, system):
    channel = make_channel(release="1.0.0", rule="locked")
    versions(channel, "1.1.0")
    others = [
        someone(channel),
        someone(channel, "administrator"),
        make_actor(superuser=True),
        some_token(channel, ("publish", "admin")),
        system,
    ]
    for by in others:
        refused("403.channel_locked", channels.activate, channel=channel, to="1.1.0", by=by, at=at, reason="urgent")
    weak = some_token(channel, role="publisher")
    refused("403.permission_denied", channels.activate, channel=channel, to="1.1.0", by=weak, at=at, reason="x")
    refused("404.not_found", channels.activate, channel=channel, to="1.1.0", by=make_actor(), at=at, reason="x")
    token = some_token(channel)
    for empty in ("", " ", "\u200b", "\u00a0\ufeff\u2060", "\u2800"):
        given = {"channel": channel, "to": "1.1.0", "by": token, "at": at, "reason": empty}
        assert refused("422.request_invalid", channels.activate, **given).problems[0].pointer == "/reason"
    result = channels.activate(channel=channel, to="1.1.0", by=token, at=at, reason="release train 7")
    assert (result.activation.policy, result.activation.reason) == ("locked", "release train 7")


@pytest.mark.parametrize("door", Door)
@pytest.mark.parametrize("rule", Channel.Policy.values)
def test_the_rule_is_the_same_at_every_door(at, rule, door):
    channel = make_channel(release="1.0.0", rule=rule)
    versions(channel, "1.1.0")
    person, token = someone(channel, "administrator"), some_token(channel)
    told = []
    for by in (person, make_actor(superuser=True), token):
        try:
            given = {"to": "1.1.0", "reason": "urgent", "by": replace(by, door=door)}
            told.append(channels.activate(channel=channel, at=at, **given).changed)
        except PromptHubError as error:
            told.append(error.code)
    assert (
        told
        == {
            "live": [True, False, "403.permission_denied"],
            "review": ["409.review_required", "409.review_required", "403.permission_denied"],
            "locked": ["403.channel_locked", "403.channel_locked", True],
        }[rule]
    )


def test_a_channel_is_made_once_by_name_and_points_nowhere(at):
    bundle = make_bundle()
    by = make_actor(roles={bundle.project: "publisher"})
    channel = channels.create(bundle=bundle, name="active@staging", by=by, at=at)
    assert (channel.policy, channel.release, channel.last_ordinal) == ("live", None, 0)
    assert AuditEvent.objects.get(action="channel.create").subject_label == f"{bundle.address}@active@staging"
    error = refused("409.version_conflict", channels.create, bundle=bundle, name="active@staging", by=by, at=at)
    assert error.problems[0].pointer == "/name"
    refused("403.permission_denied", channels.create, bundle=bundle, name="stable", rule="locked", by=by, at=at)
    chief = make_actor(roles={bundle.project: "administrator"})
    assert channels.create(bundle=bundle, name="stable", rule="locked", by=chief, at=at).policy == "locked"
    assert [one.name for one in channels.listing(bundle=bundle)] == ["active@staging", "stable"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("latest", "422.request_invalid"),
        ("latest@staging", "400.address_invalid"),
        ("Stable", "400.address_invalid"),
        ("1.0.0", "400.address_invalid"),
        ("", "400.address_invalid"),
        ("a@", "400.address_invalid"),
    ],
)
def test_a_name_that_addresses_cannot_spell_is_refused(at, system, name, code):
    error = refused(code, channels.create, bundle=make_bundle(), name=name, by=system, at=at)
    assert error.problems[0].pointer == "/name"


def test_a_policy_is_set_by_administrators_and_leaves_where_it_points(at, system):
    channel = make_channel(release="1.0.0")
    chief = someone(channel, "administrator")
    channels.set_policy(channel=channel, rule="review", by=chief, at=at)
    channels.set_policy(channel=channel, rule="review", by=chief, at=at)
    channel.refresh_from_db()
    assert (channel.policy, channel.release.version, channel.last_ordinal) == ("review", "1.0.0", 1)
    event = AuditEvent.objects.get(action="channel.policy.set")
    assert event.metadata == {"from": "live", "to": "review"}
    refused("422.request_invalid", channels.set_policy, channel=channel, rule="open", by=system, at=at)
    with pytest.raises(Refused):
        channels.set_policy(channel=channel, rule="live", by=someone(channel), at=at)


def test_a_channel_is_found_by_whoever_sees_its_project(system):
    channel = make_channel(release="1.0.0")
    bundle = channel.bundle
    by = someone(channel, "viewer")
    assert channels.get(bundle=bundle, name=channel.name, actor=by) == channel
    assert channels.current(bundle=bundle, name=channel.name, actor=by) == aims.Aim(channel.release)
    for name, actor in ((channel.name, make_actor()), ("other", by)):
        with pytest.raises(NotFound) as found:
            channels.get(bundle=bundle, name=name, actor=actor)
        assert found.value.code == "404.channel_not_found"
    empty = make_channel(bundle=bundle)
    with pytest.raises(NotFound):
        channels.current(bundle=bundle, name=empty.name, actor=system)


def test_a_public_project_shows_its_channels_and_lets_nobody_move_them(at):
    project = make_project(visibility="public")
    channel = make_channel(release=make_release(bundle=make_bundle(project=project)))
    stranger = make_actor()
    assert channels.get(bundle=channel.bundle, name=channel.name, actor=stranger) == channel
    refused("403.permission_denied", channels.activate, channel=channel, to="1.0.0", by=stranger, at=at)


def test_a_move_costs_ten_statements_however_long_the_history(at, system, django_assert_num_queries):
    channel = make_channel(release="1.0.0")
    for number in range(1, 8):
        versions(channel, f"1.{number}.0")
        channels.activate(channel=channel, to=f"1.{number}.0", by=system, at=at)
    # Lock, read, release, marks; activation, channel, its history, event, counter, change; and savepoints.
    with django_assert_num_queries(12):
        channels.activate(channel=channel, to="1.0.0", by=system, at=at)


def test_a_move_that_is_refused_leaves_nothing(at, system):
    channel = make_channel(release="1.0.0")
    before = (Activation.objects.count(), AuditEvent.objects.count(), broadcast.since(seen=None).seen)
    with pytest.raises(Conflict):
        channels.rollback(channel=channel, by=system, at=at)
    assert before == (Activation.objects.count(), AuditEvent.objects.count(), broadcast.since(seen=None).seen)
    assert Channel.objects.get(pk=channel.pk).last_ordinal == 1
