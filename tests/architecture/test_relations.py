"""Foreign keys obey the same stairs as imports; written as strings, they are invisible to the import contracts."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from tests.architecture.house import PACKAGES, floor_of

# What a row of ours may point at outside the house.
THEIRS = {settings.AUTH_USER_MODEL.lower(), "contenttypes.contenttype", "auth.group", "auth.permission"}


def package_of(model: type[models.Model]) -> str:
    return model.__module__.partition(".")[0]


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if package_of(model) in PACKAGES]


def relations(model: type[models.Model]) -> Iterator[models.Field]:
    """Forward relations: foreign keys, one to one, many to many."""
    for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
        if field.is_relation and field.remote_field is not None:
            yield field


def upward(model, target) -> str | None:
    """What is wrong with a relation from one model to another; None when it goes down or stays in its package."""
    name = f"{target._meta.app_label}.{target._meta.model_name}".lower()
    if package_of(target) not in PACKAGES:
        return None if name in THEIRS else f"points out of the house at {name}"
    if package_of(target) == package_of(model):
        return None
    if floor_of(package_of(target)) >= floor_of(package_of(model)):
        return f"points up or sideways at {name}"
    return None


def test_relations_only_go_down_the_stairs():
    problems = {
        f"{model.__name__}.{field.name}": problem
        for model in ours()
        for field in relations(model)
        if (problem := upward(model, field.related_model))
    }
    assert problems == {}


def test_there_are_relations_to_hold():
    assert sum(1 for model in ours() for _ in relations(model)) > 10


def _model(module: str, app: str = "sample"):
    return SimpleNamespace(__module__=module, _meta=SimpleNamespace(app_label=app, model_name="row"))


@pytest.mark.parametrize(
    ("start", "target", "fine"),
    [
        ("publishing.models", "instances.models", True),
        ("instances.models", "instances.models", True),
        ("instances.models", "publishing.models", False),
        ("tenancy.models", "templates_app.models", False),
        ("audit.models", "tenancy.models", False),
        ("instances.models", "axes.models", False),
    ],
)
def test_a_relation_up_the_stairs_is_seen(start, target, fine):
    assert (upward(_model(start), _model(target)) is None) is fine


def test_the_account_is_the_host_projects_own():
    """Embedded in somebody else's project, PromptHub brings no user model."""
    assert not settings.AUTH_USER_MODEL.startswith("prompthub")
