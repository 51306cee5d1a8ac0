"""What was published with a secret is sent with it; what an upgrade knows of secrets that nobody kept before."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from instances import drafts, versions
from instances.models import PromptInstance, PublishedSecrets
from prompthub_kernel.errors import Conflict
from publishing import courier, drift, publish
from publishing.adapters import memory
from publishing.models import Delivery, Drift
from tests.factories import make_instance, make_placement, make_template_version
from tests.factories.acting import AT, SYSTEM
from tests.faults.world import pass_time, place_of

APP = PromptInstance._meta.app_label
BEFORE, MADE = "0001_initial", "0002_published_secrets"
OLD, NEW = "kumquat-7319-zebra", "tamarind-8820-okapi"
KEYED = {"properties": {"key": {"type": "string", "x-secret": True}}}


def placed(slot):
    template = make_template_version(content_md="Use {{ key }}.", variables_schema=KEYED)
    instance = make_instance(template_version=template, variables={"key": OLD})
    placement = make_placement(instance=instance, location={"slot": slot})
    publish.publish(instance=instance, by=SYSTEM, at=AT)
    courier.deliver(lane_id=placement.lane_id, by=SYSTEM)
    return placement


def change(placement, secret=NEW):
    row = drafts.get(key=placement.instance_id, actor=SYSTEM)
    return drafts.edit(instance=row, revision=row.revision, variables={"key": secret}, by=SYSTEM, at=AT)


def test_every_try_carries_the_same_bytes_whatever_becomes_of_the_secret_meanwhile(world):
    template = make_template_version(content_md="Use {{ key }}.", variables_schema=KEYED)
    prompt = make_instance(client=world.client, template_version=template, variables={"key": OLD})
    placement = world.put(prompt)
    world.provider.script(place_of(placement), {"status": 503}, {"status": 503})
    publish.publish(instance=prompt, by=SYSTEM, at=AT)
    for secret in (NEW, None, NEW):
        world.carry(placement)
        change(placement, secret)
        pass_time(61)
    sent = [request.body for request in world.provider.requests if request.method == "POST"]
    assert (len(sent), len(set(sent)), len(set(world.keys(placement)))) == (3, 1, 1)
    assert (world.states(placement), world.runs(placement)) == (["delivered"], f"Use {OLD}.")


@pytest.fixture
def settled(monkeypatch):
    memory.clear()
    monkeypatch.setattr(drift, "_settled", lambda newest, *_: newest.state == "delivered")


@pytest.mark.django_db(transaction=True)
def test_an_upgrade_keeps_the_secrets_that_the_draft_still_has(settled):
    same, changed = placed("same"), placed("changed")
    change(changed)
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes(APP)
    MigrationExecutor(connection).migrate([(APP, BEFORE)])
    MigrationExecutor(connection).migrate(newest)
    [kept] = PublishedSecrets.objects.all()
    assert (kept.instance_id, kept.secret_revision, kept.values) == (same.instance_id, 1, {"key": OLD})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT sealed_values FROM {PublishedSecrets._meta.db_table}")
        assert OLD not in cursor.fetchone()[0]
    MigrationExecutor(connection).migrate([(APP, MADE)])
    MigrationExecutor(connection).migrate(newest)
    assert PublishedSecrets.objects.count() == 1, "run again, it keeps nothing twice"


@pytest.fixture
def unknown(settled, db):
    """A place whose text was published, with a secret that nobody kept, by an older release."""
    placement = placed("here")
    PublishedSecrets.objects.all().delete()
    return placement


def test_what_an_older_release_publishes_meanwhile_is_sent_and_compared(unknown):
    publication = Delivery.objects.get().publication
    assert versions.reveal(version=publication.version, publication=publication, by=SYSTEM, at=AT) == f"Use {OLD}."
    assert drift.check(placement=unknown, by=SYSTEM, at=AT) is None
    assert not Drift.objects.exists()


def test_what_is_not_known_is_not_compared_and_the_place_says_so_until_it_is_published_again(unknown):
    change(unknown)
    for _ in range(2):
        assert drift.check_all(by=SYSTEM, at=AT) == 0
        unknown.refresh_from_db()
        assert "cannot be compared until it is published again" in unknown.unreadable_reason
    publish.publish(instance=drafts.get(key=unknown.instance_id, actor=SYSTEM), by=SYSTEM, at=AT)
    courier.deliver(lane_id=unknown.lane_id, by=SYSTEM)
    assert drift.check(placement=unknown, by=SYSTEM, at=AT) is None
    unknown.refresh_from_db()
    assert unknown.unreadable_reason == ""


def test_a_drift_from_before_is_masked_as_a_whole_and_not_taken_over(unknown):
    memory.slots["here"].text = f"Rather use {OLD}."
    found = drift.check(placement=unknown, by=SYSTEM, at=AT)
    change(unknown)
    found = drift.get(key=found.pk, actor=SYSTEM)
    assert drift.masked(text=found.observed, publication=found.delivery.publication) == "[redacted]"
    with pytest.raises(Conflict, match="not known"):
        drift.adopt(drift=found, revision=found.placement.instance.revision, by=SYSTEM, at=AT)
