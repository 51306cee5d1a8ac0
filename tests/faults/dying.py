"""A process that dies, as by ``kill -9``, at one exact point: ``python -m tests.faults.dying <point> <id>``.

It runs on the database of the test that starts it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import django


def die(*_: Any, **__: Any) -> NoReturn:
    """Like ``kill -9``: nothing is closed, nothing is told."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def before_the_commit(instance: str) -> None:
    """Publish, and die when all rows are written and the transaction is still open."""
    from publishing import publish

    publish.events.record = _dying_after(publish.events.record, action="instance.publish")
    _publish(instance)


def before_the_bell(instance: str) -> None:
    """Publish, and die after the commit, before anybody is told."""
    from publishing import bell

    bell.ring = die
    _publish(instance)


def before_the_call(lane: str) -> None:
    """Take what is due on a lane, and die before it is sent."""
    from publishing import adapters

    adapters.REGISTRY["webhook"].send = die  # type: ignore[method-assign]
    _deliver(lane)


def before_the_result(lane: str) -> None:
    """Send what is due on a lane, and die when the provider has it, before that is written down."""
    from publishing import deliveries

    deliveries.settle = die
    _deliver(lane)


POINTS = (before_the_commit, before_the_bell, before_the_call, before_the_result)


def _publish(instance: str) -> None:
    from instances import drafts
    from publishing.publish import publish
    from tests.factories.acting import AT, SYSTEM

    publish(instance=drafts.get(key=instance, actor=SYSTEM), confirm=True, by=SYSTEM, at=AT)


def _deliver(lane: str) -> None:
    from publishing import courier
    from tests.factories.acting import SYSTEM

    courier.deliver(lane_id=lane, by=SYSTEM)  # type: ignore[arg-type]


def _dying_after(record: Any, *, action: str) -> Any:
    def call(**arguments: Any) -> Any:
        done = record(**arguments)
        if arguments["action"] == action:
            die()
        return done

    return call


if __name__ == "__main__":
    django.setup()
    point, key = sys.argv[1:]
    {act.__name__: act for act in POINTS}[point](key)
