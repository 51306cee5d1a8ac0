"""The first full walk of a prompt's text: template, instance, publish, delivery, rollback, in one process."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from foundation.actors import system
from instances import drafts, versions
from prompthub_kernel.body import PromptBody
from prompthub_kernel.errors import Conflict, Invalid
from prompthub_kernel.variables import VariablesSchema
from publishing import courier, targets
from publishing.adapters.memory import slots
from publishing.models import Delivery
from publishing.publish import publish
from templates_app import versions as templates
from tenancy import clients, projects

SCHEMA = {"type": "object", "properties": {"tone": {"type": "string", "enum": ["warm", "cool"]}}, "required": ["tone"]}


@pytest.fixture
def walk(db, at):
    by = system()
    client = clients.create(slug="acme", name="Acme", by=by, at=at)
    registered = templates.register(
        project=projects.local(at=at),
        name="greeting",
        body=PromptBody.parse(content_md="Be {{ tone }}.", content_json=None),
        variables=VariablesSchema.parse(SCHEMA),
        by=by,
        at=at,
    )
    instance = drafts.create(
        client=client, template_version=registered.version, variables={"tone": "warm"}, by=by, at=at
    )
    target = targets.create(client=client, name="memory", adapter="memory", settings={}, credentials={}, by=by, at=at)
    placement = targets.place(instance=instance, target=target, location={"slot": "greeting"}, by=by, at=at)
    return by, instance, placement


def _carry(placement):
    courier.deliver(lane_id=placement.lane_id, by=system())


def test_a_prompt_reaches_its_provider_and_a_rollback_does_too(walk, at):
    by, instance, placement = walk
    first = publish(instance=instance, by=by, at=at)
    _carry(placement)
    assert slots["greeting"].text == "Be warm."
    instance = drafts.get(key=instance.pk, actor=by)
    instance = drafts.edit(instance=instance, revision=instance.revision, variables={"tone": "cool"}, by=by, at=at)
    second = publish(instance=instance, by=by, at=at)
    _carry(placement)
    assert slots["greeting"].text == "Be cool."
    back = publish(instance=instance, version=first.version, by=by, at=at, reason="too cool")
    _carry(placement)
    assert slots["greeting"].text == "Be warm."
    assert [first.publication.ordinal, second.publication.ordinal, back.publication.ordinal] == [1, 2, 3]
    assert back.version.id == first.version.id
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert AuditEvent.objects.filter(action="delivery.deliver").count() == 3
    assert versions.active_for(client=instance.client, name="greeting", actor=by).id == first.version.id


def test_the_same_publish_again_returns_the_same_version(walk, at):
    by, instance, _ = walk
    first = publish(instance=instance, by=by, at=at)
    again = publish(instance=instance, by=by, at=at)
    assert (again.version.id, again.changed) == (first.version.id, False)
    assert Delivery.objects.count() == 1


def test_a_wrong_variable_is_refused_with_its_pointer(walk, at):
    by, instance, _ = walk
    with pytest.raises(Invalid) as refused:
        drafts.edit(instance=instance, revision=1, variables={"tone": "rude"}, by=by, at=at)
    assert refused.value.code == "422.variables_invalid"
    assert [problem.pointer for problem in refused.value.problems] == ["/variables/tone"]


def test_a_second_publisher_gets_the_conflict_and_may_confirm(walk, at):
    by, instance, _ = walk
    first = publish(instance=instance, by=by, at=at)
    instance = drafts.get(key=instance.pk, actor=by)
    instance = drafts.edit(instance=instance, revision=instance.revision, variables={"tone": "cool"}, by=by, at=at)
    publish(instance=instance, by=by, at=at)
    instance = drafts.get(key=instance.pk, actor=by)
    instance = drafts.edit(instance=instance, revision=instance.revision, variables={"tone": "warm"}, by=by, at=at)
    with pytest.raises(Conflict) as refused:
        publish(instance=instance, by=by, at=at, expected_active=first.version.id)
    assert refused.value.code == "409.version_conflict"
    assert refused.value.context["expected_active"] == str(first.version.id)
    assert publish(instance=instance, by=by, at=at, expected_active=first.version.id, confirm=True).changed
