"""Many deliveries sent again at once: each on its own, and whoever else does the same waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from audit.models import AuditEvent
from prompthub_kernel.errors import Refused
from publishing import replays
from publishing.adapters import memory
from publishing.models import Delivery
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db
MANY = 12


@pytest.fixture(autouse=True)
def _empty():
    memory.clear()
    yield
    memory.clear()


def bury():
    delivery = factories.make_delivery()
    factories.make_attempt(delivery=delivery, outcome="refused")
    return Delivery.objects.select_related("placement__instance__client", "publication").get(pk=delivery.pk)


def actor(roles):
    return factories.make_actor(user=factories.make_user(), roles=roles)


def owner(delivery):
    return delivery.placement.instance.client


def test_what_one_may_not_replay_says_so_and_the_rest_is_replayed():
    mine, theirs = bury(), bury()
    by = actor({owner(mine): "publisher", owner(theirs): "viewer"})
    answers = replays.replay_many(deliveries=[theirs, mine], by=by, at=AT)
    assert [old for old, _, _ in answers] == [theirs, mine]
    assert [new is not None for _, new, _ in answers] == [False, True]
    assert "permission 'publish'" in answers[0][2]
    assert list(Delivery.objects.exclude(replay_of=None).values_list("replay_of", flat=True)) == [mine.pk]
    assert AuditEvent.objects.filter(action="delivery.replay").count() == 1


def test_who_may_replay_none_of_them_is_refused():
    first, second = bury(), bury()
    by = actor({owner(first): "viewer", owner(second): "viewer"})
    with pytest.raises(Refused, match="permission 'publish'"):
        replays.replay_many(deliveries=[first, second], by=by, at=AT)
    assert replays.replay_many(deliveries=[], by=by, at=AT) == []
    assert not Delivery.objects.exclude(replay_of=None).exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_ones_replayed_twice_at_once_in_any_order_go_once_each():
    dead = [bury() for _ in range(MANY)]
    together = Barrier(2)

    def run(chosen):
        try:
            together.wait()
            with transaction.atomic():  # the API's, for an Idempotency-Key
                return replays.replay_many(deliveries=chosen, by=SYSTEM, at=AT)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(run, [dead, dead[::-1]])
    assert sorted([sum(new is not None for _, new, _ in answers) for answers in (one, other)]) == [0, MANY]
    assert [old for old, _, _ in other] == dead[::-1]
    assert Delivery.objects.exclude(replay_of=None).count() == MANY
