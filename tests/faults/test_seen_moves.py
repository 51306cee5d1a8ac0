"""What waited when an older release was upgraded: how often its channel was moved was not kept then."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from registry import channels, reviews
from registry.models import Activation
from tests.factories import make_actor, make_release
from tests.factories.acting import AT, SYSTEM
from tests.factories.channel import make_channel

APP = "prompthub_registry"
BEFORE = "0001_initial"


@pytest.mark.django_db(transaction=True)
def test_a_proposal_that_waited_is_about_the_channel_as_it_is_if_that_points_where_it_did():
    asked = {}
    for name in ("still", "moved"):
        channel = make_channel(release="1.0.0")
        for version in ("1.1.0", "1.2.0"):
            make_release(bundle=channel.bundle, version=version)
        channel = channels.activate(channel=channel, to="1.1.0", by=SYSTEM, at=AT).channel
        channel = channels.set_policy(channel=channel, rule="review", by=SYSTEM, at=AT)
        asked[name] = reviews.propose(channel=channel, to="1.2.0", by=make_actor(superuser=True), at=AT)
    moved = channels.set_policy(channel=asked["moved"].channel, rule="live", by=SYSTEM, at=AT)
    channels.activate(channel=moved, to="1.0.0", by=SYSTEM, at=AT)
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes(APP)
    MigrationExecutor(connection).migrate([(APP, BEFORE)])
    MigrationExecutor(connection).migrate(newest)
    seen = {name: Activation.objects.get(pk=row.pk).seen_ordinal for name, row in asked.items()}
    assert seen == {"still": 2, "moved": 0}
    assert set(Activation.objects.filter(state="active").values_list("seen_ordinal", flat=True)) == {0}
