"""Channels that several move at once, and keys that several change: one after the other, none of it lost or twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from audit.models import AuditEvent
from foundation.clock import database_now
from foundation.models import Change
from prompthub_kernel.errors import PromptHubError
from registry import channels, packs, pending, releases, reviews, rollouts, schedules, signing
from registry.models import Activation, Channel, ReleaseSignature, RepositoryIndex, SigningKey
from tests.factories import make_bundle, make_release
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel, someone
from tests.factories.shelf import cut_release
from tests.unit.registry.moving import moved

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each of the calls came to, begun together in threads of their own: its result, or its refusal's code."""
    together = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            together.wait()
            return call()
        except PromptHubError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def activation(channel, version, **given):
    return lambda: channels.activate(channel=channel, to=version, by=SYSTEM, at=AT, **given)


def test_moves_at_once_are_numbered_one_after_the_other_and_the_last_one_wins():
    channel = make_channel()
    wanted = [f"1.{number}.0" for number in range(6)]
    for version in wanted:
        make_release(bundle=channel.bundle, version=version)
    results = at_once(*(activation(channel, version) for version in wanted))
    assert sorted(result.activation.ordinal for result in results) == [1, 2, 3, 4, 5, 6]
    rows = moved(channel)[::-1]
    assert [ordinal for ordinal, _, _ in rows] == [1, 2, 3, 4, 5, 6]
    assert sorted(to for _, _, to in rows) == wanted
    assert [before for _, before, _ in rows] == [None, *(to for _, _, to in rows[:-1])]
    channel.refresh_from_db()
    assert (channel.release.version, channel.last_ordinal) == (rows[-1][2], 6)
    assert AuditEvent.objects.filter(action="channel.activate").count() == 6
    assert Change.objects.filter(topic="channel").count() == 7


def test_of_two_who_expect_the_same_one_is_told():
    channel = make_channel(release="1.0.0")
    for version in ("1.1.0", "1.2.0"):
        make_release(bundle=channel.bundle, version=version)
    results = at_once(*(activation(channel, version, expected="1.0.0") for version in ("1.1.0", "1.2.0")))
    assert results.count("409.version_conflict") == 1
    assert len(moved(channel)) == 2


def test_an_approval_is_made_once_whoever_approves():
    channel = make_channel(release="1.0.0", rule="review")
    make_release(bundle=channel.bundle, version="1.1.0")
    proposal = reviews.propose(channel=channel, to="1.1.0", by=someone(channel), at=AT)
    reviewers = [someone(channel, "reviewer") for _ in range(3)]
    results = at_once(
        *(lambda by=by: reviews.approve(proposal=proposal, revision=1, by=by, at=AT).ordinal for by in reviewers)
    )
    assert sorted(results, key=str) == [2, "409.state_conflict", "409.state_conflict"]
    assert AuditEvent.objects.filter(action="channel.proposal.approve").count() == 1
    assert moved(channel)[0] == (2, "1.0.0", "1.1.0")


def test_what_is_approved_rejected_and_taken_back_at_once_is_one_of_them():
    channel = make_channel(release="1.0.0", rule="review")
    make_release(bundle=channel.bundle, version="1.1.0")
    author, reviewer = someone(channel), someone(channel, "reviewer")
    proposal = reviews.propose(channel=channel, to="1.1.0", by=author, at=AT)
    results = at_once(
        lambda: reviews.approve(proposal=proposal, revision=1, by=reviewer, at=AT).state,
        lambda: reviews.reject(proposal=proposal, comment="no", by=reviewer, at=AT).state,
        lambda: pending.withdraw(activation=proposal, by=author, at=AT).state,
    )
    state = Activation.objects.get(pk=proposal.pk).state
    assert sorted(results) == sorted([state, "409.state_conflict", "409.state_conflict"])
    assert len(moved(channel)) == (2 if state == "active" else 1)


def test_a_change_and_an_approval_at_once_approve_what_was_looked_at_or_nothing():
    channel = make_channel(release="1.0.0", rule="review")
    for version in ("1.1.0", "1.2.0"):
        make_release(bundle=channel.bundle, version=version)
    author, reviewer = someone(channel), someone(channel, "reviewer")
    proposal = reviews.propose(channel=channel, to="1.1.0", by=author, at=AT)
    results = at_once(
        lambda: reviews.approve(proposal=proposal, revision=1, by=reviewer, at=AT).release.version,
        lambda: reviews.change(proposal=proposal, revision=1, to="1.2.0", by=author, at=AT).state,
    )
    assert results in (["1.1.0", "409.state_conflict"], ["409.proposal_changed", "proposed"])
    assert ("1.2.0" in {to for _, _, to in moved(channel)}) is False


