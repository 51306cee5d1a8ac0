"""No index is the beginning of another: a planner that knows nothing yet may choose it, and then reads every row."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models


def orders(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    """The columns of each whole index of a model, in order."""
    for index in model._meta.indexes:
        if index.condition is None and index.fields:
            yield tuple(name.lstrip("-") for name in index.fields)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None and constraint.fields:
            yield tuple(constraint.fields)


def test_a_column_that_begins_an_index_has_none_of_its_own():
    ours = [model for model in apps.get_models() if model._meta.app_label.startswith("prompthub")]
    twice = [
        f"{model._meta.label}.{field.name}"
        for model in ours
        for field in model._meta.concrete_fields
        if field.db_index and not field.unique and any(order[0] == field.name for order in orders(model))
    ]
    assert (twice, len(ours) > 20) == ([], True)
