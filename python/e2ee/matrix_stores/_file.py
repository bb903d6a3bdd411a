# SPDX-License-Identifier: MIT OR Apache-2.0
"""The SQLite file of another program: read as it is, and never written."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, final

from e2ee.errors import (
    StoreBusyError,
    StoreCorruptionError,
    StoreError,
    StoreFormatError,
    StoreMissingError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Row = dict[str, object]

_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
#: How an SQLite file begins.
_MAGIC: Final = b"SQLite format 3\x00"
#: Bytes 18 and 19 of a file that is written through a log (sqlite.org, fileformat2.html §1.3).
_LOGGED: Final = b"\x02\x02"
_TIMEOUT_SECONDS: Final = 5.0


@contextmanager
def reading(path: Path) -> Iterator[Tables]:
    """The tables at one moment; what others write meanwhile is not seen.

    The file and its write-ahead log (`-wal`) are not changed, and what the log holds is read like
    the rest. Where there is a log, SQLite may make its index (`-shm`) beside it; where there is
    none, nothing is made.

    Raises:
        StoreMissingError: There is no such file.
        StoreFormatError: It is no database of SQLite.
        StoreError: It cannot be read.
    """
    before = _stamp(path)
    unlogged = _begin(path)[18:20] == _LOGGED and not _log(path).exists()
    # Without a log nobody has the file open, and SQLite would make one to read it.
    mode = "immutable=1" if unlogged else "mode=ro"
    name = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(
            f"file:{name}?{mode}", uri=True, timeout=_TIMEOUT_SECONDS, isolation_level=None
        )
        with closing(connection):
            # Nothing that the file itself brings is run, and text that is none stops nothing.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            connection.execute("BEGIN")
            yield Tables(connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # SQLite quotes damage in its messages, which need not be text then.
        raise _translation(error) from error
    if unlogged and (_log(path).exists() or _stamp(path) != before):
        raise StoreBusyError("the program that owns the store has started: stop it")


@final
class Tables:
    """What can be asked of the file."""

    __slots__ = ("_columns", "_connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; none if there is no such table."""
        if table not in self._columns:
            rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            self._columns[table] = frozenset(name for (name,) in rows)
        return self._columns[table]

    def rows(
        self, table: str, columns: Sequence[str], *, order: Sequence[str] = ()
    ) -> Iterator[Row]:
        """All rows of a table, in this order; what is not there is not ordered by.

        A column that this version of the table does not have is `None`.
        """
        there = self.columns(table)
        if not there:
            return
        names = [f'"{name}"' if name in there else f'NULL AS "{name}"' for name in columns]
        by = [term for term in order if term.split()[0] in there]
        # All names are this module's callers' own.
        statement = f'SELECT {", ".join(names)} FROM "{table}"'  # noqa: S608
        if by:
            statement += f" ORDER BY {', '.join(by)}"
        for row in self._connection.execute(statement):
            yield dict(zip(columns, row, strict=True))

    def version(self, table: str) -> int:
        """The number in a table of one row.

        Raises:
            StoreFormatError: There is none.
        """
        found = [row["version"] for row in self.rows(table, ["version"])]
        if len(found) == 1 and isinstance(found[0], int):
            return found[0]
        raise StoreFormatError("the store does not say of which version it is")


def _stamp(path: Path) -> tuple[int, int]:
    """What differs when a file was written."""
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise StoreMissingError("there is no file of this name") from error
    except (OSError, ValueError) as error:
        raise StoreUnavailableError("the file cannot be read") from error
    return found.st_size, found.st_mtime_ns


def _begin(path: Path) -> bytes:
    """The first bytes of a database."""
    try:
        with path.open("rb") as file:
            begin = file.read(20)
    except OSError as error:
        raise StoreUnavailableError("the file cannot be read") from error
    if not begin.startswith(_MAGIC):
        raise StoreFormatError(
            "the file is no database: give the SQLite file of matrix-nio or mautrix"
        )
    return begin


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _translation(error: Exception) -> StoreError:
    """SQLite's error as ours, which says what helps."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    if code & 0xFF in _BUSY:
        return StoreBusyError("the program that owns the store is writing: stop it")
    if code & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}:
        return StoreUnavailableError(
            "the file cannot be read as it is: copy it with what stands beside it to a folder of"
            " yours, or start the program once more and end it well"
        )
    return StoreCorruptionError("the file is damaged: do not take an older copy, make a new device")
