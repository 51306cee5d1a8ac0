"""What every test can rely on: a database as in production, with its triggers, and a moment that stands still."""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import find, settings, strategies

VENDORS = ("sqlite", "postgresql")


def _with_django(config: pytest.Config) -> bool:
    """Whether this run knows Django; the kernel's own tests also run with ``-p no:django``."""
    return config.pluginmanager.has_plugin("django")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the SQLite test database in a file: threads and processes see the same one, locks and all."""
    if not _with_django(config):
        return
    from django.db import connections

    options = connections.settings["default"]
    if "sqlite" in options["ENGINE"]:
        path = Path(os.environ["PROMPTHUB_STATE_DIR"]) / "tests.sqlite3"
        path.parent.mkdir(parents=True, exist_ok=True)
        options["TEST"]["NAME"] = str(path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other database: each side runs its own, so nothing is skipped by both."""
    if not _with_django(config):
        return
    from django.db import connection

    other = next(vendor for vendor in VENDORS if vendor != connection.vendor)
    left_out = {test for test in items if test.get_closest_marker(other)}
    items[:] = [test for test in items if test not in left_out]
    config.hook.pytest_deselected(items=list(left_out))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: to look through it for garbage again and again is in vain."""
    # The first text in a fresh checkout makes Hypothesis' table of all characters; no test is to be told slow for that.
    find(strategies.text(), lambda _: True, settings=settings(database=None))
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _flush_past_the_triggers(pytestconfig):
    """A test that commits is cleaned up by deleting everything, which the triggers refuse."""
    if not _with_django(pytestconfig):
        yield
        return
    from django.test.testcases import TransactionTestCase

    from tests.flush import flush

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush)
        yield


@pytest.fixture
def at() -> datetime:
    """The moment at which a test acts; verbs never read the clock. The factories act at the same one."""
    return datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def system():
    """PromptHub itself, which needs no grant."""
    from foundation import actors

    return actors.system()


@pytest.fixture(autouse=True, scope="session")
def _quick(pytestconfig):
    """Strong password hashes cost a third of a second each, which is their purpose and not the tests'.

    Static files are asked of real servers alone: every browser of a test would look for all of them first.
    """
    if not _with_django(pytestconfig):
        yield
        return
    from django.test import override_settings

    quick = {"PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"], "WHITENOISE_USE_FINDERS": False}
    with override_settings(**quick):
        yield


@pytest.fixture(autouse=True)
def _nothing_met(pytestconfig):
    """A process remembers that it met a full disk; the next test's process has met nothing."""
    yield
    if _with_django(pytestconfig):
        from foundation import database_errors

        database_errors.wrote()
