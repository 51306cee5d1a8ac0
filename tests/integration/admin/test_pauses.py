"""Staff end the pauses of a target through the verb."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from publishing import lanes
from publishing.models import Target
from tests import factories
from tests.integration.admin.test_decisions import decide, told

pytestmark = pytest.mark.django_db


def test_a_target_is_tried_again_now(staff, world):
    target = factories.make_target(client=world.client)
    placement = factories.make_placement(target=target, instance=world.instance)
    lanes.wait_until(lane_id=placement.lane_id, seconds=3600)
    assert "is tried again" in told(decide(staff, Target, "resume", target))
    assert lanes.is_open(lane_id=placement.lane_id)
    assert AuditEvent.objects.get(action="target.resume").door == "admin"
