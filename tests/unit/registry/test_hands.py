"""Whose hands an actor has: nobody approves what their own, or their tokens', asked for. They give no right to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.clock import database_now
from registry import channels, pending, reviews, schedules
from registry.models import Activation, Channel
from tenancy import policy, projects, tokens
from tenancy.models import ServiceToken
from tests.factories import make_actor, make_release, make_token, make_user
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel, some_token, someone
from tests.unit.registry.moving import refused

pytestmark = pytest.mark.django_db
ALL = ("read", "draft", "publish", "deploy", "admin")


@pytest.fixture
def channel():
    """Under review, at 1.0.0; there are 1.1.0 and 1.2.0, too."""
    found = make_channel(release="1.0.0", rule="review")
    for version in ("1.1.0", "1.2.0"):
        make_release(bundle=found.bundle, version=version)
    return found


def propose(channel, by, to="1.1.0", **given):
    return reviews.propose(channel=channel, to=to, by=by, at=AT, **given)


def stored(activation):
    return Activation.objects.get(pk=activation.pk)


def token_of(issuer, *, account=None, scopes=("publish", "admin"), at=AT):
    """A token that an actor issued; its account may do everything."""
    account = account or make_user(superuser=True)
    _, secret = tokens.issue(name="hand", account=account, scopes=scopes, by=issuer, at=at)
    return tokens.authenticate(presented=secret, at=at)


def test_a_token_is_the_hand_of_its_account_and_of_who_issued_it(channel, at):
    """With a token of one's own one could approve what one proposed in the portal, or the other way round."""
    person = make_actor(superuser=True)

    own, again = token_of(person), token_of(person, account=make_user(superuser=True))
    mine = propose(channel, person)
    refused("403.permission_denied", reviews.approve, proposal=mine, revision=1, by=own, at=at)
    tokens_ = propose(channel, own, "1.2.0")
    for hand in (own, again, person):
        refused("403.permission_denied", reviews.approve, proposal=tokens_, revision=1, by=hand, at=at)
    other = token_of(make_actor(superuser=True))
    assert reviews.approve(proposal=tokens_, revision=1, by=other, at=at).state == "active"


def test_whoever_changed_a_proposal_has_made_it_too(channel, at):
    """Two tokens of one account, issued by two people: the second one writes what its issuer would approve."""
    account, other = make_user(superuser=True), make_actor(superuser=True)
    first, second = token_of(make_actor(superuser=True), account=account), token_of(other, account=account)
    proposal = propose(channel, first)
    changed = reviews.change(proposal=proposal, revision=1, to="1.2.0", by=second, at=at)
    assert set(stored(changed).makers) == pending.hands(actor=first) | pending.hands(actor=second)
    for hand in (other, first, second):
        refused("403.permission_denied", reviews.approve, proposal=proposal, revision=2, by=hand, at=at)
    assert reviews.approve(proposal=proposal, revision=2, by=make_actor(superuser=True), at=at).state == "active"


def test_a_chain_of_tokens_is_the_hand_of_whoever_began_it(channel, at):
    person, account = make_actor(superuser=True), make_user(superuser=True)
    first = token_of(person, account=account)
    last = token_of(token_of(first))
    assert {person.id, first.id, str(account.pk)} < pending.hands(actor=last)
    mine = propose(channel, person)
    refused("403.permission_denied", reviews.approve, proposal=mine, revision=1, by=last, at=at)
    theirs = propose(channel, last, "1.2.0")
    for hand in (person, first, token_of(make_actor(superuser=True), account=account)):
        refused("403.permission_denied", reviews.approve, proposal=theirs, revision=1, by=hand, at=at)
    assert reviews.approve(proposal=theirs, revision=1, by=make_actor(superuser=True), at=at).state == "active"


def test_a_circle_of_tokens_ends_and_a_chain_without_end_is_refused(channel, monkeypatch):
    first = token_of(SYSTEM)
    second = token_of(first)
    ServiceToken.objects.filter(pk=first.id).update(created_by=second.id)
    assert {first.id, second.id} < pending.hands(actor=first)
    monkeypatch.setattr(pending, "MOST_ISSUERS", 1)
    refused("403.permission_denied", reviews.propose, channel=channel, to="1.1.0", by=second, at=AT)


def test_tokens_that_the_operator_made_at_the_command_line_are_not_one_hand(channel, at):
    one, other = some_token(channel, ("publish",)), some_token(channel, ("admin",))
    assert reviews.approve(proposal=propose(channel, one), revision=1, by=other, at=at).state == "active"


