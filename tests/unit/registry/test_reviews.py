"""Proposals: somebody else approves what was looked at, or nobody does."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from audit.models import AuditEvent
from foundation.clock import database_now
from prompthub_kernel.errors import PromptHubError, Refused
from registry import channels, pending, reviews, rollouts, schedules
from registry.models import Activation
from registry.states import MOVES, S
from tests.factories import make_actor, make_release, make_release_mark
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel, some_token, someone
from tests.unit.registry.moving import moved, refused

pytestmark = pytest.mark.django_db
LATER = timedelta(hours=1)


@pytest.fixture
def channel():
    """Under review, at 1.0.0; there are 1.1.0 and 1.2.0, too."""
    found = make_channel(release="1.0.0", rule="review")
    for version in ("1.1.0", "1.2.0"):
        make_release(bundle=found.bundle, version=version)
    return found


@pytest.fixture
def author(channel):
    return someone(channel)


@pytest.fixture
def reviewer(channel):
    return someone(channel, "reviewer")


def propose(channel, by, to="1.1.0", **given):
    return reviews.propose(channel=channel, to=to, by=by, at=AT, **given)


def stored(activation):
    return Activation.objects.get(pk=activation.pk)


def test_what_is_proposed_moves_nothing_until_somebody_else_approves(channel, author, reviewer, at):
    proposal = propose(channel, author, reason="friendlier")
    assert (proposal.state, proposal.ordinal, proposal.previous.version) == ("proposed", None, "1.0.0")
    assert moved(channel) == [(1, None, "1.0.0")]
    approved = reviews.approve(proposal=proposal, revision=1, comment="good", by=reviewer, at=at)
    assert (approved.state, approved.ordinal, approved.active_at) == ("active", 2, at)
    assert moved(channel) == [(2, "1.0.0", "1.1.0"), (1, None, "1.0.0")]
    row = stored(proposal)
    assert (row.by, row.decided_by, row.decided_by_label, row.comment) == (
        author.id,
        reviewer.id,
        reviewer.label,
        "good",
    )
    told = AuditEvent.objects.filter(subject_id=str(channel.pk)).order_by("id").values_list("action", "actor_id")
    assert list(told)[-3:] == [
        ("channel.proposal.make", author.id),
        ("channel.proposal.approve", reviewer.id),
        ("channel.activate", reviewer.id),
    ]
    made = AuditEvent.objects.get(action="channel.proposal.make").metadata
    assert (made["activation"], made["to"]) == (str(proposal.pk), str(proposal.release_id))
    assert AuditEvent.objects.filter(action="channel.activate").latest("id").metadata["activation"] == str(proposal.pk)


def test_nobody_approves_their_own_not_even_a_superuser(channel, at):
    chief = make_actor(superuser=True)
    proposal = propose(channel, chief)
    error = refused(
        "403.permission_denied", reviews.approve, proposal=proposal, revision=1, by=chief, at=at, confirm=True
    )
    assert "own" in error.detail
    assert stored(proposal).state == "proposed"
    system = propose(channel, SYSTEM, "1.2.0")
    refused("403.permission_denied", reviews.approve, proposal=system, revision=1, by=SYSTEM, at=at)


@pytest.mark.parametrize(
    ("scopes", "role", "code"),
    [
        (("read",), "administrator", "403.permission_denied"),
        (("publish", "deploy"), "administrator", "403.permission_denied"),
        (("admin",), "publisher", "403.permission_denied"),
        (("admin",), "reviewer", None),
    ],
)
def test_a_token_approves_with_the_scope_and_the_role_alone(channel, author, at, scopes, role, code):
    proposal, token = propose(channel, author), some_token(channel, scopes, role)
    if code:
        refused(code, reviews.approve, proposal=proposal, revision=1, by=token, at=at)
    else:
        assert reviews.approve(proposal=proposal, revision=1, by=token, at=at).state == "active"


@pytest.mark.parametrize("role", ["viewer", "editor", "publisher", None])
def test_only_reviewers_decide(channel, author, at, role):
    proposal = propose(channel, author)
    by = someone(channel, role) if role else make_actor()
    code = "403.permission_denied" if role else "404.not_found"
    refused(code, reviews.approve, proposal=proposal, revision=1, by=by, at=at)
    refused(code, reviews.reject, proposal=proposal, comment="no", by=by, at=at)
    assert stored(proposal).state == "proposed"


def test_only_publishers_propose_and_only_where_there_is_a_review(channel, reviewer, at):
    refused("403.permission_denied", reviews.propose, channel=channel, to="1.1.0", by=reviewer, at=at)
    live = make_channel(bundle=channel.bundle)
    refused("409.state_conflict", reviews.propose, channel=live, to="1.1.0", by=someone(live), at=at)
    locked = make_channel(bundle=channel.bundle, rule="locked")
    refused("403.channel_locked", reviews.propose, channel=locked, to="1.1.0", by=someone(locked), at=at)


def test_what_cannot_be_pointed_at_is_not_proposed(channel, author, at):
    for version, kind in (("1.1.0", "yank"), ("1.2.0", "revert")):
        make_release_mark(release=channel.bundle.releases.get(version=version), kind=kind)
    for to, code in (
        ("9.0.0", "400.release_unknown"),
        ("1.0.0", "409.state_conflict"),
        ("1.1.0", "409.state_conflict"),
        ("1.2.0", "410.gone"),
    ):
        refused(code, reviews.propose, channel=channel, to=to, by=author, at=at)
    assert propose(channel, author, "1.1.0", confirm=True).confirmed


def test_a_changed_proposal_is_not_the_one_that_was_looked_at(channel, author, reviewer, at):
    proposal = propose(channel, author)
    changed = reviews.change(proposal=proposal, revision=1, to="1.2.0", reason="newer", by=author, at=at)
    assert (changed.revision, changed.release.version, changed.reason) == (2, "1.2.0", "newer")
    error = refused("409.proposal_changed", reviews.approve, proposal=proposal, revision=1, by=reviewer, at=at)
    assert error.context == {"revision": 2}
    refused("409.proposal_changed", reviews.change, proposal=proposal, revision=1, to="1.1.0", by=author, at=at)
    assert reviews.approve(proposal=proposal, revision=2, by=reviewer, at=at).release.version == "1.2.0"


def test_a_changed_proposal_loses_its_approval(channel, author, reviewer, at):
    due = database_now() + LATER
    proposal = propose(channel, author, due_at=due)
    approved = reviews.approve(proposal=proposal, revision=1, comment="good", by=reviewer, at=at)
    assert (approved.state, approved.ordinal, approved.decided_by) == ("scheduled", None, reviewer.id)
    changed = reviews.change(proposal=proposal, revision=1, to="1.2.0", due_at=due - LATER / 2, by=author, at=at)
    row = stored(changed)
    assert (row.state, row.decided_by, row.decided_at, row.comment) == ("proposed", "", None, "")
    assert schedules.wake(by=SYSTEM, at=at) == 0
    assert moved(channel) == [(1, None, "1.0.0")]


@pytest.mark.parametrize("rule", ["live", "locked"])
def test_of_a_channel_no_longer_under_review_a_proposal_can_only_be_withdrawn(channel, author, reviewer, at, rule):
    proposal = propose(channel, author)
    channels.set_policy(channel=channel, rule=rule, by=SYSTEM, at=at)
    told = refused("409.state_conflict", reviews.reject, proposal=proposal, comment="no", by=reviewer, at=at)
    assert told.context == {"policy": rule}
    refused("409.state_conflict", reviews.approve, proposal=proposal, revision=1, by=reviewer, at=at)
    refused("409.state_conflict", reviews.change, proposal=proposal, revision=1, to="1.2.0", by=author, at=at)
    assert stored(proposal).state == "proposed"
    assert pending.withdraw(activation=proposal, by=reviewer, at=at).state == "withdrawn"


def test_what_is_there_already_is_not_approved_again(channel, author, reviewer, at):
    first, second = propose(channel, author), propose(channel, author)
    reviews.approve(proposal=first, revision=1, by=reviewer, at=at)
    told = {"proposal": second, "revision": 1, "confirm": True, "by": reviewer, "at": at}
    refused("409.state_conflict", reviews.approve, **told)
    assert (stored(second).state, len(moved(channel))) == ("proposed", 2)


def test_others_make_a_proposal_of_their_own(channel, author, reviewer, at):
    proposal = propose(channel, author)
    for by in (someone(channel), someone(channel, "administrator"), reviewer):
        with pytest.raises(Refused):
            reviews.change(proposal=proposal, revision=1, to="1.2.0", by=by, at=at)
    assert stored(proposal).release.version == "1.1.0"


def test_an_approval_of_what_led_away_from_elsewhere_has_to_be_confirmed(channel, author, reviewer, at):
    first, second = propose(channel, author), propose(channel, author, "1.2.0")
    reviews.approve(proposal=first, revision=1, by=reviewer, at=at)
    error = refused("409.version_conflict", reviews.approve, proposal=second, revision=1, by=reviewer, at=at)
    assert (error.context["version"], error.context["by"]) == ("1.1.0", author.label)
    reviews.approve(proposal=second, revision=1, confirm=True, by=reviewer, at=at)
    assert moved(channel)[0] == (3, "1.1.0", "1.2.0")


def test_an_approval_after_moves_that_led_back_or_began_a_rollout_has_to_be_confirmed(channel, author, reviewer, at):
    """Where the channel points is the same; who moved it meanwhile had a reason that nobody here looked at."""
    waiting = [propose(channel, author) for _ in range(3)]
    for to in ("1.2.0", "1.0.0"):
        reviews.approve(proposal=propose(channel, author, to), revision=1, by=reviewer, at=at)
    assert refused("409.version_conflict", reviews.approve, proposal=waiting[0], revision=1, by=reviewer, at=at)
    fresh = reviews.change(proposal=waiting[1], revision=1, to="1.1.0", by=author, at=at)
    rollout = propose(channel, author, "1.2.0", percent=50)
    reviews.approve(proposal=rollout, revision=1, by=reviewer, at=at)
    error = refused("409.version_conflict", reviews.approve, proposal=fresh, revision=2, by=reviewer, at=at)
    assert error.context["ordinal"] == 4
    assert moved(channel)[0][0] == 4
    channel.refresh_from_db()
    assert channel.split_release.version == "1.2.0"
    reviews.approve(proposal=waiting[2], revision=1, confirm=True, by=reviewer, at=at)
    assert moved(channel)[0] == (5, "1.0.0", "1.1.0")


def test_what_was_yanked_or_reverted_since_is_not_approved_unseen(channel, author, reviewer, at):
    yanked, gone = propose(channel, author), propose(channel, author, "1.2.0", due_at=database_now() + LATER)
    make_release_mark(release=yanked.release, kind="yank")
    make_release_mark(release=gone.release, kind="revert")
    refused("409.state_conflict", reviews.approve, proposal=yanked, revision=1, by=reviewer, at=at)
    refused("410.gone", reviews.approve, proposal=gone, revision=1, confirm=True, by=reviewer, at=at)
    assert {stored(one).state for one in (yanked, gone)} == {"proposed"}
    assert AuditEvent.objects.filter(action="channel.proposal.approve").count() == 0
    assert reviews.approve(proposal=yanked, revision=1, confirm=True, by=reviewer, at=at).state == "active"


def test_a_rejection_says_why(channel, author, reviewer, at):
    proposal = propose(channel, author)
    for empty in (" ", "\u200b\u2060"):
        error = refused("422.request_invalid", reviews.reject, proposal=proposal, comment=empty, by=reviewer, at=at)
        assert error.problems[0].pointer == "/comment"
    rejected = reviews.reject(proposal=proposal, comment="too long", by=reviewer, at=at)
    row = stored(rejected)
    assert (row.state, row.comment, row.decided_by, row.decided_at) == ("rejected", "too long", reviewer.id, at)
    assert AuditEvent.objects.get(action="channel.proposal.reject").actor_id == reviewer.id
    assert moved(channel) == [(1, None, "1.0.0")]


def test_a_proposal_is_withdrawn_by_its_maker_or_a_reviewer(channel, author, reviewer, at):
    for by, fine in ((someone(channel), False), (make_actor(), False), (author, True), (reviewer, True)):
        proposal = propose(channel, author)
        if fine:
            assert pending.withdraw(activation=proposal, by=by, at=at).state == "withdrawn"
        else:
            with pytest.raises(PromptHubError):
                pending.withdraw(activation=proposal, by=by, at=at)
    assert AuditEvent.objects.filter(action="channel.proposal.withdraw").count() == 2


def test_a_proposal_does_not_outlive_its_review(channel, author, reviewer, at, system):
    for rule in ("live", "locked"):
        channels.set_policy(channel=channel, rule="review", by=system, at=at)
        proposal = propose(channel, author)
        channels.set_policy(channel=channel, rule=rule, by=system, at=at)
        refused("409.state_conflict", reviews.approve, proposal=proposal, revision=1, by=reviewer, at=at, confirm=True)
        refused("409.state_conflict", reviews.change, proposal=proposal, revision=1, to="1.2.0", by=author, at=at)
        assert pending.withdraw(activation=proposal, by=author, at=at).state == "withdrawn"
    assert moved(channel) == [(1, None, "1.0.0")]


def test_a_rollout_is_proposed_approved_and_ended_by_a_reviewer(channel, author, reviewer, at):
    proposal = propose(channel, author, percent=10, segments=["beta"])
    assert (proposal.release.version, proposal.split_release.version) == ("1.0.0", "1.1.0")
    reviews.approve(proposal=proposal, revision=1, by=reviewer, at=at)
    channel.refresh_from_db()
    assert (channel.release.version, channel.split_release.version, channel.split_percent) == ("1.0.0", "1.1.0", 10)
    refused("403.permission_denied", rollouts.stop, channel=channel, by=author, at=at)
    result = rollouts.stop(channel=channel, reason="complaints", by=reviewer, at=at)
    assert (result.channel.release.version, result.channel.split_release) == ("1.0.0", None)
    refused("403.permission_denied", rollouts.finish, channel=channel, by=reviewer, at=at)


def test_a_reviewer_who_rolls_back_while_a_rollout_goes_on_ends_it(channel, author, reviewer, at):
    reviews.approve(proposal=propose(channel, author, percent=10), revision=1, by=reviewer, at=at)
    refused("403.permission_denied", channels.rollback, channel=channel, by=author, at=at)
    result = channels.rollback(channel=channel, by=reviewer, at=at)
    assert (result.channel.release.version, result.channel.split_release) == ("1.0.0", None)
    refused("403.permission_denied", channels.rollback, channel=channel, by=reviewer, at=at)
    refused("409.review_required", channels.rollback, channel=channel, by=author, at=at)


def test_the_queue_holds_what_one_may_review(channel, author, reviewer, at, django_assert_num_queries):
    propose(channel, author)
    elsewhere = make_channel(release="1.0.0", rule="review")
    make_release(bundle=elsewhere.bundle, version="1.1.0")
    propose(elsewhere, SYSTEM)
    mine = reviews.queue(actor=reviewer)
    assert [one.channel for one in mine] == [channel]
    assert list(reviews.queue(actor=author)) == []
    assert reviews.queue(actor=make_actor(superuser=True)).count() == 2
    for _ in range(3):
        propose(channel, author)
    rows = reviews.queue(actor=SYSTEM)
    with django_assert_num_queries(1):
        told = [(str(one.channel.bundle.address), one.release.version, one.previous.version) for one in rows]
    assert len(told) == 5
    assert pending.listing(channel=channel).count() == 4


def test_a_decision_costs_the_same_however_many_wait(channel, author, at, django_assert_num_queries):
    for _ in range(5):
        propose(channel, author)
    reviewer = make_actor(superuser=True)
    first, second = propose(channel, author), propose(channel, author)
    # Locks and rows of channel and activation, the event, and of the move what it costs; and savepoints.
    with django_assert_num_queries(19):
        reviews.approve(proposal=first, revision=1, by=reviewer, at=at)
    with django_assert_num_queries(8):
        reviews.reject(proposal=second, comment="no", by=reviewer, at=at)


def test_an_activation_is_found_by_whoever_sees_its_project(channel, author):
    proposal = propose(channel, author)
    assert pending.get(key=proposal.pk, actor=author) == proposal
    refused("404.not_found", pending.get, key=proposal.pk, actor=make_actor())


# --- every state, every verb --------------------------------------------------------------------------------------

VERBS = {
    "approve": ({S.ACTIVE, S.SCHEDULED}, lambda row, who: reviews.approve(proposal=row, revision=1, by=who[1], at=AT)),
    "reject": ({S.REJECTED}, lambda row, who: reviews.reject(proposal=row, comment="no", by=who[1], at=AT)),
    "change": ({S.PROPOSED}, lambda row, who: reviews.change(proposal=row, revision=1, to="1.2.0", by=who[0], at=AT)),
    "withdraw": ({S.WITHDRAWN}, lambda row, who: pending.withdraw(activation=row, by=who[0], at=AT)),
    "wake": ({S.ACTIVE, S.FAILED}, lambda row, who: schedules.wake(by=SYSTEM, at=AT)),
}
LEADS = {
    ("approve", S.PROPOSED): S.SCHEDULED,
    ("reject", S.PROPOSED): S.REJECTED,
    ("change", S.PROPOSED): S.PROPOSED,
    ("change", S.SCHEDULED): S.PROPOSED,
    ("withdraw", S.PROPOSED): S.WITHDRAWN,
    ("withdraw", S.SCHEDULED): S.WITHDRAWN,
    ("wake", S.SCHEDULED): S.ACTIVE,
}


def brought_to(state, channel, author, reviewer):
    """A proposal for later that went the way to a state by the verbs."""
    row = propose(channel, author, due_at=database_now() + LATER)
    if state == S.REJECTED:
        reviews.reject(proposal=row, comment="no", by=reviewer, at=AT)
    elif state == S.WITHDRAWN:
        pending.withdraw(activation=row, by=author, at=AT)
    elif state != S.PROPOSED:
        reviews.approve(proposal=row, revision=1, by=reviewer, at=AT)
    if state in {S.ACTIVE, S.FAILED}:
        if state == S.FAILED:
            make_release_mark(release=row.release, kind="revert")
        Activation.objects.filter(pk=row.pk).update(due_at=database_now() - LATER)
        schedules.wake(by=SYSTEM, at=AT)
    return stored(row)


@pytest.mark.parametrize(("verb", "state"), list(product(VERBS, S)), ids=str)
def test_a_verb_leads_where_the_table_says_or_changes_nothing(channel, author, reviewer, verb, state):
    row = brought_to(state, channel, author, reviewer)
    assert row.state == state
    if verb == "wake":
        Activation.objects.filter(pk=row.pk).update(due_at=database_now() - LATER)
    before = (row.state, row.ordinal, row.revision, moved(channel), AuditEvent.objects.count())
    leads = LEADS.get((verb, state))
    reached, call = VERBS[verb]
    if leads is None:
        if verb == "wake":
            assert call(row, (author, reviewer)) == 0
        else:
            with pytest.raises(PromptHubError) as found:
                call(row, (author, reviewer))
            assert found.value.code == "409.state_conflict"
        row = stored(row)
        assert before == (row.state, row.ordinal, row.revision, moved(channel), AuditEvent.objects.count())
    else:
        assert leads in reached
        call(row, (author, reviewer))
        assert stored(row).state == leads
        assert leads == state or leads in MOVES[state]


def test_the_table_names_every_state_and_every_way_is_taken_by_a_verb():
    assert set(MOVES) == set(S)
    taken = {(start, end) for (_, start), end in LEADS.items() if start != end}
    taken |= {(S.PROPOSED, S.ACTIVE), (S.SCHEDULED, S.FAILED)}  # approved when due; no longer possible when due
    assert taken == {(start, end) for start, ends in MOVES.items() for end in ends}
