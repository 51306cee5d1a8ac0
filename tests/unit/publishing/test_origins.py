"""Stored credentials stay with the hosts they were given for, whoever changes the settings."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.errors import Invalid
from publishing import targets
from publishing.models import Target
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
KEYS = {
    "n8n": {"api_key": "n8n-api-key"},
    "retell": {"api_key": "retell-api-key"},
    "webhook": {"signing_secret": SECRET, "read_token": "read-token-5512"},
}
NEEDED = {"n8n": "api_key", "retell": "api_key", "webhook": "signing_secret"}
HOOK = {"url": "https://hooks.example.com/in"}
READ = {**HOOK, "read_url": "https://reads.example.com/out"}
MOVED = [
    ("n8n", {"base_url": "https://n8n.example.com"}, {"base_url": "https://elsewhere.example.com"}),
    ("n8n", {"base_url": "https://n8n.example.com"}, {"base_url": "https://n8n.example.com:8443"}),
    ("n8n", {"base_url": "https://n8n.example.com"}, {"base_url": "https://n8n.example.com.elsewhere.example"}),
    ("retell", {}, {"base_url": "https://elsewhere.example.com"}),
    ("retell", {"base_url": "https://retell.example.com"}, {}),
    ("webhook", HOOK, {"url": "https://elsewhere.example.com/in"}),
    ("webhook", HOOK, {**HOOK, "read_url": "https://elsewhere.example.com/out"}),
    ("webhook", HOOK, {**HOOK, "read_url": "https://hooks.example.com/{name}"}),
    ("webhook", READ, {**READ, "read_url": "https://hooks.example.com/out"}),
    ("webhook", READ, {**READ, "url": "https://reads.example.com/in"}),
    ("webhook", READ, {"url": "https://reads.example.com/in", "read_url": "https://hooks.example.com/out"}),
]
STAYED = [
    ("n8n", {"base_url": "https://n8n.example.com"}, {"base_url": "https://N8N.example.com:443/path"}),
    ("retell", {}, {"base_url": "https://api.retellai.com"}),
    ("webhook", HOOK, {"url": "https://hooks.example.com/other"}),
    ("webhook", READ, {"url": "https://hooks.example.com/other", "read_url": "https://reads.example.com/{name}"}),
    ("webhook", READ, HOOK),
]


def make(adapter, settings):
    return factories.make_target(adapter=adapter, settings=settings, credentials=KEYS[adapter])


def change(target, settings, **given):
    return targets.change(target=target, settings=settings, by=SYSTEM, at=AT, **given)


def stored(target):
    row = Target.objects.get(pk=target.pk)
    return row.settings, row.credential_values


@pytest.mark.parametrize("given", [{}, {"credentials": None}, {"credentials": {}}])
@pytest.mark.parametrize(("adapter", "before", "after"), MOVED)
def test_another_host_needs_the_credentials_anew(adapter, before, after, given):
    target = make(adapter, before)
    with pytest.raises(Invalid) as refusal:
        change(target, after, **given)
    assert refusal.value.code == "422.request_invalid"
    [problem] = refusal.value.problems
    assert (problem.pointer, problem.code) == (f"/credentials/{NEEDED[adapter]}", "required")
    assert stored(target) == (before, KEYS[adapter])
    assert not AuditEvent.objects.filter(action="target.change").exists()


@pytest.mark.parametrize(("adapter", "before", "after"), MOVED)
def test_with_the_credentials_anew_it_moves_and_keeps_none_of_the_old(adapter, before, after):
    target, fresh = make(adapter, before), {NEEDED[adapter]: SECRET.replace("c2V", "d2V")}
    change(target, after, credentials=fresh)
    assert stored(target) == (after, fresh)
    assert AuditEvent.objects.filter(action__in=["target.change", "target.credentials.rotate"]).count() == 2


@pytest.mark.parametrize(("adapter", "before", "after"), STAYED)
def test_within_the_same_hosts_the_credentials_stay(adapter, before, after):
    target = make(adapter, before)
    change(target, after)
    assert stored(target) == (after, KEYS[adapter])


def test_credentials_that_the_contract_does_not_allow_change_nothing():
    target = make("n8n", {"base_url": "https://n8n.example.com"})
    with pytest.raises(Invalid) as refusal:
        change(target, {"base_url": "https://elsewhere.example.com"}, credentials={"key": "x"})
    assert {problem.pointer.split("/")[1] for problem in refusal.value.problems} == {"credentials"}
    assert stored(target) == ({"base_url": "https://n8n.example.com"}, KEYS["n8n"])


def test_where_none_are_stored_there_is_nothing_to_give():
    target = factories.make_target(adapter="memory")
    change(target, {"fail": ["refused"]})
    assert stored(target) == ({"fail": ["refused"]}, {})


def test_a_token_whose_address_was_taken_away_is_sent_nowhere_by_the_next_change():
    target = make("webhook", READ)
    without = change(target, HOOK)
    with pytest.raises(Invalid) as refusal:
        change(without, {**HOOK, "read_url": "https://hooks.example.com/out"})
    assert refusal.value.code == "422.request_invalid"
    assert stored(target) == (HOOK, KEYS["webhook"])
    assert AuditEvent.objects.filter(action="target.change").count() == 1


@pytest.mark.parametrize("read_url", ["https://hooks.example.com/{name}", "https://elsewhere.example.com/out"])
def test_where_no_token_is_stored_any_address_may_be_read(read_url):
    signing = {"signing_secret": SECRET}
    target = factories.make_target(adapter="webhook", settings=HOOK, credentials=signing)
    change(target, {**HOOK, "read_url": read_url})
    assert stored(target) == ({**HOOK, "read_url": read_url}, signing)
    assert AuditEvent.objects.get(action="target.change").subject_id == str(target.pk)