def test_proposals_of_a_factory_token_have_its_hands(channel):
    token, _ = make_token(scopes=("publish",), roles={channel.bundle.project: "publisher"})
    actor = some_token(channel, ("publish",))
    assert pending.hands(actor=actor) == {actor.id, str(actor.account.pk)}
    assert str(token.pk) not in pending.hands(actor=actor)


# --- what is one's own to change and to take back -----------------------------------------------------------------


def in_project(channel, role, person):
    """The account of a service with a role in the channel's project, or without any."""
    account = make_user()
    if role:
        policy.grant(role=role, place=channel.bundle.project, to=account, by=person, at=AT)
    return account


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize(("role", "scopes"), [("viewer", ("read",)), ("publisher", ("read", "publish")), (None, ALL)])
def test_a_token_of_the_same_issuer_neither_changes_nor_takes_back_what_another_asked_for(
    channel, at, role, scopes, public
):
    """One administrator issues the tokens of many: that makes none of them the author of what the others do."""
    person = make_actor(superuser=True)
    if public:
        projects.set_visibility(project=channel.bundle.project, visibility="public", by=person, at=at)
    other = token_of(person, account=in_project(channel, role, person), scopes=scopes)
    proposal = propose(channel, token_of(person))
    code = "403.permission_denied" if role or public else "404.not_found"
    refused(code, pending.withdraw, activation=proposal, by=other, at=at)
    refused(code, reviews.change, proposal=proposal, revision=1, to="1.2.0", by=other, at=at)
    row = stored(proposal)
    assert (row.state, row.release.version, row.revision) == ("proposed", "1.1.0", 1)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("scopes", [("read",), ("publish", "admin")])
def test_what_is_scheduled_on_a_locked_channel_is_taken_back_with_the_scope_deploy_alone(channel, at, scopes, own):
    person, account = make_actor(superuser=True), make_user(superuser=True)
    locked = channels.set_policy(channel=channel, rule=Channel.Policy.LOCKED, by=SYSTEM, at=at)
    deployer = token_of(person, account=account, scopes=("deploy",))
    waiting = schedules.schedule(
        channel=locked, to="1.1.0", due_at=database_now() + timedelta(hours=1), reason="the fix", by=deployer, at=at
    )
    other = token_of(person, account=account if own else make_user(superuser=True), scopes=scopes)
    refused("403.permission_denied", pending.withdraw, activation=waiting, by=other, at=at)
    assert stored(waiting).state == "scheduled"
    assert pending.withdraw(activation=waiting, by=deployer, at=at).state == "withdrawn"


@pytest.mark.parametrize(
    ("scopes", "may"), [(("read",), False), (("draft", "deploy"), False), (("publish",), True), (("admin",), True)]
)
def test_an_account_takes_back_what_it_asked_for_with_the_scope_to_ask_for_it_or_to_review(channel, at, scopes, may):
    account = make_user(superuser=True)
    proposal = propose(channel, token_of(make_actor(superuser=True), account=account))
    again = token_of(make_actor(superuser=True), account=account, scopes=scopes)
    if may:
        assert pending.withdraw(activation=proposal, by=again, at=at).state == "withdrawn"
    else:
        refused("403.permission_denied", pending.withdraw, activation=proposal, by=again, at=at)
        refused("403.permission_denied", reviews.change, proposal=proposal, revision=1, to="1.2.0", by=again, at=at)


def test_whoever_may_no_longer_ask_for_it_does_not_take_it_back(channel, at):
    author, project = someone(channel), channel.bundle.project
    proposal = propose(channel, author)
    policy.revoke(role="publisher", place=project, to=author.account, by=SYSTEM, at=at)
    policy.grant(role="viewer", place=project, to=author.account, by=SYSTEM, at=at)
    refused("403.permission_denied", pending.withdraw, activation=proposal, by=author, at=at)


def test_a_person_and_the_tokens_of_their_account_have_asked_for_the_same(channel, django_assert_num_queries):
    person, stranger = make_actor(superuser=True), make_actor(superuser=True)
    token, issued = token_of(stranger, account=person.account), token_of(person)
    rows = [propose(channel, by) for by in (person, token, issued, stranger, SYSTEM)]
    told = {actor.id: [row.pk in pending.own(rows=rows, actor=actor) for row in rows] for actor in (issued, SYSTEM)}
    assert told == {issued.id: [False, False, True, False, False], SYSTEM.id: [False, False, False, False, True]}
    for actor in (person, token):
        with django_assert_num_queries(1):
            found = pending.own(rows=rows, actor=actor)
        assert [row.pk in found for row in rows] == [True, True, False, False, False]
