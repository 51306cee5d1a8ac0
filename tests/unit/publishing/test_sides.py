"""What providers confirmed, as a side of a comparison."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from instances.comparing import Kind, Level
from prompthub_kernel.canonical import sha256_digest
from prompthub_kernel.errors import Invalid, NotFound
from publishing import sides
from publishing.models import Drift, Placement
from tests.factories import make_actor, make_attempt, make_placement

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered():
    return make_attempt().delivery


def drifted(delivery, text, at):
    return Drift.objects.create(
        placement=delivery.placement,
        delivery=delivery,
        observed=text,
        observed_digest=sha256_digest(text.encode()),
        found_at=at,
    )


def confirmed(delivery, system, level=Level.RENDERED):
    placement = delivery.placement
    return sides.side(instance=placement.instance, word=f"confirmed:{placement.id}", level=level, actor=system)


def test_what_was_delivered_last_is_confirmed_at_both_levels(delivered, system):
    source, rendered = confirmed(delivered, system, Level.SOURCE), confirmed(delivered, system)

    assert (rendered.kind, rendered.name) == (Kind.CONFIRMED, delivered.placement.target.name)
    assert rendered.text == delivered.publication.version.rendered.text()
    assert source.text == delivered.publication.version.body.source()


def test_a_drifted_text_is_known_only_as_the_provider_has_it(delivered, system, at):
    drifted(delivered, "Somebody wrote this there.", at)

    assert confirmed(delivered, system).text == "Somebody wrote this there."
    with pytest.raises(Invalid) as refused:
        confirmed(delivered, system, Level.SOURCE)
    assert refused.value.problems[0].pointer == "/query/level"


def test_nothing_is_confirmed_where_nothing_arrived_or_the_place_is_another_prompts(delivered, system):
    empty, other = make_placement(), make_placement()
    for placement, instance in ((empty, empty.instance), (delivered.placement, other.instance)):
        with pytest.raises(NotFound):
            sides.side(instance=instance, word=f"confirmed:{placement.id}", level=Level.RENDERED, actor=system)
    with pytest.raises(NotFound):
        sides.side(instance=empty.instance, word=f"confirmed:{uuid.UUID(int=7)}", level=Level.RENDERED, actor=system)
    with pytest.raises(NotFound):
        confirmed(delivered, make_actor())


def test_a_place_is_named_by_its_id(delivered, system):
    with pytest.raises(Invalid):
        sides.side(instance=delivered.placement.instance, word="confirmed:1", level=Level.RENDERED, actor=system)


def test_the_rooms_own_sides_are_sides_here_too(delivered, system):
    found = sides.side(instance=delivered.placement.instance, word="draft", level=Level.SOURCE, actor=system)

    assert found.kind is Kind.DRAFT


def test_many_places_are_asked_at_once(delivered, at):
    places = [delivered.placement, make_placement(), make_attempt().delivery.placement]
    drifted(delivered, "Else.", at)

    with CaptureQueriesContext(connection) as queries:
        found = sides.confirmed(placements=Placement.objects.filter(pk__in=[place.pk for place in places]))

    assert len(queries) == 3
    assert [found[place.pk].delivery is not None for place in places] == [True, False, True]
    assert found[delivered.placement.pk].newest == delivered
    assert [found[place.pk].drift is not None for place in places] == [True, False, False]
