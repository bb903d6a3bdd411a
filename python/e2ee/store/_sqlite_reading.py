# SPDX-License-Identifier: MIT OR Apache-2.0
"""An SQLite file that is only read: of a store that others write, of a damaged one, of a backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final, final

from e2ee.errors import StoreFormatError
from e2ee.store._sqlite_errors import translated
from e2ee.store._sqlite_file import APPLICATION_ID, BACKUP_ID, FORMAT_VERSION
from e2ee.store._sqlite_transaction import OWN, SQLiteTransaction

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator
    from pathlib import Path

_NAMES: Final = "SELECT name, revision FROM record ORDER BY name"
#: Lines of SQLite's own check that are kept.
MAX_COMPLAINTS: Final = 20


@contextmanager
def reading(path: Path, timeout: float = 5.0) -> Iterator[SQLiteReading]:
    """The file at one moment; others may go on writing, and what they write is not seen.

    The file and its write-ahead log (`-wal`) are not changed, and what the log holds is read like
    the rest. SQLite may make the log's index (`-shm`), and an empty log, beside them.

    Raises:
        StoreError: It cannot be opened.
    """
    # As a URI, in which three characters have a meaning.
    name = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    with translated():
        connection = sqlite3.connect(
            f"file:{name}?mode=ro",
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
        )
    with closing(connection):
        with translated():
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
        yield SQLiteReading(connection)


@final
class SQLiteReading:
    """The records of a file, as a transaction shows them."""

    __slots__ = ("_connection", "_records")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._records = SQLiteTransaction(connection, OWN)

    def is_backup(self) -> bool:
        """Whether this is a backup, and not a store.

        Raises:
            StoreFormatError: It is neither, or of a newer version.
        """
        with translated():
            (application,) = self._connection.execute("PRAGMA application_id").fetchone()
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application not in {APPLICATION_ID, BACKUP_ID}:
            raise StoreFormatError("the file belongs to another program")
        if version != FORMAT_VERSION:
            raise StoreFormatError("the store is of a newer version of this program")
        return bool(application == BACKUP_ID)

    def complaints(self) -> tuple[str, ...]:
        """What SQLite itself finds wrong with the file; page numbers, and no content."""
        try:
            rows = self._connection.execute(f"PRAGMA integrity_check({MAX_COMPLAINTS})").fetchall()
        except sqlite3.Error:
            return ("the file cannot be checked",)
        lines = [line for (text,) in rows for line in str(text).splitlines()]
        return () if lines == ["ok"] else tuple(lines[:MAX_COMPLAINTS])

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The revision and the sealed bytes of a record, or `None` if there is none."""
        return self._records.get(name)

    def list(self, prefix: str, /) -> builtins.list[tuple[str, int]]:
        """Names and revisions of the records whose names begin so, in the order of code points."""
        return self._records.list(prefix)

    def readable(self) -> builtins.list[tuple[str, int]]:
        """Names and revisions of all records that a damaged file still shows: from both ends."""
        found = dict(self._listed(" DESC"))
        found.update(self._listed(""))
        return sorted(found.items())

    def _listed(self, order: str) -> Iterator[tuple[str, int]]:
        """Names and revisions as far as the file can be read."""
        with suppress(sqlite3.Error):
            for name, revision in self._connection.execute(_NAMES + order):
                if isinstance(name, str) and isinstance(revision, int) and revision > 0:
                    yield name, revision
