"""Whose hands an actor has: nobody approves what their own, or their tokens', asked for."""

from __future__ import annotations

import pytest

from registry import pending, reviews
from registry.models import Activation
from tenancy import tokens
from tenancy.models import ServiceToken
from tests.factories import make_actor, make_release, make_token, make_user
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel, some_token
from tests.unit.registry.moving import refused

pytestmark = pytest.mark.django_db


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
