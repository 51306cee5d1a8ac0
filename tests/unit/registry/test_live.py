"""Live editing: cut and activated in one transaction, or neither."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from registry import channels, live
from registry.models import Release
from tests.factories.acting import SYSTEM
from tests.factories.channel import make_channel, some_token, someone
from tests.factories.workbench import Workbench
from tests.unit.registry.moving import moved, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench():
    found = Workbench()
    found.write("welcome", "Hello.")
    return found


@pytest.fixture
def channel(bench):
    return make_channel(bundle=bench.bundle)


def test_what_was_written_goes_to_the_callers_at_once(bench, channel, at):
    by = someone(channel)
    first = live.go_live(channel=channel, version="1.0.0", expected="", by=by, at=at)
    assert (first.cut.created, first.moved.changed, first.moved.channel.release) == (True, True, first.cut.release)
    bench.write("welcome", "Hello again.")
    again = live.go_live(channel=channel, version="1.0.1", notes="again", reason="friendlier", by=by, at=at)
    assert moved(channel) == [(2, "1.0.0", "1.0.1"), (1, None, "1.0.0")]
    assert (again.cut.release.notes, again.moved.activation.reason) == ("again", "friendlier")
    told = AuditEvent.objects.filter(action__in=["release.cut", "channel.activate"]).order_by("id")
    assert [event.action for event in told] == ["release.cut", "channel.activate"] * 2


def test_the_same_draft_again_changes_nothing(bench, channel, at):
    live.go_live(channel=channel, version="1.0.0", by=SYSTEM, at=at)
    again = live.go_live(channel=channel, version="1.0.0", by=SYSTEM, at=at)
    assert (again.cut.created, again.moved.changed) == (False, False)


@pytest.mark.parametrize(("rule", "code"), [("review", "409.review_required"), ("locked", "403.channel_locked")])
def test_where_others_decide_nothing_is_cut(channel, at, rule, code):
    channels.set_policy(channel=channel, rule=rule, by=SYSTEM, at=at)
    for by in (SYSTEM, someone(channel), someone(channel, "administrator"), some_token(channel, ("publish", "admin"))):
        refused(code, live.go_live, channel=channel, version="1.0.0", by=by, at=at, reason="urgent")
    assert not Release.objects.exists()


def test_what_is_refused_leaves_no_release(bench, channel, at):
    live.go_live(channel=channel, version="1.0.0", by=SYSTEM, at=at)
    bench.write("welcome", "Hello again.")
    refused("409.version_conflict", live.go_live, channel=channel, version="1.1.0", expected="0.9.0", by=SYSTEM, at=at)
    refused("409.draft_stale", live.go_live, channel=channel, version="1.1.0", revision=1, by=SYSTEM, at=at)
    refused(
        "403.permission_denied", live.go_live, channel=channel, version="1.1.0", by=someone(channel, "editor"), at=at
    )
    bench.drop("welcome")
    bench.write("hello", "Hello.")
    refused("422.bump_too_small", live.go_live, channel=channel, version="1.0.1", by=SYSTEM, at=at)
    assert [release.version for release in Release.objects.all()] == ["1.0.0"]
    assert moved(channel) == [(1, None, "1.0.0")]
