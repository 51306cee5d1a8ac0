"""The database's shape: migrations tell the whole of it, in one line, and the rules live in the database."""

from __future__ import annotations

import io
import os
import re

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader

from tests.architecture.house import PACKAGES
from tests.architecture.test_relations import ours, package_of

OUR_LABELS = sorted(config.label for config in apps.get_app_configs() if config.name.partition(".")[0] in PACKAGES)


@pytest.mark.django_db
def test_no_change_of_a_model_waits_for_its_migration():
    told = io.StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=told, stderr=told, no_color=True)
    except SystemExit:
        pytest.fail(f"run makemigrations:\n{told.getvalue()}")


@pytest.mark.parametrize("label", OUR_LABELS)
def test_migrations_of_an_app_stand_in_one_line(label):
    loader = MigrationLoader(None)
    leaves = loader.graph.leaf_nodes(label)
    assert len(leaves) <= 1, f"two people added a migration at once: {leaves}"
    steps = [name for app, name in loader.disk_migrations if app == label]
    numbers = sorted(int(re.match(r"\d{4}", name)[0]) for name in steps)
    assert numbers == list(range(1, len(numbers) + 1))


def test_labels_of_our_apps_cannot_collide_with_a_host_projects():
    assert [label for label in OUR_LABELS if not label.startswith("prompthub_")] == []
    assert len(OUR_LABELS) > 4


@pytest.mark.parametrize("model", ours(), ids=lambda model: model.__name__)
def test_deleting_a_row_never_silently_deletes_history(model):
    """A foreign key to a sealed row, or from one, protects; cascades are for drafts and throw-away rows."""
    from foundation.models import Mutability

    unchanging = {Mutability.SEALED, Mutability.APPEND_ONLY}
    for field in model._meta.local_fields:
        if not isinstance(field, models.ForeignKey) or package_of(field.related_model) not in PACKAGES:
            continue
        ends = {getattr(model, "mutability", None), getattr(field.related_model, "mutability", None)}
        if ends & unchanging:
            kept = field.remote_field.on_delete in {models.PROTECT, models.DO_NOTHING}
            assert kept, f"{model.__name__}.{field.name} is not PROTECT"


def test_tests_run_on_the_database_that_was_asked_for():
    """A run that was meant for PostgreSQL must not pass on SQLite unseen."""
    asked = os.environ.get("DATABASE_URL", "sqlite:")
    assert connection.vendor == ("postgresql" if asked.startswith("postgres") else "sqlite")


def test_names_of_constraints_are_short_enough_for_every_database():
    names = [constraint.name for model in ours() for constraint in (*model._meta.constraints, *model._meta.indexes)]
    assert [name for name in names if len(name) > 63] == []
    assert len(set(names)) == len(names)
