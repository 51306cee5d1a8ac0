"""Channels moved, reviewed, split, scheduled and rolled back in any order, against a model of a few lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from audit.models import AuditEvent
from foundation import broadcast
from foundation.clock import database_now
from prompthub_kernel.errors import PromptHubError
from registry import channels, packs, pending, releases, reviews, rollouts, schedules
from registry.models import Activation, Channel, Release
from tests.factories import make_actor, make_project, make_release
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import some_token
from tests.factories.release import make_bundle
from tests.property.effort import examples

WHICH = st.integers(0, 9)  # how new a release is; 9 is none
WHO = st.sampled_from([*["whoever may"] * 4, "author", "reviewer", "chief", "deployer", "system"])
RARELY = st.sampled_from([True, False, False])
PERCENTS = st.sampled_from([0, 10, 50, 100])
HOUR = timedelta(hours=1)

Aim = tuple[str, str | None, int | None]  # the release, the second one, its share
NOWHERE: tuple[None, None, None] = (None, None, None)


class Wish:
    """The model of a move that waits."""

    def __init__(self, row: Activation, maker: str, to: str, percent: int | None, seen: int) -> None:
        self.row, self.maker, self.to, self.percent, self.seen = row, maker, to, percent, seen
        self.state, self.policy, self.revision, self.guarded = "proposed", "review", 1, True
        self.due = row.due_at


def code_of(call: Callable[[], Any]) -> str:
    """The code that a call was refused with, ``""`` when it was not; what it wrote before that is undone."""
    try:
        with transaction.atomic():
            call()
    except PromptHubError as refused:
        return refused.code
    return ""


@examples(64, again=8, stateful_step_count=75, deadline=None, suppress_health_check=list(HealthCheck))
class Channels(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        bundle = make_bundle(project=make_project(), kind="pack")
        project = bundle.project
        self.bundle = bundle
        self.channel = channels.create(bundle=bundle, name=packs.ACTIVE, by=SYSTEM, at=AT)
        self.who = {
            "author": make_actor(roles={project: "publisher"}),
            "reviewer": make_actor(roles={project: "reviewer"}),
            "chief": make_actor(superuser=True),
            "deployer": some_token(self.channel),
            "system": SYSTEM,
        }
        self.policy = "live"
        self.marks: dict[str, set[str]] = {}
        self.points: Aim | tuple[None, None, None] = NOWHERE
        self.way: list[Aim] = []
        self.made_by: list[Wish | None] = []
        self.wishes: list[Wish] = []
        for _ in range(3):
            self.cut()
        self.activate("system", 2, confirm=False)

    def teardown(self) -> None:
        try:
            self.nothing_is_lost()
        finally:
            self.undone()

    def undone(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    # --- what the model expects -----------------------------------------------------------------------------------

    def named(self, which: int) -> str:
        """A version: of those that there are, or one that there is not."""
        known = list(self.marks)
        return "9.0.0" if which == 9 else known[-1 - which % len(known)]

    def actor(self, who: str, *, deciding: bool = False, maker: str = "") -> str:
        """Somebody; whoever may by the present policy."""
        if who != "whoever may":
            return who
        if deciding:
            return "chief" if maker == "reviewer" else "reviewer"
        return "deployer" if self.policy == "locked" else "author"

    def may(self, who: str, *, ending: bool = False) -> str:
        """The code with which somebody is refused to move the channel at once."""
        if self.policy == "locked":
            return "" if who == "deployer" else "403.channel_locked"
        if self.policy == "review" and ending:
            return "" if who in {"reviewer", "chief", "system"} else "403.permission_denied"
        if who not in {"author", "chief", "system"}:
            return "403.permission_denied"
        return "" if self.policy == "live" else "409.review_required"

    def fits(self, to: str, percent: int | None, *, confirm: bool, first: str | None = "") -> str:
        """The code with which a release is refused, whoever asks, where ``first`` is there."""
        first = self.points[0] if first == "" else first
        if to not in self.marks:
            return "400.release_unknown"
        if percent is not None and first in {None, to}:
            return "409.state_conflict"
        if "revert" in self.marks[to]:
            return "410.gone"
        meant = confirm or to == first
        return "409.state_conflict" if "yank" in self.marks[to] and not meant else ""

    def aim(self, to: str, percent: int | None, *, first: str | None = "") -> Aim:
        """Where a move would lead, from ``first``."""
        first = self.points[0] if first == "" else first
        return (to, None, None) if percent is None or first is None else (first, to, percent)

    def go(self, aim: Aim, made_by: Wish | None = None) -> None:
        """A move that was made; the same again is none."""
        self.points = aim
        self.way.append(aim)
        self.made_by.append(made_by)

    def unmoved(self, wish: Wish) -> bool:
        """Whether all moves since were scheduled for before."""
        since = self.made_by[wish.seen :]
        return all(one is not None and one.due and wish.due and one.due <= wish.due for one in since)

    def then(self, due: datetime, besides: Wish | None) -> Aim | tuple[None, None, None]:
        """Where it points after all that waits for before and can be made."""
        points = self.points
        waiting = [one for one in self.wishes if one.state == "scheduled" and one.policy == self.policy]
        for one in sorted(waiting, key=lambda wish: (wish.due, wish.row.pk)):
            fits = one is not besides and one.due <= due and (not one.guarded or self.unmoved(one))
            if fits and (one.percent is None or points[0] not in {None, one.to}):
                points = self.aim(one.to, one.percent, first=points[0])
        return points

    def earlier(self) -> str | None:
        """Where a rollback without a version leads, when no rollout goes on."""
        way: list[str] = []
        for first, _, _ in self.way:
            way = [*way[: way.index(first)], first] if first in way else [*way, first]
        return next((one for one in reversed(way[:-1]) if not self.marks[one] & {"yank", "revert"}), None)

    # --- what happens to releases ---------------------------------------------------------------------------------

    @rule()
    def cut(self) -> None:
        version = f"1.{len(self.marks)}.0"
        make_release(bundle=self.bundle, version=version)
        self.marks[version] = set()

    @precondition(lambda self: len(self.marks) > 3)
    @rule(which=st.integers(0, 8), kind=st.sampled_from(["retire", "yank", "revert"]))
    def mark(self, which: int, kind: str) -> None:
        version = self.named(which)
        found = Release.objects.get(bundle=self.bundle, version=version)
        verb = {"retire": releases.retire, "yank": releases.yank, "revert": releases.revert}[kind]
        code = code_of(lambda: verb(release=found, reason="other", by=SYSTEM, at=AT))
        if kind == "revert" and version in self.points[:2]:
            assert code == "409.in_use"
        elif "revert" in self.marks[version]:
            assert code in {"410.gone", "409.in_use"}
        elif kind == "yank" and "yank" in self.marks[version]:
            assert code == "409.state_conflict"
        else:
            assert code == ""
            self.marks[version].add(kind)

    # --- moves ----------------------------------------------------------------------------------------------------

    def moved(self, who: str, aim: Aim | None, refused: str, call: Callable[..., Any], **given: Any) -> None:
        """A move at once: refused as the model says, or made."""
        ending = call is rollouts.stop or (call is channels.rollback and self.points[1] is not None)
        who = self.actor(who, deciding=ending and self.policy == "review")
        refused = self.may(who, ending=ending) or refused
        given |= {"channel": self.channel, "by": self.who[who], "at": AT, "reason": "tried"}
        assert code_of(lambda: call(**given)) == refused
        if not refused and aim is not None and aim != self.points:
            self.go(aim)

    @rule(who=WHO, which=WHICH, confirm=st.booleans())
    def activate(self, who: str, which: int, confirm: bool) -> None:
        to = self.named(which)
        refused = self.fits(to, None, confirm=confirm)
        self.moved(who, self.aim(to, None), refused, channels.activate, to=to, confirm=confirm)

    @rule(who=WHO, which=WHICH, percent=PERCENTS)
    def split(self, who: str, which: int, percent: int) -> None:
        to = self.named(which)
        refused = self.fits(to, percent, confirm=False)
        self.moved(who, self.aim(to, percent), refused, rollouts.split, to=to, percent=percent)

    @precondition(lambda self: self.points[1] or len(self.way) % 4 == 0)
    @rule(who=WHO)
    def stop(self, who: str) -> None:
        first, second, _ = self.points
        self.moved(who, (first, None, None) if first else None, "" if second else "409.state_conflict", rollouts.stop)

    @precondition(lambda self: self.points[1] or len(self.way) % 4 == 0)
    @rule(who=WHO)
    def finish(self, who: str) -> None:
        second = self.points[1]
        refused = self.fits(second, None, confirm=True) if second else "409.state_conflict"
        self.moved(who, (second, None, None) if second else None, refused, rollouts.finish, confirm=True)

    @rule(who=WHO)
    def rollback(self, who: str) -> None:
        first, second, _ = self.points
        back = first if second else self.earlier()
        refused = "" if back else "409.state_conflict"
        self.moved(who, (back, None, None) if back else None, refused, channels.rollback, confirm=True)

    @rule(who=WHO, which=WHICH, expected=st.none() | WHICH)
    def activate_expecting(self, who: str, which: int, expected: int | None) -> None:
        to = self.named(which)
        believed = (self.points[0] or "") if expected is None else self.named(expected)
        refused = "" if (self.points[0] or "") == believed else "409.version_conflict"
        refused = refused or self.fits(to, None, confirm=True)
        self.moved(who, self.aim(to, None), refused, channels.activate, to=to, expected=believed, confirm=True)

    @rule(policy=st.sampled_from(["live", "review", "review", "locked"]), really=RARELY)
    def set_policy(self, policy: str, really: bool) -> None:
        if not really:
            return
        channels.set_policy(channel=self.channel, rule=policy, by=SYSTEM, at=AT)
        self.policy = policy

    # --- moves that wait ------------------------------------------------------------------------------------------

    def wish(self, to: str, percent: int | None, due: datetime | None, besides: Wish | None = None) -> str:
        """The code with which what is asked for is refused, whoever asks."""
        points = self.points if due is None else self.then(due, besides)
        refused = self.fits(to, percent, confirm=True, first=points[0])
        if refused in {"", "410.gone"} and self.aim(to, percent, first=points[0]) == points:
            return "409.state_conflict"
        return refused

    @precondition(lambda self: self.policy == "review" or len(self.way) % 5 == 0)
    @rule(who=WHO, which=WHICH, percent=st.none() | PERCENTS, later=st.integers(0, 2))
    def propose(self, who: str, which: int, percent: int | None, later: int) -> None:
        who, to = "author" if who == "whoever may" else who, self.named(which)
        refused = "" if who in {"author", "chief", "system"} else "403.permission_denied"
        if not refused and self.policy != "review":
            refused = "403.channel_locked" if self.policy == "locked" else "409.state_conflict"
        due = database_now() + later * HOUR if later else None
        refused = refused or self.wish(to, percent, due)
        made: list[Activation] = []
        given = {"to": to, "percent": percent, "due_at": due, "confirm": True, "by": self.who[who], "at": AT}
        assert code_of(lambda: made.append(reviews.propose(channel=self.channel, **given))) == refused
        if not refused:
            self.wishes.append(Wish(made[0], who, to, percent, len(self.way)))

    @rule(who=WHO, which=WHICH, percent=st.none() | PERCENTS, expecting=st.booleans(), later=st.integers(1, 3))
    def schedule(self, who: str, which: int, percent: int | None, expecting: bool, later: int) -> None:
        who, to, due = self.actor(who), self.named(which), database_now() + later * HOUR
        refused = self.may(who) or self.wish(to, percent, due)
        made: list[Activation] = []
        given = {"to": to, "percent": percent, "due_at": due, "confirm": True, "reason": "tried"}
        given |= {"expected": self.points[0] or "", "by": self.who[who]} if expecting else {"by": self.who[who]}
        assert code_of(lambda: made.append(schedules.schedule(channel=self.channel, at=AT, **given))) == refused
        if not refused:
            wish = Wish(made[0], who, to, percent, len(self.way))
            wish.state, wish.policy, wish.guarded = "scheduled", self.policy, expecting
            self.wishes.append(wish)

    def made(self, wish: Wish) -> str:
        """The code with which a move that waited can no longer be made; else it is made."""
        if self.policy != wish.policy:
            return "409.state_conflict"
        if wish.guarded and not self.unmoved(wish):
            return "409.version_conflict"
        refused = self.fits(wish.to, wish.percent, confirm=True)
        if not refused and self.aim(wish.to, wish.percent) == self.points:
            return "409.state_conflict"
        if not refused:
            self.go(self.aim(wish.to, wish.percent), wish)
        return refused

    @precondition(lambda self: self.wishes)
    @rule(which=st.integers(0, 3), who=WHO, looked_at=st.sampled_from([0, 0, 0, 1]), confirm=st.booleans())
    def approve(self, which: int, who: str, looked_at: int, confirm: bool) -> None:
        wish = self.wishes[-1 - which % len(self.wishes)]
        who, seen = self.actor(who, deciding=True, maker=wish.maker), wish.revision - looked_at
        waits = wish.row.due_at is not None
        refused = "" if who in {"reviewer", "chief", "system"} else "403.permission_denied"
        refused = refused or ("403.permission_denied" if who == wish.maker else "")
        undecided = wish.state == "proposed" and self.policy == wish.policy == "review"
        refused = refused or ("" if undecided else "409.state_conflict")
        refused = refused or ("" if seen == wish.revision else "409.proposal_changed")
        refused = refused or ("" if confirm or self.unmoved(wish) else "409.version_conflict")
        if not refused:
            before, wish.seen = wish.seen, len(self.way)
            refused = ("410.gone" if "revert" in self.marks[wish.to] else "") if waits else self.made(wish)
            wish.seen = before if refused else wish.seen
        given = {"revision": seen, "confirm": confirm, "by": self.who[who], "at": AT}
        assert code_of(lambda: reviews.approve(proposal=wish.row, **given)) == refused
        if not refused:
            wish.state = "scheduled" if waits else "active"

    @precondition(lambda self: self.wishes)
    @rule(which=st.integers(0, 3), who=WHO, release=WHICH)
    def change(self, which: int, who: str, release: int) -> None:
        wish = self.wishes[-1 - which % len(self.wishes)]
        who, to = wish.maker if who == "whoever may" else who, self.named(release)
        refused = "" if who in {"author", "chief", "system"} and who == wish.maker else "403.permission_denied"
        waits = wish.state in {"proposed", "scheduled"} and self.policy == wish.policy == "review"
        refused = refused or ("" if waits else "409.state_conflict") or self.wish(to, None, wish.due, wish)
        given = {"revision": wish.revision, "to": to, "due_at": wish.row.due_at, "confirm": True, "at": AT}
        assert code_of(lambda: reviews.change(proposal=wish.row, by=self.who[who], **given)) == refused
        if not refused:
            wish.state, wish.to, wish.percent, wish.seen = "proposed", to, None, len(self.way)
            wish.revision += 1

    @precondition(lambda self: self.wishes)
    @rule(which=st.integers(0, 3), who=WHO, verb=st.sampled_from(["reject", "withdraw"]), really=RARELY)
    def put_away(self, which: int, who: str, verb: str, really: bool) -> None:
        if not really:
            return
        wish = self.wishes[-1 - which % len(self.wishes)]
        who = self.actor(who, deciding=True)
        if verb == "reject":
            refused = "" if who in {"reviewer", "chief", "system"} else "403.permission_denied"
            waits = wish.state == "proposed" and self.policy == wish.policy
            refused = refused or ("" if waits else "409.state_conflict")
            code = code_of(lambda: reviews.reject(proposal=wish.row, comment="no", by=self.who[who], at=AT))
        else:
            may = {"live": {"author"}, "review": {"reviewer"}, "locked": {"deployer"}}[wish.policy]
            refused = "" if who in {*may, "chief", "system", wish.maker} else "403.permission_denied"
            refused = refused or ("" if wish.state in {"proposed", "scheduled"} else "409.state_conflict")
            code = code_of(lambda: pending.withdraw(activation=wish.row, by=self.who[who], at=AT))
        assert code == refused
        if not refused:
            wish.state = {"reject": "rejected", "withdraw": "withdrawn"}[verb]

    @precondition(lambda self: any(wish.state == "scheduled" for wish in self.wishes))
    @rule(which=st.integers(0, 3))
    def time_comes(self, which: int) -> None:
        waiting = [wish for wish in self.wishes if wish.state == "scheduled"]
        wish = waiting[which % len(waiting)]
        wish.due = database_now() - HOUR
        Activation.objects.filter(pk=wish.row.pk).update(due_at=wish.due)
        refused = self.made(wish)
        assert schedules.wake(by=SYSTEM, at=AT) == (0 if refused else 1)
        assert Activation.objects.get(pk=wish.row.pk).error_code == refused
        wish.state = "failed" if refused else "active"

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def it_points_where_the_model_says(self) -> None:
        row = Channel.objects.select_related("release", "split_release").get(pk=self.channel.pk)
        second = row.split_release and row.split_release.version
        assert (row.release and row.release.version, second, row.split_percent) == self.points
        assert row.last_ordinal == len(self.way)
        assert not any("revert" in self.marks[one] for one in self.points[:2] if one is not None)

    @invariant()
    def what_waits_is_in_the_state_that_the_model_says(self) -> None:
        states = dict(Activation.objects.filter(channel=self.channel).values_list("pk", "state"))
        assert all(states[wish.row.pk] == wish.state for wish in self.wishes)

    def nothing_is_lost(self) -> None:
        told = [
            (one.ordinal, (one.release.version, one.split_release and one.split_release.version, one.split_percent))
            for one in channels.history(channel=self.channel)
        ]
        assert told[::-1] == list(enumerate(self.way, 1))
        moves = {"subject_id": str(self.channel.pk), "action": "channel.activate"}
        assert AuditEvent.objects.filter(**moves).count() == len(self.way)
        heard = broadcast.since(seen=broadcast.Seen()).changes or ()
        assert heard.count(("channel", f"{self.bundle.pk}/{packs.ACTIVE}")) == len(self.way) + 1
        queue = {one.pk for one in reviews.queue(actor=self.who["reviewer"])}
        assert queue == {wish.row.pk for wish in self.wishes if wish.state == "proposed"}


@pytest.mark.slow
@pytest.mark.django_db
def test_channels_are_where_a_simple_model_says():
    run_state_machine_as_test(Channels)
