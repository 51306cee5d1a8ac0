"""Settings that lead to another host, at the staff's door."""

from __future__ import annotations

import pytest

from publishing.models import Target
from tests import factories
from tests.integration.admin.test_decisions import decide, wrong

pytestmark = pytest.mark.django_db


def test_settings_that_lead_to_another_host_need_the_credentials_anew(staff, world):
    target = factories.make_target(
        client=world.client,
        adapter="n8n",
        settings={"base_url": "https://n8n.example.com"},
        credentials={"api_key": "stored-key"},
    )
    moved = {"settings": '{"base_url": "https://elsewhere.example.com"}'}
    page = decide(staff, Target, "change_settings", target, **moved)
    assert "are not sent there" in str(wrong(page)["credentials"])
    decide(staff, Target, "change_settings", target, **moved, credentials='{"api_key": "fresh-key"}')
    target.refresh_from_db()
    assert target.settings == {"base_url": "https://elsewhere.example.com"}
    assert target.credential_values == {"api_key": "fresh-key"}
