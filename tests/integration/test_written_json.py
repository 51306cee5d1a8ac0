"""One call gives one text and one digest on either database: in JSON the order of keys is text."""

from __future__ import annotations

import json

import pytest
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from foundation import triggers
from foundation.fields import WrittenJSON
from foundation.models import TOMBSTONE
from instances import drafts, standing, versions
from instances.models import InstanceVersion, PromptInstance
from publishing import publish
from templates_app.models import TemplateDraft, TemplateVersion
from tests import factories
from tests.factories.acting import AT, SYSTEM

pytestmark = pytest.mark.django_db

DOCUMENT = {"zebra": "first {{ a }}", "b": {"yy": 1e22, "x": 2, "long": [{"type": "t", "name": "é"}]}, "aaa": 1.0}
SCHEMA = {
    "type": "object",
    "properties": {
        "user": {"type": "object", "default": {"second": "2", "one": "1"}},
        "a": {"type": "string", "default": "q"},
    },
}
BEFORE = [("prompthub_templates", "0002_references"), ("prompthub_instances", "0003_keep_published_secrets")]
ACTING = {"by": SYSTEM, "at": AT}


def a_version(**given):
    return factories.make_template_version(variables_schema=SCHEMA, **given)


def test_a_structured_prompt_is_sealed_in_the_order_it_was_written_in():
    template_version = a_version(content_md=None, content_json=DOCUMENT)
    instance = PromptInstance.objects.get(pk=factories.make_instance(template_version=template_version).pk)
    sealed = versions.seal(instance=instance, **ACTING)
    kept = InstanceVersion.objects.get(pk=sealed.pk)
    assert json.dumps(TemplateVersion.objects.get(pk=template_version.pk).content_json) == json.dumps(DOCUMENT)
    assert kept.rendered.text() == (
        '{"zebra": "first q", "b": {"yy": 1e+22, "x": 2, "long": [{"type": "t", "name": "é"}]}, "aaa": 1.0}'
    ).replace(": ", ":").replace(", ", ",")
    assert kept.digest == "sha256:e0fa77cc18183105d6297f12095780b3a873037787c61c75db16d5ad124e72b5"
    versions.require_intact(version=kept)


@pytest.mark.parametrize("given", [{}, {"user": {"zz": "z", "b": "b", "a": "a"}}])
def test_a_loop_over_an_object_goes_in_the_order_it_was_given_in(given):
    source = "{% for key in user %}{{ key }} {% endfor %}"
    made = factories.make_instance(template_version=a_version(content_md=source), variables=given)
    sealed = versions.seal(instance=PromptInstance.objects.get(pk=made.pk), **ACTING)
    assert InstanceVersion.objects.get(pk=sealed.pk).rendered.text() == ("zz b a " if given else "second one ")


def test_another_order_of_keys_is_a_change_that_is_not_published_yet():
    source = "{% for key in user %}{{ key }} {% endfor %}"
    version = a_version(content_md=source)
    instance = factories.make_instance(template_version=version, variables={"user": {"b": "1", "a": "2"}})
    publish.publish(instance=instance, **ACTING)
    rows = PromptInstance.objects.filter(pk=instance.pk)
    assert not standing.described(rows).get().unpublished
    drafts.edit(instance=instance, revision=instance.revision, variables={"user": {"a": "2", "b": "1"}}, **ACTING)
    assert standing.described(rows).get().unpublished
    assert publish.publish(instance=rows.get(), confirm=True, **ACTING).changed


def test_letters_in_json_are_found_as_they_are_written():
    version = a_version(content_md=None, content_json=DOCUMENT)
    instance = factories.make_instance(template_version=version, variables={"a": "größer"})
    for words in ("é", "größ") if connection.vendor == "postgresql" else ("zebra",):
        assert list(standing.mentioning(PromptInstance.objects.all(), words)) == [instance]


def test_a_sealed_order_cannot_be_changed_but_erased():
    version = factories.make_instance_version()
    assert InstanceVersion.objects.filter(pk=version.pk).erase() > 0
    assert InstanceVersion.objects.get(pk=version.pk).content_materialized == TOMBSTONE
    assert InstanceVersion.objects.filter(pk=version.pk).erase() == 0


@pytest.mark.parametrize("model", [TemplateDraft, TemplateVersion, PromptInstance, InstanceVersion])
def test_every_column_of_json_beside_a_text_keeps_its_order(model):
    assert {type(field) for field in model._meta.fields if isinstance(field, models.JSONField)} == {WrittenJSON}
    for tracked in (model, getattr(model, "history", None) and model.history.model):
        for field in tracked._meta.fields if tracked else ():
            if isinstance(field, WrittenJSON):
                assert field.db_type(connection) == ("json" if connection.vendor == "postgresql" else "text")


@pytest.mark.django_db(transaction=True)
def test_what_was_sealed_before_the_columns_kept_their_order_is_intact_afterwards():
    template_version = a_version(content_md=None, content_json=DOCUMENT)
    with transaction.atomic():
        sealed = versions.seal(instance=factories.make_instance(template_version=template_version), **ACTING)
    newest = [leaf for app, _ in BEFORE for leaf in MigrationExecutor(connection).loader.graph.leaf_nodes(app)]
    MigrationExecutor(connection).migrate(BEFORE)
    triggers.install()
    MigrationExecutor(connection).migrate(newest)
    triggers.install()
    assert triggers.missing() == []
    kept = InstanceVersion.objects.get(pk=sealed.pk)
    versions.require_intact(version=kept)
    assert (kept.digest, kept.rendered.text()) == (sealed.digest, sealed.rendered.text())
    assert TemplateVersion.objects.get(pk=template_version.pk).content_json == DOCUMENT
