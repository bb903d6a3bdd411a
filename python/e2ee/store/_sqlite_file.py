# SPDX-License-Identifier: MIT OR Apache-2.0
"""The file of an `SQLiteStore`: making, recognizing and opening it (docs/formats.md)."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from e2ee.errors import (
    StoreBackupError,
    StoreCorruptionError,
    StoreFormatError,
    StoreUnavailableError,
)
from e2ee.store._sqlite_errors import BUSY, translated
from e2ee.store._sqlite_log import refuse_damaged_log, settle_log

if TYPE_CHECKING:
    from pathlib import Path

#: "e2ee" in ASCII.
APPLICATION_ID: Final = 0x65326565
#: "e2eb": a backup, which is no store.
BACKUP_ID: Final = 0x65326562
FORMAT_VERSION: Final = 1
TABLE: Final = """
    CREATE TABLE record (
        name TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
"""
#: With less than FULL, a power cut can undo a committed step, and a message key is used twice.
_DURABLE: Final = {2, 3}
#: Seconds between two tries.
_PAUSE: Final = 0.005


def connect(path: Path, timeout: float) -> sqlite3.Connection:
    """Opens the file, or makes it.

    Raises:
        StoreFormatError: The file is not ours, or of a newer version.
        StoreCorruptionError: The file is damaged, or its log is, and SQLite would cut that off.
        StoreError: It cannot be opened.
    """
    _make(path)
    refuse_damaged_log(path)
    settle_log(path)
    with translated():
        connection = sqlite3.connect(
            path, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, timeout)
        except BaseException:
            connection.close()
            raise
    return connection


def _make(path: Path) -> None:
    """Makes the file, for its owner only; SQLite gives its companions the same mode.

    A file that exists is not touched: closing it would drop the locks of other connections.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except (OSError, ValueError) as error:
        raise StoreUnavailableError("the store's file cannot be made") from error


def _prepare(connection: sqlite3.Connection, timeout: float) -> None:
    """Sets the connection up, and the file if it is new."""
    # Nothing that the file itself brings is run.
    connection.execute("PRAGMA trusted_schema = OFF")
    # Nothing is changed in a file that is not ours.
    connection.execute("BEGIN")
    _is_new(connection)
    connection.execute("COMMIT")
    connection.execute("PRAGMA synchronous = FULL")
    # On macOS, FULL means nothing without it; elsewhere it has no effect.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA secure_delete = ON")
    mode = _journal_mode(connection, timeout)
    if mode != "wal" or _value(connection, "synchronous") not in _DURABLE:
        raise StoreUnavailableError("the store's file cannot be kept safe against a power cut")
    connection.execute("BEGIN IMMEDIATE")
    # Asked again: another process may have made it meanwhile.
    if _is_new(connection):
        connection.execute(TABLE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    connection.execute("COMMIT")
    _refuse_damage(connection)


def _refuse_damage(connection: sqlite3.Connection) -> None:
    """Reads the file once, to find what no record tells: a row that cannot be read is not listed.

    Raises:
        StoreCorruptionError: Its pages or rows do not fit together.
    """
    if _value(connection, "quick_check(1)") != "ok":
        raise StoreCorruptionError("the store's file is damaged")


def _journal_mode(connection: sqlite3.Connection, timeout: float) -> object:
    """The journal mode, after asking for WAL.

    SQLite itself does not wait here for another connection that asks at the same time.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return _value(connection, "journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE)


def _is_new(connection: sqlite3.Connection) -> bool:
    """Whether nothing is in the file; asked in a transaction, so that the answers belong together.

    Raises:
        StoreFormatError: What is in it is not ours, a backup, or of a newer version.
    """
    application, version = _value(connection, "application_id"), _value(connection, "user_version")
    if application == APPLICATION_ID and version == FORMAT_VERSION:
        return False
    if application == BACKUP_ID:
        raise StoreBackupError("the file is a backup: use restore")
    if application == APPLICATION_ID:
        raise StoreFormatError("the store is of a newer version of this program")
    if (application, version, _value(connection, "schema_version")) != (0, 0, 0):
        raise StoreFormatError("the file belongs to another program")
    return True


def _value(connection: sqlite3.Connection, pragma: str) -> object:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return value