def test_what_is_due_is_made_once_whoever_wakes():
    channel = make_channel(release="1.0.0")
    for number in range(1, 4):
        version = f"1.{number}.0"
        make_release(bundle=channel.bundle, version=version)
        due = database_now() + timedelta(minutes=number)
        schedules.schedule(channel=channel, to=version, due_at=due, by=SYSTEM, at=AT)
    Activation.objects.filter(state="scheduled").update(due_at=F("due_at") - timedelta(hours=1))
    woken = at_once(*(lambda: schedules.wake(by=SYSTEM, at=AT) for _ in range(3)))
    assert sum(woken) == 3
    assert [to for _, _, to in moved(channel)] == ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]


def test_the_first_release_of_a_pack_is_activated_by_several_at_once():
    pack = make_bundle(kind="pack")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        cut_release(pack, version, {"system": version})
    results = at_once(
        *(
            lambda to=to: packs.activate(pack=pack, to=to, by=SYSTEM, at=AT).activation.ordinal
            for to in ("1.0.0", "1.1.0", "1.2.0")
        )
    )
    assert sorted(results) == [1, 2, 3]
    assert Channel.objects.filter(bundle=pack).count() == 1


@pytest.mark.parametrize("move", ["activate", "split"])
def test_a_release_is_activated_or_taken_back_and_never_both(move):
    channel = make_channel(release="1.0.0")
    for number in range(1, 6):
        release = make_release(bundle=channel.bundle, version=f"1.{number}.0")
        results = at_once(
            lambda to=release: (
                channels.activate(channel=channel, to=to, by=SYSTEM, at=AT).changed
                if move == "activate"
                else rollouts.split(channel=channel, to=to, percent=10, by=SYSTEM, at=AT).changed
            ),
            lambda release=release: releases.revert(release=release, by=SYSTEM, at=AT).kind,
        )
        assert results in ([True, "409.in_use"], ["410.gone", "revert"])
        channel.refresh_from_db()
        for pointed in (channel.release, channel.split_release):
            assert pointed is None or not pointed.marks.filter(kind="revert").exists()


def test_the_first_release_of_several_environments_is_activated_at_once():
    """Whoever makes a channel announces it: nobody may wait for a release after that."""
    for _ in range(3):
        pack = make_bundle(kind="pack")
        cut_release(pack, "1.0.0", {"system": "You coach."})
        packs.activate(pack=pack, to="1.0.0", environment="lab", by=SYSTEM, at=AT)
        stable = make_channel(bundle=pack)
        calls = [
            lambda pack=pack, there=there: (
                packs.activate(pack=pack, to="1.0.0", environment=there, by=SYSTEM, at=AT).changed
            )
            for there in ("", "staging", "qa", "canary")
        ]
        calls.append(lambda stable=stable: activation(stable, "1.0.0")().changed)
        assert at_once(*calls) == [True] * 5


def test_keys_that_are_changed_at_once_leave_one():
    """Each retires the one before: one key signs, and the private halves of the others are gone."""
    bundle = make_bundle()
    cut_release(bundle, "1.0.0")
    signing.index(project=bundle.project, actor=SYSTEM, at=AT)
    made = at_once(*(lambda: signing.rotate(by=SYSTEM, at=AT) for _ in range(3)))
    (left,) = signing.public_keys()
    assert left in {key.pk for key in made}
    assert sum(bool(key.private) for key in SigningKey.objects.all()) == 1
    assert len(signing.public_keys(retired=True)) == 4
    assert set(RepositoryIndex.objects.latest("counter").document["keys"]) == {left}


def test_the_first_releases_at_once_are_signed_by_one_key():
    bundles = [make_bundle() for _ in range(4)]
    done = at_once(*(lambda bundle=bundle: cut_release(bundle, "1.0.0") for bundle in bundles))
    assert len({row.key_id for row in ReleaseSignature.objects.all()}) == 1, done
    assert len(signing.public_keys(retired=True)) == 1
