"""The number of tries is the number of calls the provider saw, at every door; what it postponed is no failure."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from audit.models import AuditEvent
from publishing import deliveries
from publishing.models import Delivery, DeliveryAttempt, Lane
from tests import factories
from tests.factories.acting import AT
from tests.faults.world import pass_time
from tests.integration.admin.rooms import browser_of
from tests.integration.gateway.conftest import Caller

BEFORE = "0003_unreadable_places"


def die(**_):
    raise KeyboardInterrupt


@pytest.fixture
def tried(world, monkeypatch):
    """Postponed by the provider, not taken, sent by a worker that died, delivered: four calls."""
    world.provider.script(world.place, {"status": 429, "headers": {"Retry-After": "60"}}, {"status": 503})
    world.publish("one")
    world.carry()
    pass_time(61)
    world.carry()
    pass_time(61)
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            world.carry()
    Lane.objects.update(owner="dead", leased_until=AT)  # a process that dies gives nothing back
    world.carry()
    assert (world.states(), len(world.keys())) == (["delivered"], 4)
    return Delivery.objects.get()


def test_every_call_is_a_try_and_only_what_failed_counts_towards_the_limit(tried):
    assert (tried.tries, tried.failed_tries, tried.crashes) == (4, 1, 1)
    assert list(tried.attempts.values_list("number", "outcome")) == [
        (1, "try_again"),
        (2, "try_again"),
        (4, "delivered"),
    ]
    assert AuditEvent.objects.get(action="delivery.deliver").metadata["tries"] == 4


def test_the_api_the_portal_and_the_staff_are_told_the_same_number(tried, settings):
    settings.SECURE_SSL_REDIRECT = False
    _, token = factories.make_token(scopes=("read",), superuser=True)
    assert Caller(token).get(f"deliveries/{tried.pk}").json()["tries"] == 4
    browser = browser_of(factories.make_user(superuser=True))
    where = {"client": tried.placement.target.client.slug, "instance": tried.placement.instance_id}
    for page in (
        reverse("portal:activity", kwargs=where),
        reverse("portal:publication", kwargs={**where, "ordinal": 1}),
    ):
        assert "4 tries" in browser.get(page).content.decode()
    staff = browser.get(reverse(f"admin:{Delivery._meta.app_label}_delivery_changelist")).content.decode()
    assert re.search(r"field-tries[^>]*>\s*4\s*<", staff)


@pytest.mark.django_db(transaction=True)
def test_deliveries_of_an_older_release_are_counted_anew(world):
    world.provider.script(world.place, {"status": 503})
    world.publish("one")
    world.carry()
    pass_time(61)
    world.carry()
    assert DeliveryAttempt.objects.count() == 2
    app = Delivery._meta.app_label
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes(app)
    executor.migrate([(app, BEFORE)])
    try:
        older = MigrationExecutor(connection).loader.project_state([(app, BEFORE)]).apps.get_model(app, "Delivery")
        assert older.objects.get().tries == 1, "it counted failures"
    finally:
        MigrationExecutor(connection).migrate(newest)
    row = Delivery.objects.get()
    assert (row.tries, row.failed_tries) == (2, 1)
