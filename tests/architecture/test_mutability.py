"""Every model says what may happen to its rows, and for sealed and append-only ones the database itself insists."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction

from foundation import triggers
from foundation.models import TOMBSTONE, Mutability
from prompthub_kernel.errors import Conflict
from tenancy import access
from tests.architecture.test_relations import ours
from tests.factories import one_of

GUARDED = sorted(triggers.guarded(), key=lambda model: model._meta.label)
by_name = pytest.mark.parametrize("model", GUARDED, ids=lambda model: model.__name__)


def _is_history(model: type[models.Model]) -> bool:
    """Rows of simple-history: written by the library beside ours."""
    return hasattr(model, "history_object") or model.__name__.startswith("Historical")


def test_every_model_declares_its_mutability():
    undeclared = [
        model._meta.label
        for model in ours()
        if not _is_history(model) and not isinstance(getattr(model, "mutability", None), Mutability)
    ]
    assert undeclared == []


def test_text_that_was_sealed_and_history_that_was_written_are_guarded():
    expected = {"AuditEvent", "AuditLink", "TemplateVersion", "InstanceVersion", "Publication", "Release", "Pin"}
    assert expected <= {model.__name__ for model in GUARDED}


def test_sealed_rows_keep_no_history_of_changes():
    assert [model.__name__ for model in GUARDED if hasattr(model, "history")] == []


@pytest.mark.django_db
def test_every_guarded_table_has_its_triggers():
    assert triggers.missing() == []


@by_name
@pytest.mark.django_db
def test_python_refuses_to_change_it(model):
    row = one_of(model)
    attempts = {
        "save": row.save,
        "delete": row.delete,
        "update": lambda: model.objects.filter(pk=row.pk).update(pk=row.pk),
        "delete of many": model.objects.filter(pk=row.pk).delete,
        "delete of all": model.objects.all().delete,
        "bulk_update": lambda: model.objects.bulk_update([row], [_changeable(model)[0].name]),
        "update_or_create": lambda: model.objects.update_or_create(pk=row.pk, defaults={}),
    }
    for name, attempt in attempts.items():
        with pytest.raises(Conflict) as refusal:
            attempt()
        assert refusal.value.code == "409.sealed", name


@by_name
@pytest.mark.django_db
def test_the_database_refuses_to_change_any_column_of_it(model):
    row = one_of(model)
    for field in _changeable(model):
        values = [_other(field, getattr(row, field.attname))]
        if field.null and getattr(row, field.attname) is not None:
            values.append(None)
        if field.name not in model.erasable and isinstance(field, models.CharField | models.TextField):
            values.append(TOMBSTONE[: field.max_length])
        for value in values:
            # A plain QuerySet goes past the model's own refusal, straight to the table.
            _refused(
                lambda name=field.attname, value=value: (
                    models.QuerySet(model).filter(pk=row.pk).update(**{name: value})
                ),
                f"{model.__name__}.{field.name} = {value!r}",
            )
    assert model.objects.filter(pk=row.pk).exists()


@by_name
@pytest.mark.django_db
def test_the_database_refuses_raw_sql_against_it(model):
    row = one_of(model)
    quoted = connection.ops.quote_name
    table, key = quoted(model._meta.db_table), model._meta.pk
    column = quoted(_changeable(model)[0].column)
    where = f"WHERE {quoted(key.column)} = %s"
    stored = key.get_db_prep_value(row.pk, connection)
    for statement in (f"UPDATE {table} SET {column} = NULL {where}", f"DELETE FROM {table} {where}"):
        _refused(lambda statement=statement: _execute(statement, [stored]), statement)
    _refused(lambda: _execute(f"DELETE FROM {table}", []), "DELETE of all rows")
    assert model.objects.filter(pk=row.pk).exists()


@by_name
@pytest.mark.django_db
def test_the_database_refuses_to_put_another_row_in_its_place(model):
    """SQLite's REPLACE deletes what is in the way; PostgreSQL has no such word, and DO UPDATE is an update."""
    row = one_of(model)
    quoted, fields = connection.ops.quote_name, model._meta.concrete_fields
    columns = ", ".join(quoted(field.column) for field in fields)
    changed = _changeable(model)[0]
    given = ", ".join(
        f"{quoted(changed.column)} || ''" if field is changed else quoted(field.column) for field in fields
    )
    table, key = quoted(model._meta.db_table), quoted(model._meta.pk.column)
    if connection.vendor == "postgresql":
        emptied = f"{quoted(changed.column)} = NULL"
        statement = f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({key}) DO UPDATE SET {emptied}"
    else:
        statement = f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {given} FROM {table}"
    _refused(lambda: _execute(statement, []), statement)
    assert model.objects.filter(pk=row.pk).exists()


@by_name
@pytest.mark.django_db
def test_erasure_leaves_a_tombstone_and_nothing_else(model):
    row = one_of(model)
    for name in model.erasable:
        field = model._meta.get_field(name)
        assert isinstance(field, models.TextField | models.JSONField | models.CharField), name
        models.QuerySet(model).filter(pk=row.pk).update(**{name: TOMBSTONE})
        assert getattr(model.objects.get(pk=row.pk), name) == TOMBSTONE


@pytest.mark.django_db
def test_without_its_trigger_the_change_would_go_through():
    """Proof that it is the trigger that refuses, and that a missing one is noticed."""
    model = GUARDED[0]
    row = one_of(model)
    triggers.remove()
    assert models.QuerySet(model).filter(pk=row.pk).update(**{_changeable(model)[0].attname: "changed"}) == 1
    refusals = {name for guarded in GUARDED for name in triggers.names(guarded)}
    assert set(triggers.missing()) == refusals | {trigger.name for trigger in access.triggers()}
    triggers.install()
    assert triggers.missing() == []


@pytest.mark.parametrize("run", ["first", "second"])
@pytest.mark.django_db(transaction=True)
def test_what_a_test_committed_is_gone_and_the_triggers_are_back(run):
    assert triggers.missing() == []
    one_of(GUARDED[0])
    assert GUARDED[0].objects.count() == 1


def _changeable(model: type[models.Model]) -> list[models.Field]:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    return sorted(fields, key=lambda field: not isinstance(field, models.CharField | models.TextField))


def _other(field: models.Field, present: Any) -> Any:
    """A value of the field's type that differs from the present one."""
    match field:
        case models.ForeignKey():
            return _other(field.target_field, present)
        case models.UUIDField():
            return uuid.UUID(int=0)
        case models.DateTimeField():
            return datetime(2001, 1, 1, tzinfo=UTC)
        case models.BooleanField():
            return not present
        case models.IntegerField() | models.FloatField():
            return (present or 0) + 1
        case models.JSONField():
            return {"changed": True}
        case models.BinaryField():
            return b"changed"
    return "changed"[: getattr(field, "max_length", None)]


def _execute(statement: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _refused(attempt, what: str) -> None:
    def let_through():
        attempt()
        pytest.fail(f"the database let it through: {what}")

    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        let_through()
    assert "409.sealed" in str(refusal.value), what
