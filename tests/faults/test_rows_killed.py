"""Rows 2, 3, 4 and 33 with real processes: each dies, or is told to stop, at one exact point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection

from instances.models import Publication
from publishing import deliveries
from publishing.models import Delivery
from tests.faults.dying import POINTS
from tests.faults.publishers import Publishers
from tests.faults.rig import ROOT, Rig
from tests.faults.world import pass_time

pytestmark = [pytest.mark.faults, pytest.mark.slow]
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dying(provider):
    """``dying("before_the_call", id)``: run a process on the test's database until it dies there."""

    def run(point, key):
        assert point in {act.__name__ for act in POINTS}
        name = connection.settings_dict["NAME"]
        address = os.environ.get("DATABASE_URL", "sqlite://")
        address = address.rpartition("/")[0] + f"/{name}" if connection.vendor == "postgresql" else f"sqlite:///{name}"
        environment = os.environ | {
            "DATABASE_URL": address,
            "PROMPTHUB_EGRESS_ALLOW": provider.address,
            "PROMPTHUB_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "tests.faults.dying", point, str(key)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]

    return run


@committed
def test_killed_before_the_commit_nothing_was_published(world, dying):
    world.write("one")
    dying("before_the_commit", world.instance.id)
    assert not Publication.objects.exists()
    assert not Delivery.objects.exists()
    assert world.publish("two").publication.ordinal == 1


@committed
def test_row_02_killed_between_commit_and_bell_the_sweep_delivers(world, dying, rings):
    world.write("one")
    dying("before_the_bell", world.instance.id)
    rings.clear()
    assert deliveries.sweep() == 1
    assert rings == [world.placement.lane_id]
    world.carry()
    assert (world.states(), world.runs()) == (["delivered"], "one")


@committed
@pytest.mark.parametrize(("point", "sends"), [("before_the_call", 1), ("before_the_result", 2)])
def test_rows_03_and_04_a_killed_worker_is_replaced_and_its_key_used_again(world, dying, settings, point, sends):
    world.publish("one")
    dying(point, world.placement.lane_id)
    assert world.states() == ["sending"]
    assert world.carry() == 0
    pass_time(settings.PUBLISHING["lease_seconds"])
    world.carry()
    assert (world.states(), world.runs()) == (["delivered"], "one")
    assert (len(world.keys()), len(set(world.keys()))) == (sends, 1)


@pytest.mark.sqlite
def test_row_33_a_server_told_to_stop_while_a_provider_hangs_ends_in_time_and_loses_nothing():
    with Rig("sqlite", chance=0.0, prompts=1) as rig:
        rig.tell(0, "always", {"ends": "hang_after", "seconds": 60})
        publishers = Publishers(rig, 1)
        publishers.start()
        publishers.finish()
        while not rig.ledger(0):
            time.sleep(0.01)
        [web] = rig.those("web")
        serving, began = web.process, time.monotonic()
        web.signal(signal.SIGTERM)
        assert serving.wait(12) == 0
        assert time.monotonic() - began < 10
        rig.tell(0, "always", {})
        assert rig.ask("drain")["open"] == 0
        assert {line["key"] for line in rig.ledger(0)} == {rig.ledger(0)[0]["key"]}
        assert {row[4] for row in rig.ask("census")["deliveries"]} == {"delivered"}
