"""Sealed versions of a client's prompt and the pointer that makes one active."""

from __future__ import annotations

import pytest
from django.db import transaction

from audit.models import AuditEvent
from instances import drafts, versions
from instances.models import Publication, PublishedSecrets
from prompthub_kernel.errors import Conflict, NotFound, Refused
from tenancy.policy import Role
from tests.factories import (
    make_actor,
    make_client,
    make_instance,
    make_instance_version,
    make_publication,
    make_template_version,
)

pytestmark = pytest.mark.django_db
KEYED = {"type": "object", "properties": {"key": {"type": "string", "x-secret": True}}, "required": ["key"]}
SECRET = "kumquat-7319-zebra"


def _keyed(value='quo"ted'):
    template = make_template_version(content_md="Key: {{ key }}", variables_schema=KEYED)
    return make_instance(template_version=template, variables={"key": value})


def _optional(*, variables=None, **content):
    schema = {"properties": {"key": {"type": "string", "x-secret": True}}}
    template = make_template_version(variables_schema=schema, **content)
    return make_instance(template_version=template, variables=variables or {})


def test_a_sealed_version_holds_the_rendered_text_and_its_source():
    version = make_instance_version()
    assert version.rendered.text() == "You are warm and speak for Acme."
    assert version.body.source() == "You are {{ tone }} and speak for {{ company }}."
    assert version.ordinal == 1
    assert version.instance.status == "draft"


def test_a_secret_is_a_place_in_the_text_and_not_in_the_digest():
    one, other = make_instance_version(instance=_keyed("one")), make_instance_version(instance=_keyed("other"))
    assert one.content_materialized == ["Key: ", {"secret": "key"}]
    assert one.digest == other.digest


def test_reveal_joins_the_present_secret_and_is_recorded_for_people(at, system):
    version = make_instance_version(instance=_keyed("old"))
    drafts.edit(instance=version.instance, revision=1, variables={"key": "new"}, by=system, at=at)
    version = versions.get(key=version.id, instance=version.instance)
    assert versions.reveal(version=version, by=system, at=at) == "Key: new"
    assert not AuditEvent.objects.filter(action="instance.version.reveal").exists()
    chief = make_actor(roles={version.instance.client: Role.ADMINISTRATOR})
    assert versions.reveal(version=version, by=chief, at=at) == "Key: new"
    event = AuditEvent.objects.get(action="instance.version.reveal")
    assert "new" not in str(event.metadata)
    with pytest.raises(Refused):
        versions.reveal(version=version, by=make_actor(roles={version.instance.client: Role.PUBLISHER}), at=at)


def test_reveal_keeps_a_secret_inside_json(at, system):
    template = make_template_version(content_json={"auth": "Bearer {{ key }}"}, variables_schema=KEYED)
    version = make_instance_version(instance=make_instance(template_version=template, variables={"key": 'a"b\\c'}))
    assert versions.reveal(version=version, by=system, at=at) == '{"auth":"Bearer a\\"b\\\\c"}'
    assert "a" not in version.as_json()["auth"].removeprefix("Bearer")


def test_reveal_tells_which_secret_is_no_longer_set(at, system):
    version = make_instance_version(instance=_keyed())
    version.instance.secrets = ""
    with pytest.raises(Conflict) as refused:
        versions.reveal(version=version, by=system, at=at)
    assert "key" in refused.value.detail


@pytest.mark.parametrize("engine", ["jinja2", "liquid"])
@pytest.mark.parametrize(
    ("content", "sealed"),
    [
        ({"content_md": "A{{ key }}B"}, "AB"),
        ({"content_json": {"auth": "{{ key }}", "note": "A{{ key }}B"}}, '{"auth":"","note":"AB"}'),
        ({"content_json": [{"role": "system", "content": "A{{ key }}B"}]}, '[{"role":"system","content":"AB"}]'),
    ],
)
def test_an_optional_secret_that_is_not_set_has_no_place_in_the_sealed_text(engine, content, sealed, at, system):
    publication = make_publication(version=make_instance_version(instance=_optional(engine=engine, **content)))
    assert publication.version.content_materialized == [sealed]
    assert versions.reveal(version=publication.version, publication=publication, by=system, at=at) == sealed
    assert not PublishedSecrets.objects.exists()


