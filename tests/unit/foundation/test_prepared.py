"""A prepared statement answers and writes what the plain ORM does."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, F, IntegerField, UUIDField
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from audit.models import AuditEvent
from foundation.prepared import Given, Insert, Query, Update
from templates_app.models import Template, TemplateVersion
from tests.factories import make_project, make_template_version

VERSIONS = Query(
    lambda: (
        TemplateVersion.objects.select_related("template__project")
        .filter(template=Given("template", UUIDField()), label=Given("label", CharField()), ordinal__gte=1)
        .order_by("-ordinal")
    )
)
LOCKED = Query(lambda: Template.objects.select_for_update().filter(pk=Given("key", UUIDField())))
COUNTED = Update(
    lambda: Template.objects.filter(pk=Given("key", UUIDField())), last_ordinal=Given("ordinal", IntegerField())
)
NUMBERED = Update(lambda: Template.objects.filter(pk=Given("key", UUIDField())), last_ordinal=F("last_ordinal") + 1)
EVENTS = Insert(AuditEvent)
SEALED = Insert(TemplateVersion)

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS, st.lists, max_leaves=8)
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


class Equality(TestCase):
    """Hypothesis wants each example in a transaction of its own."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=TEXTS.filter(bool), schema=st.dictionaries(TEXTS, JSON, max_size=4), at=MOMENTS)
    def test_a_row_comes_out_as_the_orm_wrote_it_and_goes_in_as_the_orm_reads_it(self, text, schema, at):
        template = Template.objects.create(project=make_project(), name=text[:200], created_at=at)
        one = {"template": template, "format": "markdown", "digest": "sha256:x", "created_by": "me"}
        one |= {"content_md": text, "variables_schema": schema, "created_at": at, "created_by_label": text}
        by_orm = TemplateVersion(**one, label="orm", ordinal=1)
        by_orm.save()
        prepared = TemplateVersion(**one, label="prepared", ordinal=2)
        SEALED.row(prepared)
        for row in (by_orm, prepared):
            plain = TemplateVersion.objects.select_related("template__project").get(pk=row.pk)
            found = VERSIONS.first(template=template.pk, label=row.label)
            assert columns(found) == columns(plain) == columns(row)
            assert columns(found.template) == columns(plain.template)
            assert columns(found.template.project) == columns(plain.template.project)
            assert (found._state.adding, found._state.db) == (False, "default")

    @settings(max_examples=30, deadline=None)
    @given(metadata=st.dictionaries(TEXTS, JSON, max_size=4), at=MOMENTS, client=st.none() | st.uuids())
    def test_a_key_that_the_database_makes_is_set(self, metadata, at, client):
        event = AuditEvent(
            at=at,
            action="token.issue",
            actor_kind="system",
            subject_kind="token",
            client_id=client,
            metadata=metadata,
            digest="d",
        )
        EVENTS.row(event)
        assert columns(AuditEvent.objects.get(pk=event.pk)) == columns(event)
        assert not event._state.adding


@pytest.mark.django_db
def test_related_rows_are_there_without_another_query(django_assert_num_queries):
    version = make_template_version()
    with django_assert_num_queries(1):
        found = VERSIONS.first(template=version.template_id, label=version.label)
        assert found.template.project.slug == version.template.project.slug


@pytest.mark.django_db
def test_nothing_found_is_none_and_an_empty_list():
    assert VERSIONS.first(template=uuid.uuid4(), label="1") is None
    assert VERSIONS.all(template=uuid.uuid4(), label="1") == []


@pytest.mark.django_db
def test_a_value_that_is_not_given_is_a_mistake():
    with pytest.raises(KeyError):
        VERSIONS.first(label="1")


@pytest.mark.django_db
def test_an_update_sets_and_counts():
    version = make_template_version()
    assert COUNTED.run(key=version.template_id, ordinal=7) == 1
    assert Template.objects.get(pk=version.template_id).last_ordinal == 7
    assert COUNTED.run(key=uuid.uuid4(), ordinal=8) == 0


@pytest.mark.django_db
def test_an_update_gives_the_row_as_it_is_afterwards(django_assert_num_queries):
    version = make_template_version()
    before = version.template.last_ordinal
    with django_assert_num_queries(1):
        found = NUMBERED.row(key=version.template_id)
    assert found.last_ordinal == before + 1
    assert columns(found) == columns(Template.objects.get(pk=version.template_id))
    assert NUMBERED.row(key=uuid.uuid4()) is None


@pytest.mark.django_db
def test_what_the_database_refuses_is_raised_as_the_orm_raises_it():
    version = make_template_version()
    again = TemplateVersion(**columns(version) | {"id": uuid.uuid4()})
    with pytest.raises(IntegrityError), transaction.atomic():
        SEALED.row(again)
    assert again._state.adding
    with pytest.raises(ValueError, match="written already"):
        SEALED.row(version)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_lock_needs_a_transaction():
    key = make_template_version().template_id
    with pytest.raises(transaction.TransactionManagementError):
        LOCKED.first(key=key)
    with transaction.atomic():
        assert LOCKED.first(key=key).pk == key


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_share_what_is_built():
    version = make_template_version()
    found = []

    def ask():
        try:
            found.extend(VERSIONS.first(template=version.template_id, label=version.label).pk for _ in range(20))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [version.pk] * 80
