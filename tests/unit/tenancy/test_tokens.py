"""Service tokens: issued once, checked in constant time, useless once revoked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.models import AuditEvent
from foundation.actors import ActorKind
from prompthub_kernel.errors import Invalid, NotFound, Refused
from tenancy import tokens
from tenancy.models import ServiceToken
from tests.factories import make_actor, make_client, make_token

pytestmark = pytest.mark.django_db


def test_issue_stores_only_the_digest_and_records_it(at):
    token, secret = make_token(scopes=["read", "publish"])
    assert tokens.FORM.match(secret)
    stored = ServiceToken.objects.values().get(pk=token.pk)
    assert secret.split("_", 2)[2] not in str(stored)
    event = AuditEvent.objects.get(action="token.issue", subject_id=str(token.id))
    assert event.metadata == {"scopes": ["publish", "read"]}
    assert secret not in str(vars(event))


def test_authenticate_gives_the_actor_with_its_limits(at):
    client = make_client()
    token, secret = make_token(scopes=["read"], clients=[client.slug])
    actor = tokens.authenticate(presented=secret, at=at)
    assert (actor.kind, actor.id, actor.scopes) == (ActorKind.TOKEN, str(token.id), frozenset({"read"}))
    assert (actor.clients, actor.projects) == (frozenset({client.slug}), None)
    assert actor.account == token.account


@pytest.mark.parametrize("broken", ["", "phub_", "phub_x_y", "Bearer", "phub_000000000000_" + "A" * 43])
def test_a_token_nobody_issued_is_refused(broken, at):
    with pytest.raises(Refused) as refused:
        tokens.authenticate(presented=broken, at=at)
    assert refused.value.code == "401.not_authenticated"


def test_a_right_prefix_with_a_wrong_secret_is_refused_in_the_same_words(at):
    _, secret = make_token()
    with pytest.raises(Refused) as wrong:
        tokens.authenticate(presented=secret[:-1] + ("A" if secret[-1] != "A" else "B"), at=at)
    with pytest.raises(Refused) as unknown:
        tokens.authenticate(presented="phub_000000000000_" + "A" * 43, at=at)
    assert wrong.value.detail == unknown.value.detail


def test_a_revoked_token_is_useless_and_revoking_twice_is_recorded_once(at, system):
    token, secret = make_token()
    tokens.revoke(token=token, by=system, at=at)
    tokens.revoke(token=token, by=system, at=at)
    with pytest.raises(Refused):
        tokens.authenticate(presented=secret, at=at)
    assert AuditEvent.objects.filter(action="token.revoke", subject_id=str(token.id)).count() == 1


def test_an_expired_token_is_useless_from_the_moment_on(at):
    _, secret = make_token(expires_at=at + timedelta(hours=1))
    assert tokens.authenticate(presented=secret, at=at + timedelta(minutes=59))
    with pytest.raises(Refused):
        tokens.authenticate(presented=secret, at=at + timedelta(hours=1))


def test_a_token_of_an_inactive_account_is_useless(at):
    token, secret = make_token()
    token.account.is_active = False
    token.account.save()
    with pytest.raises(Refused):
        tokens.authenticate(presented=secret, at=at)


def test_last_use_is_written_once_a_minute(at):
    token, secret = make_token()
    for seconds, expected in ((0, 0), (30, 0), (61, 61)):
        tokens.authenticate(presented=secret, at=at + timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == at + timedelta(seconds=expected)


def test_an_expiry_in_the_past_is_refused(at):
    with pytest.raises(Invalid) as refused:
        make_token(expires_at=at)
    assert refused.value.problems[0].pointer == "/expires_at"


def test_a_token_cannot_issue_one_with_more_scopes_than_its_own(at):
    chief = replace(make_actor(superuser=True), scopes=frozenset({"admin"}))
    account = tokens.service_account(name="other")
    assert tokens.issue(name="narrow", account=account, scopes=["admin"], by=chief, at=at)
    with pytest.raises(Refused):
        tokens.issue(name="wide", account=account, scopes=["admin", "reveal"], by=chief, at=at)
    assert not ServiceToken.objects.filter(name="wide").exists()


def test_tokens_are_for_administrators_of_the_installation(at):
    token, _ = make_token()
    chief, stranger = make_actor(superuser=True), make_actor()
    assert tokens.get(key=token.pk, actor=chief) == token
    assert list(tokens.listing(actor=chief)) == [token]
    for refused in (lambda: tokens.get(key=token.pk, actor=stranger), lambda: tokens.listing(actor=stranger)):
        with pytest.raises(Refused):
            refused()
    with pytest.raises(NotFound):
        tokens.get(key="01980000-0000-7000-8000-000000000000", actor=chief)


def test_a_service_account_is_made_once_and_has_no_password():
    first, second = tokens.service_account(name="n8n"), tokens.service_account(name="n8n")
    assert first.pk == second.pk
    assert not first.has_usable_password()
