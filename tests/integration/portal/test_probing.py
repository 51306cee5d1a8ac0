"""A provider is tried from a target's page while nothing is held in the database."""

from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from publishing.adapters.memory import Memory
from tenancy.policy import Role
from tests import factories
from tests.integration.admin.rooms import browser_of


@pytest.mark.django_db(transaction=True)
def test_the_provider_is_asked_outside_of_a_transaction(monkeypatch):
    client = factories.make_client()
    placement = factories.make_placement(target=factories.make_target(client=client))
    account, held = factories.make_user(), []
    factories.make_actor(user=account, roles={client: Role.ADMINISTRATOR})
    monkeypatch.setattr(Memory, "probe", lambda *_, **__: held.append(connection.in_atomic_block) or [])
    address = reverse("portal:target_test", kwargs={"client": client.slug, "target": placement.target.pk})
    assert browser_of(account).post(address).status_code == 200
    assert held == [False]