def test_text_sealed_without_a_secret_stays_so_once_it_is_set(at, system):
    instance = _optional(content_md="A{{ key }}B")
    without = make_publication(version=make_instance_version(instance=instance)).version
    edited = drafts.edit(instance=instance, revision=1, variables={"key": SECRET}, by=system, at=at)
    edited = drafts.get(key=edited.pk, actor=system)
    assert versions.unpublished(instance=edited)
    filled = make_publication(version=make_instance_version(instance=edited))
    assert filled.version.content_materialized == ["A", {"secret": "key"}, "B"]
    again = make_publication(version=versions.get(key=without.pk, instance=instance))
    assert again.secret_revision == filled.secret_revision == 1
    assert versions.reveal(version=again.version, publication=again, by=system, at=at) == "AB"
    assert versions.reveal(version=filled.version, publication=filled, by=system, at=at) == f"A{SECRET}B"


def test_text_sealed_with_a_secret_is_not_made_active_once_it_is_taken_away(at, system):
    instance = _optional(content_md="A{{ key }}B", variables={"key": SECRET})
    filled = make_publication(version=make_instance_version(instance=instance)).version
    edited = drafts.edit(instance=instance, revision=1, variables={"key": None}, by=system, at=at)
    without = make_publication(version=make_instance_version(instance=edited)).version
    assert without.content_materialized == ["AB"]
    locked = versions.get(key=filled.pk, instance=edited)
    with pytest.raises(Conflict, match="The secret variables key of this version are no longer set"):
        make_publication(version=locked)
    assert Publication.objects.count() == 2


def test_activating_moves_the_pointer_and_counts_upwards_even_backwards(at, system):
    instance = make_instance()
    first = make_instance_version(instance=instance)
    drafts.edit(instance=instance, revision=1, variables={"company": "Bee"}, by=system, at=at)
    second = make_instance_version(instance=instance)
    for version in (first, second, first):
        make_publication(version=version)
    instance.refresh_from_db()
    assert instance.active_version == first
    assert instance.based_on == second
    moves = list(versions.publications(instance=instance).values_list("ordinal", "version_id", "previous_id"))
    assert moves == [(3, first.id, second.id), (2, second.id, first.id), (1, first.id, None)]
    assert AuditEvent.objects.filter(action="instance.version.activate").count() == 3
    assert versions.newest_publication(instance=instance).ordinal == 3


def test_another_prompts_version_is_not_activated(at, system):
    version, other = make_instance_version(), make_instance()
    with transaction.atomic(), pytest.raises(NotFound):
        versions.activate(instance=drafts.locked(instance=other), version=version, by=system, at=at)
    assert not Publication.objects.exists()
    with pytest.raises(NotFound):
        versions.get(key=version.id, instance=other)


def test_the_active_text_is_found_by_client_and_name(system):
    publication = make_publication()
    instance = publication.instance
    assert versions.active_for(client=instance.client, name=instance.name, actor=system) == publication.version
    assert list(versions.history(instance=instance)) == [publication.version]
    with pytest.raises(NotFound):
        versions.active_for(client=instance.client, name="another", actor=system)
    with pytest.raises(NotFound):
        versions.active_for(client=make_client(), name=instance.name, actor=system)
    draft = make_instance()
    with pytest.raises(NotFound):
        versions.active_for(client=draft.client, name=draft.name, actor=system)


def test_only_publishers_seal_and_activate(at):
    instance = make_instance()
    editor = make_actor(roles={instance.client: Role.EDITOR})
    with pytest.raises(Refused):
        versions.seal(instance=instance, by=editor, at=at)
    version = make_instance_version(instance=instance)
    with pytest.raises(Refused):
        versions.activate(instance=instance, version=version, by=editor, at=at)
