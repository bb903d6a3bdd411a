# SPDX-License-Identifier: MIT OR Apache-2.0
"""An open transaction of an `SQLiteStore`."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final, TypeVar, final

from e2ee.errors import StaleSessionError, StoreConflictError, StoreCorruptionError
from e2ee.store._sqlite_errors import ERRORS, translated, translation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from e2ee.store.anchor import Anchor
    from e2ee.store.protocol import Write

_T = TypeVar("_T")


@final
class Statements:
    """The statements on the table of this name."""

    __slots__ = ("delete", "exchange", "get", "insert", "list", "update")

    def __init__(self, table: str) -> None:
        # Made of our own texts alone.
        self.get = f"SELECT revision, sealed FROM {table} WHERE name = ?"  # noqa: S608
        self.list = f"SELECT name, revision FROM {table} WHERE name >= ? ORDER BY name"  # noqa: S608
        self.delete = f"DELETE FROM {table} WHERE name = ? AND revision = ?"  # noqa: S608
        self.insert = (
            f"INSERT INTO {table} (name, revision, sealed) VALUES (?, ?, ?) "  # noqa: S608
            "ON CONFLICT DO NOTHING"
        )
        self.update = f"UPDATE {table} SET revision = ?, sealed = ? WHERE name = ? AND revision = ?"  # noqa: S608
        witness = f"SELECT 1 FROM {table} WHERE name = ? AND revision = ? AND sealed = ?"  # noqa: S608
        self.exchange = f"{self.update} AND sealed = ? AND EXISTS ({witness})"


#: In a file of our own.
OWN: Final = Statements("record")


@final
class SQLiteTransaction:
    """An open transaction of an `SQLiteStore`."""

    __slots__ = ("_anchor", "_cursor", "_is_part", "_open", "_statements", "_written")

    def __init__(
        self,
        connection: sqlite3.Connection,
        statements: Statements,
        anchor: Anchor | None = None,
        *,
        is_part: bool = False,
    ) -> None:
        self._anchor = anchor
        self._is_part = is_part
        self._written: set[str] = set()
        self._cursor = connection.cursor()
        # Whatever the application has its own rows made into.
        self._cursor.row_factory = None
        self._open = True
        self._statements = statements

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The revision and the sealed bytes of a record, or `None` if there is none."""
        try:
            row = self._execute(self._statements.get, name).fetchone()
        except ERRORS as error:
            raise translation(error) from error
        if row is None:
            return None
        revision, sealed = row
        return _checked(revision, int), _checked(sealed, bytes)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """Names and revisions of the records whose names begin so, in the order of code points."""
        with translated():
            rows = self._execute(self._statements.list, prefix)
            found = list(takewhile(lambda row: _checked(row[0], str).startswith(prefix), rows))
        return [(name, _checked(revision, int)) for name, revision in found]

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes the records.

        Raises:
            StoreConflictError: A record does not have the revision that must be found.
        """
        for write in writes:
            with translated():
                changed = self._apply(write)
            if changed != 1:
                raise StoreConflictError("another process changed the record")
            self._written.add(write[0])

    @property
    def anchor(self) -> Anchor | None:
        """The anchor that the store was given."""
        return self._anchor

    def wrote(self, name: str, /) -> bool | None:
        """Whether this transaction has written the record; part of another, it may not know."""
        return name in self._written or (None if self._is_part else False)

    def _apply(self, write: Write) -> int:
        """The number of records that one write changed."""
        name, base, revision, sealed = write
        if revision is None or sealed is None:
            return self._execute(self._statements.delete, name, base).rowcount
        # Python's `sqlite3` looks for an adapter of each `bytes`, which takes longer than a copy.
        copy = bytearray(sealed)
        if base == 0:
            return self._execute(self._statements.insert, name, revision, copy).rowcount
        return self._execute(self._statements.update, revision, copy, name, base).rowcount

    def end(self) -> None:
        """Refuses all further use."""
        self._open = False
        # A list that was not read to its end would hold on to what it saw, and so stop a VACUUM.
        self._cursor.close()

    def _execute(self, statement: str, *values: str | int | bytearray) -> sqlite3.Cursor:
        if not self._open:
            raise StaleSessionError("the transaction has ended: open another one")
        return self._cursor.execute(statement, values)


def _checked(value: object, kind: type[_T]) -> _T:
    """A value of a row; the table's rules say its type, but the file may hold another table."""
    if not isinstance(value, kind) or (kind is int and value < 1):  # type: ignore[operator]
        raise StoreCorruptionError("the store's file is damaged")
    return value
