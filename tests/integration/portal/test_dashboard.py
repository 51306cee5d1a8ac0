"""How things stand: counted honestly, and only what the person may see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.actors import system
from instances import drafts
from portal.presenters import dashboard
from publishing import deliveries, publish
from tenancy import policy
from tests import factories
from tests.factories.acting import AT, SYSTEM
from tests.integration.admin.rooms import build


def standing(actor=None, at=AT):
    return dashboard.standing_of(actor=actor or system(), at=at)


def told(chart):
    """Label and outcome of every bar."""
    return {(stack.label, bar.outcome): bar.count for stack in chart.stacks for bar in stack.bars}


@pytest.fixture
def world(db):
    """Made for each test that wants one: others here count everything there is."""
    return build()


@pytest.fixture
def three(db):
    """One publication that arrived, one on its way, one that was given up."""
    made = []
    for outcome in ("delivered", None, "refused"):
        placement = factories.make_placement()
        delivery = factories.make_delivery(placement=placement)
        if outcome is not None:
            factories.make_attempt(delivery=delivery, outcome=outcome)
        made.append(delivery)
    return made


def test_publications_are_counted_once_by_day_and_outcome(three):
    assert told(standing().days) == {
        ("01-05", "delivered"): 1,
        ("01-05", "under_way"): 1,
        ("01-05", "given_up"): 1,
    }


def test_a_publication_without_a_target_goes_nowhere_and_says_so(db):
    publish.publish(instance=factories.make_instance(), by=SYSTEM, at=AT)
    assert told(standing().days) == {("01-05", "nowhere"): 1}


def test_one_that_was_given_up_and_replayed_counts_as_what_became_of_it(three):
    again = deliveries.replay(delivery=three[2], by=SYSTEM, at=AT)
    factories.make_attempt(delivery=again)
    assert ("01-05", "given_up") not in told(standing().days)
    assert told(standing().days)["01-05", "delivered"] == 2
    assert next(figure.value for figure in standing().figures if "given up" in figure.label) == 0


def test_what_is_older_than_the_days_shown_is_not_counted(three):
    assert standing(at=AT + timedelta(days=13)).days.stacks[0].total == 3
    assert standing(at=AT + timedelta(days=14)).days.empty
    assert standing(at=AT + timedelta(days=14)).targets.empty


def test_targets_are_named_with_their_client_busiest_first(db):
    busy = factories.make_target(name="busy")
    for _ in range(2):
        factories.make_delivery(
            placement=factories.make_placement(instance=factories.make_instance(client=busy.client), target=busy)
        )
    factories.make_delivery()
    chart = standing().targets
    assert chart.stacks[0].label == "Acme: busy"
    assert [stack.total for stack in chart.stacks] == [2, 1]
    assert chart.stacks[0].bars[0].width == 2 * chart.stacks[1].bars[0].width


def test_too_many_targets_are_counted_not_drawn(db, monkeypatch):
    monkeypatch.setattr(dashboard, "TARGETS", 1)
    factories.make_delivery()
    factories.make_delivery()
    found = standing()
    assert len(found.targets.stacks) == 1
    assert found.more_targets == 1


def test_the_oldest_undelivered_comes_first_with_its_age(three):
    [waiting] = standing(at=AT + timedelta(hours=5, minutes=9)).waiting
    assert waiting.delivery == three[1]
    assert (waiting.age, str(waiting.state.label)) == ("5 h", "waiting")


@pytest.mark.parametrize(
    ("waited", "words"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=47), "1 d"),
        (timedelta(days=3), "3 d"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(waited, words):
    assert dashboard.age(waited) == words


def test_a_stranger_sees_nothing_of_it(three):
    stranger = factories.make_actor()
    found = standing(actor=stranger)
    assert found.days.empty
    assert found.targets.empty
    assert found.waiting == []
    assert [figure.value for figure in found.figures] == [0, 0, 0, 0]


def test_an_operator_sees_their_client_alone(three):
    client = three[0].placement.instance.client
    found = standing(actor=factories.make_actor(roles={client: policy.Role.VIEWER}))
    assert told(found.days) == {("01-05", "delivered"): 1}


def test_the_page_draws_it_and_gives_the_numbers_as_a_table(operator, world, monkeypatch):
    from django.utils import timezone

    monkeypatch.setattr(timezone, "now", lambda: AT + timedelta(days=1))
    html = operator.get("/").content.decode()
    assert 'class="ph-bar ph-bar-given_up"' not in html
    assert '<rect class="ph-bar ph-bar-' in html
    assert '<th scope="row">01-05</th>' in html
    assert "The numbers" in html
    assert "Not delivered yet" in html


def test_an_empty_house_says_what_to_do(signed_in):
    html = signed_in(None).get("/").content.decode()
    assert "Nothing was published in these days." in html
    assert "Everything that was published has arrived." in html


def test_archived_prompts_are_not_counted_as_active(db):
    instance = factories.make_instance()
    publish.publish(instance=instance, by=SYSTEM, at=AT)
    drafts.archive(instance=instance, by=SYSTEM, at=AT)
    assert standing().figures[0].value == 0
