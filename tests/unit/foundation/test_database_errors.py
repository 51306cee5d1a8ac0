"""Errors of a database that waiting does not cure are told with what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from foundation import database_errors
from foundation.database_errors import AWAY, DAMAGED, FULL, READ_ONLY, cause, unavailable


@pytest.fixture(autouse=True)
def _room():
    yield
    database_errors.wrote()


def wrapped(own):
    """An error of a driver as Django raises it."""
    error = OperationalError(str(own))
    error.__cause__ = own
    return error


def of_sqlite(code):
    own = sqlite3.OperationalError("hunter2")
    own.sqlite_errorcode = code
    return wrapped(own)


def of_postgresql(state):
    own = Exception("hunter2")
    own.sqlstate = state
    return wrapped(own)


def test_a_database_that_may_not_grow_is_full(tmp_path):
    with closing(sqlite3.connect(tmp_path / "small")) as small:
        small.execute("CREATE TABLE kept (text)")
        small.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as refusal:
            small.execute("INSERT INTO kept VALUES (?)", ["x" * 100_000])
    assert cause(wrapped(refusal.value)) == FULL


def test_a_database_that_may_only_be_read_is_not_one_that_does_not_answer(tmp_path):
    with closing(sqlite3.connect(tmp_path / "kept")) as kept:
        kept.execute("CREATE TABLE kept (text)")
    only_read = sqlite3.connect(f"file:{tmp_path / 'kept'}?mode=ro", uri=True)
    with closing(only_read) as kept, pytest.raises(sqlite3.OperationalError) as refusal:
        kept.execute("INSERT INTO kept VALUES ('x')")
    assert unavailable(wrapped(refusal.value)) == READ_ONLY
    assert database_errors.perhaps_unwritable()


def test_what_is_no_database_is_damaged(tmp_path):
    (tmp_path / "torn").write_bytes(b"x" * 8192)
    with closing(sqlite3.connect(tmp_path / "torn")) as torn, pytest.raises(sqlite3.DatabaseError) as refusal:
        torn.execute("SELECT * FROM sqlite_master")
    assert cause(wrapped(refusal.value)) == DAMAGED


@pytest.mark.parametrize(
    ("state", "told"),
    [("53100", FULL), ("25006", READ_ONLY), ("XX001", DAMAGED), ("XX002", DAMAGED), ("57P01", "")],
)
def test_postgresql_says_it_by_its_states(state, told):
    assert cause(of_postgresql(state)) == told


@pytest.mark.parametrize(("free", "told"), [(0, FULL), (1_000_000, "")])
@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR | 19 << 8, sqlite3.SQLITE_CANTOPEN])
def test_a_journal_without_room_is_a_full_disk(monkeypatch, tmp_path, code, free, told):
    monkeypatch.setitem(database_errors.connection.settings_dict, "NAME", str(tmp_path / "database"))
    monkeypatch.setattr(database_errors.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    assert cause(of_sqlite(code)) == told


def test_of_any_other_error_nothing_is_known():
    assert cause(of_sqlite(sqlite3.SQLITE_BUSY)) == ""
    assert cause(DatabaseError("gone")) == ""


def test_a_damaged_database_is_to_blame_whatever_its_driver_calls_it():
    own = sqlite3.DatabaseError("hunter2")
    own.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    error = DatabaseError("database disk image is malformed")
    error.__cause__ = own
    assert unavailable(error) == DAMAGED


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_that_does_not_answer_is_to_blame(error):
    assert unavailable(error) == AWAY


@pytest.mark.parametrize("error", [IntegrityError("twice"), DatabaseError("a mistake of ours"), KeyError("x"), None])
def test_for_other_errors_the_database_is_not_to_blame(error):
    assert unavailable(error) is None


@pytest.mark.parametrize(
    ("vendor", "free", "known"), [("sqlite", 0, True), ("sqlite", 1_000_000, False), ("postgresql", 0, False)]
)
def test_where_the_database_is_a_file_its_disk_is_looked_at(monkeypatch, tmp_path, vendor, free, known):
    monkeypatch.setattr(
        database_errors, "connection", SimpleNamespace(vendor=vendor, settings_dict={"NAME": tmp_path / "x"})
    )
    monkeypatch.setattr(database_errors.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    assert database_errors.perhaps_unwritable() is known


def test_a_full_disk_is_remembered_until_there_is_room():
    cause(of_postgresql("53100"))
    assert database_errors.perhaps_unwritable()
    database_errors.wrote()
    assert not database_errors.perhaps_unwritable()
