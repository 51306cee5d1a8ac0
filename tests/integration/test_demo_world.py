"""The demo world as it stands, built once for all that is looked at here."""

from __future__ import annotations

import json
import shutil
import stat

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser
from django.test import override_settings

from audit import chain
from audit.models import AuditEvent, AuditLink
from foundation import triggers
from foundation.actors import Door, system
from prompthub_kernel.errors import Invalid, Refused
from publishing.adapters import memory
from registry import bundles, channels, packs, releases, reviews
from tenancy import tokens
from tests.factories.acting import AT
from tests.once import undone

ALLOWED = {"PROMPTHUB_EGRESS_ALLOW": frozenset({"127.0.0.1:8090"})}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture(scope="module")
def _built(folder, django_db_setup, django_db_blocker):
    with undone(django_db_blocker), override_settings(STATE_DIR=folder, **ALLOWED):
        call_command("demo", verbosity=0)
        yield


@pytest.fixture
def state(_built, folder, db, settings, tmp_path):
    """The state directory of the built world, a copy for each test."""
    settings.STATE_DIR = tmp_path / "state"
    settings.PROMPTHUB_EGRESS_ALLOW = ALLOWED["PROMPTHUB_EGRESS_ALLOW"]
    shutil.copytree(folder, settings.STATE_DIR)
    memory.clear()
    return settings.STATE_DIR


def test_a_person_can_sign_in_and_a_program_can_call(state):
    kept = json.loads((state / "demo.json").read_text())
    browser = Browser(headers={"host": "localhost"})
    given = {"username": kept["login"], "password": kept["password"], "next": "/admin/"}
    assert "Overview" in browser.post("/admin/login/", given, follow=True).content.decode()
    actor = tokens.authenticate(presented=kept["token"], at=AT)
    assert actor.account.get_username() == "service:walk"


def test_only_the_owner_may_read_what_is_kept(state):
    for name in ("demo.json", "welcome.txt"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600


def test_building_it_again_changes_nothing(state):
    before = AuditEvent.objects.count(), (state / "demo.json").read_text()
    call_command("demo", verbosity=0)
    assert (AuditEvent.objects.count(), (state / "demo.json").read_text()) == before


def test_the_registry_shows_what_a_person_should_meet_first(state):
    by = system()

    def bundle(name, project="local"):
        return bundles.get(repository=project, slug=name, actor=by)

    coach = packs.active(pack=bundle("coach"), actor=by)
    assert coach.release.version == "1.1.0"
    assert [mark.kind for mark in releases.marks(release=coach.release)] == ["retire"]
    assert packs.rollback(pack=bundle("coach"), by=by, at=AT).channel.release.version == "1.0.0"
    stable = channels.get(bundle=bundle("support"), name="stable", actor=by)
    assert [move.release.version for move in channels.history(channel=stable)] == ["1.0.0", "1.0.1", "1.0.0"]
    assert channels.get(bundle=bundle("support"), name="production", actor=by).policy == "locked"
    [proposal] = reviews.queue(actor=by)
    assert (proposal.by_label, proposal.release.version) == ("operator", "1.1.0")
    assert channels.get(bundle=bundle("onboarding"), name="beta", actor=by).split_percent == 20
    with pytest.raises(Invalid) as conflict:
        releases.plan(bundle=bundle("campaign"), version="1.0.0", actor=by)
    assert conflict.value.code == "422.dependency_unsatisfiable"
    assert "@local/onboarding" in conflict.value.detail
    assert bundle("courtesy", "library").project.visibility == "public"


def test_whoever_proposed_what_waits_cannot_approve_it_and_the_demos_person_can(state):
    people = {name: get_user_model().objects.get(username=name) for name in ("operator", "demo")}
    actors = {name: tokens.actor_for(account, door=Door.PORTAL) for name, account in people.items()}
    [proposal] = reviews.queue(actor=system())
    with pytest.raises(Refused):
        reviews.approve(proposal=proposal, revision=1, by=actors["operator"], at=AT)
    assert reviews.approve(proposal=proposal, revision=1, by=actors["demo"], at=AT).state == "active"


def test_a_lost_file_gives_a_new_password_and_token(state):
    old = json.loads((state / "demo.json").read_text())
    (state / "demo.json").unlink()
    call_command("demo", verbosity=0)
    new = json.loads((state / "demo.json").read_text())
    account = get_user_model().objects.get(username="demo")
    assert (account.check_password(old["password"]), account.check_password(new["password"])) == (False, True)
    assert tokens.authenticate(presented=new["token"], at=AT).scopes


def test_verify_audit_asks_by_the_thousand(state, monkeypatch, django_assert_max_num_queries):
    while chain.extend(at=AT):
        pass
    monkeypatch.setattr(chain, "STEP", 10)
    steps = AuditLink.objects.count() // 10 + 1
    with django_assert_max_num_queries(2 * steps + 2):
        proof = chain.verify()
    assert (proof.broken, proof.linked) == ((), AuditEvent.objects.count())


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE prompthub_audit_auditevent SET action = 'client.erase' WHERE id = {event}", "was changed"),
        ("DELETE FROM prompthub_audit_auditevent WHERE id = {event}", "is missing"),
        ("DELETE FROM prompthub_audit_auditlink WHERE seq = {link}", "is missing"),
        ("UPDATE prompthub_audit_auditlink SET hash = 'sha256:0' WHERE seq = {link}", "does not follow"),
    ],
)
def test_verify_audit_sees_what_was_changed_past_the_triggers(state, statement, said):
    while chain.extend(at=AT):
        pass
    link = AuditLink.objects.order_by("seq")[4]
    triggers.remove()
    with connection.cursor() as cursor:
        cursor.execute(statement.format(event=link.event_id, link=link.seq))
    triggers.install()
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit")
    assert said in str(refused.value)
