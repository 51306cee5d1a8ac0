"""Our text is put back where the target takes it; where it was given up, what runs there is found again."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from prompthub_kernel.errors import Conflict, Invalid, Problem
from publishing import courier, deliveries, drift
from publishing.adapters import memory
from publishing.models import Delivery, Drift
from publishing.ports import NOT_ASKED, Outcome, ProviderError
from tests.factories import make_delivery, make_placement
from tests.unit.publishing.test_drift import publish_another

pytestmark = pytest.mark.django_db
THEIRS = "Somebody wrote this there."


@pytest.fixture
def placement(system, monkeypatch):
    """A place that holds what was delivered, some time ago, and takes what comes next as ``ends`` says."""
    memory.clear()
    monkeypatch.setattr(drift, "QUIET", drift.QUIET * 0)
    placement = make_placement(location={"slot": "first"})
    make_delivery(placement=placement)
    carry(placement, system)
    return placement


def carry(placement, system):
    courier.deliver(lane_id=placement.lane_id, by=system)


def check(placement, system, at, theirs=None):
    if theirs is not None:
        memory.slots["first"].text = theirs
    return drift.check(placement=placement, by=system, at=at)


def ends(placement, *endings):
    target = placement.target
    target.settings = {"fail": ["ok", *endings]}
    target.save()


def probed(monkeypatch, answer):
    def probe(self, remote, *, wire):
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    monkeypatch.setattr(memory.Memory, "probe", probe)


def actions():
    return list(AuditEvent.objects.filter(action__startswith="drift.").order_by("id").values_list("action", flat=True))


def test_a_target_that_objects_is_told_of_and_nothing_moves(placement, system, at, monkeypatch):
    found = check(placement, system, at, THEIRS)
    probed(monkeypatch, Problem("/location/slot", "expression_protected", "An expression is stored there."))
    with pytest.raises(Invalid) as refused:
        drift.redeliver(drift=found, by=system, at=at)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.code) == ("422.request_invalid", "expression_protected")
    assert problem.pointer == f"/targets/{placement.target_id}/location/slot"
    assert [row.state for row in Delivery.objects.all()] == ["delivered"]
    assert (Drift.objects.get().ended_at, actions()) == (None, ["drift.find"])


@pytest.mark.parametrize(
    "answer",
    [
        Problem("", NOT_ASKED, "Not asked."),
        ProviderError("memory", "away", outcome=Outcome.TRY_AGAIN),
        ProviderError("memory", "perhaps", outcome=Outcome.UNKNOWN),
    ],
)
def test_a_target_that_cannot_be_asked_does_not_object(placement, system, at, monkeypatch, answer):
    found = check(placement, system, at, THEIRS)
    probed(monkeypatch, answer)
    sent = drift.redeliver(drift=found, by=system, at=at)
    assert (sent.state, Drift.objects.get().ended_by, actions()[-1]) == ("pending", "redeliver", "drift.redeliver")


def test_nobody_is_asked_where_nothing_is_sent(placement, system, at, monkeypatch):
    found = check(placement, system, at, THEIRS)
    drift.redeliver(drift=found, by=system, at=at)
    probed(monkeypatch, AssertionError("it was asked"))
    for row in (Drift.objects.get(), found):  # as it is stored, and as it was seen before
        with pytest.raises(Conflict) as refused:
            drift.redeliver(drift=row, by=system, at=at)
        assert refused.value.code == "409.state_conflict"
    assert Delivery.objects.count() == 2


def test_what_runs_there_is_found_again_when_putting_back_was_given_up(placement, system, at):
    found = check(placement, system, at, THEIRS)
    ends(placement, "refused", "refused", "ok")
    drift.redeliver(drift=found, by=system, at=at)
    assert check(placement, system, at) is None, "it is on its way"
    carry(placement, system)
    again = check(placement, system, at)
    assert (again.ended_at, again.observed, again.pk != found.pk) == (None, THEIRS, True)
    assert check(placement, system, at).pk == again.pk
    assert check(placement, system, at, "And this later.").observed == "And this later."
    newest = drift.redeliver(drift=Drift.objects.get(ended_at=None), by=system, at=at)
    carry(placement, system)
    assert [row.state for row in Delivery.objects.order_by("id")] == ["delivered", "buried", "buried"]
    last = check(placement, system, at)
    deliveries.replay(delivery=deliveries.get(key=newest.pk, actor=system), by=system, at=at)
    carry(placement, system)
    last.refresh_from_db()
    assert (last.ended_by, memory.slots["first"].text) == (
        "overwritten",
        last.delivery.publication.version.rendered.text(),
    )
    assert check(placement, system, at) is None
    assert actions() == [
        *("drift.find", "drift.redeliver", "drift.find", "drift.clear", "drift.find"),
        *("drift.redeliver", "drift.find", "drift.clear"),
    ]


def test_a_newer_text_that_was_given_up_tells_nothing_of_what_runs_there(placement, system, at):
    ends(placement, "refused")
    publish_another(placement, system, at)
    assert [row.state for row in Delivery.objects.order_by("id")] == ["delivered", "buried"]
    assert check(placement, system, at, THEIRS) is None
    assert actions() == []
