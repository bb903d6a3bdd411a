# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store in an SQLite file: durable before anything leaves it, shared by threads and processes."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, final

from e2ee.errors import StaleSessionError, StoreConflictError, StoreCorruptionError
from e2ee.store._secret import Bytes, store_secret
from e2ee.store._sqlite_errors import translated
from e2ee.store._sqlite_file import connect
from e2ee.store._turn import Turn

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from e2ee._core import StoreSecret
    from e2ee.store.protocol import Write

_T = TypeVar("_T")
_GET: Final = "SELECT revision, sealed FROM record WHERE name = ?"
_LIST: Final = "SELECT name, revision FROM record WHERE name >= ? ORDER BY name"
_DELETE: Final = "DELETE FROM record WHERE name = ? AND revision = ?"
_INSERT: Final = (
    "INSERT INTO record (name, revision, sealed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_UPDATE: Final = "UPDATE record SET revision = ?, sealed = ? WHERE name = ? AND revision = ?"


@final
class SQLiteStore:
    """Keeps sealed records in an SQLite file, which is made for its owner only.

    Give exactly one of `key` and `passphrase`. A copy of the file that is put back later uses
    message keys twice: never restore one.

    Args:
        path: The file.
        key: 32 uniformly random bytes. The caller's copy cannot be wiped from here.
        passphrase: What a person remembers; it is stretched when the account is made or opened.
        timeout: How many seconds to wait for other processes.

    Raises:
        StoreError: The file cannot be used; the subclass says why.

    >>> import e2ee, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with e2ee.SQLiteStore(f"{folder}/alice.db", passphrase="correct horse") as store:
    ...         e2ee.Account.create(store, "alice")
    Account('alice.1')
    """

    __slots__ = ("_connection", "_secret", "_turn")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        key: Bytes | None = None,
        passphrase: str | Bytes | None = None,
        timeout: float = 5.0,
    ) -> None:
        self._secret = store_secret(key, passphrase)
        # A path, so that no name has a special meaning to SQLite.
        self._connection = connect(Path(path).absolute(), timeout)
        self._turn = Turn()

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""
        return self._secret

    @contextmanager
    def transaction(self) -> Iterator[SQLiteTransaction]:
        """A transaction, which is on disk when its block has ended, or undone if that raised.

        Raises:
            TransactionOpenError: One is open in this thread.
            StoreBusyError: Another process holds the store for longer than the timeout.
        """
        with self._turn:
            with translated():
                self._connection.execute("BEGIN IMMEDIATE")
            transaction = SQLiteTransaction(self._connection)
            try:
                yield transaction
                with translated():
                    self._connection.execute("COMMIT")
            finally:
                transaction.end()
                self._undo()

    def _undo(self) -> None:
        """Ends what was not committed; if that fails too, the file is whole without it."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Closes the file."""
        if self._turn.is_closed() or self._turn.is_foreign():
            return
        with self._turn, translated():
            self._turn.close()
            self._connection.close()

    def __enter__(self) -> Self:
        """The store, which is closed when the block ends."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the store."""
        self.close()

    def __repr__(self) -> str:
        """The type alone."""
        return "SQLiteStore()"


@final
class SQLiteTransaction:
    """An open transaction of an `SQLiteStore`."""

    __slots__ = ("_connection", "_open")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._open = True

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The revision and the sealed bytes of a record, or `None` if there is none."""
        with translated():
            row = self._execute(_GET, name).fetchone()
        return None if row is None else (_checked(row[0], int), _checked(row[1], bytes))

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """Names and revisions of the records whose names begin so, in the order of code points."""
        with translated():
            rows = self._execute(_LIST, prefix)
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

    def _apply(self, write: Write) -> int:
        """The number of records that one write changed."""
        name, base, revision, sealed = write
        if revision is None:
            return self._execute(_DELETE, name, base).rowcount
        if base == 0:
            return self._execute(_INSERT, name, revision, sealed).rowcount
        return self._execute(_UPDATE, revision, sealed, name, base).rowcount

    def end(self) -> None:
        """Refuses all further use."""
        self._open = False

    def _execute(self, statement: str, *values: str | int | bytes | None) -> sqlite3.Cursor:
        if not self._open:
            raise StaleSessionError("the transaction has ended: open another one")
        return self._connection.execute(statement, values)


def _checked(value: object, kind: type[_T]) -> _T:
    """A value of a row; the table's rules say its type, but the file may hold another table."""
    if not isinstance(value, kind) or (isinstance(value, int) and value < 1):
        raise StoreCorruptionError("the store's file is damaged")
    return value
