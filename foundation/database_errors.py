"""What an error of the database means to whoever has to mend it."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

from django.db import DatabaseError, InterfaceError, OperationalError, connection

FULL = "The disk that holds the database is full. Nothing was half written: make room, then try again."
READ_ONLY = "The database can be read, but not written. Nothing was half written: mend its rights, then try again."
DAMAGED = "The database is damaged. Stop PromptHub, and restore the database from a backup."
AWAY = "The database did not answer. Try again."

_PRIMARY = 0xFF  # an extended code of SQLite holds the plain one in its lowest byte (sqlite.org/rescode.html)
_LEAST_BYTES = 65_536  # what SQLite's index of its journal grows by
_POSTGRESQL_FULL = "53100"  # disk_full (postgresql.org/docs/current/errcodes-appendix.html)
_POSTGRESQL_READ_ONLY = "25006"  # read_only_sql_transaction
_POSTGRESQL_DAMAGED = ("XX001", "XX002")  # data_corrupted, index_corrupted

_met = threading.Event()  # that nothing can be written, by some write of this process


def cause(error: Exception) -> str:
    """One sentence about an error that waiting does not cure, ``""`` for any other."""
    found = _cause(error)
    if found in {FULL, READ_ONLY}:
        _met.set()
    return found


def perhaps_unwritable() -> bool:
    """Whether a write of this process was refused for that, :func:`wrote` not being told since, or no room is left."""
    return _met.is_set() or (connection.vendor == "sqlite" and _no_room())


def wrote() -> None:
    """A write went through again."""
    _met.clear()


def _cause(error: Exception) -> str:
    own = error.__cause__ or error
    code = getattr(own, "sqlite_errorcode", 0) & _PRIMARY
    state = getattr(own, "sqlstate", "")
    if code == sqlite3.SQLITE_FULL or state == _POSTGRESQL_FULL:
        return FULL
    if code == sqlite3.SQLITE_READONLY or state == _POSTGRESQL_READ_ONLY:
        return READ_ONLY
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT} or state in _POSTGRESQL_DAMAGED:
        return DAMAGED
    # Without room for its journal SQLite cannot read either, and calls that something else.
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN} and _no_room():
        return FULL
    return ""


def unavailable(error: BaseException | None) -> str | None:
    """What to say of an error for which the database is to blame; None for any other, a mistake of ours included."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    return cause(error) or (AWAY if isinstance(error, OperationalError | InterfaceError) else None)


def _no_room() -> bool:
    folder = Path(connection.settings_dict["NAME"]).parent
    return shutil.disk_usage(folder).free < _LEAST_BYTES
