# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store in an SQLite file: durable before anything leaves it, shared by threads and processes."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

from e2ee._core import Turn
from e2ee.errors import StoreBusyError, StoreError
from e2ee.store._secret import Key, Passphrase, store_secret
from e2ee.store._sqlite_errors import ERRORS, translated, translation
from e2ee.store._sqlite_file import connect
from e2ee.store._sqlite_lent import lend
from e2ee.store._sqlite_reading import reading
from e2ee.store._sqlite_transaction import OWN, SQLiteTransaction

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from e2ee._core import StoreSecret
    from e2ee.store._sqlite_reading import SQLiteReading
    from e2ee.store.anchor import Anchor
    from e2ee.store.protocol import Exchanged

_T = TypeVar("_T")


@final
class SQLiteStore:
    """Keeps sealed records in an SQLite file, which is made for its owner only.

    Give exactly one of `key`, `passphrase` and `secret`. A copy of the file that is put back later
    uses message keys twice: never restore one. With an anchor
    that is found.

    Args:
        path: The file.
        key: 32 uniformly random bytes, or what is called for them. The caller's copy cannot be
            wiped from here; a `bytearray` that comes from a call is.
        passphrase: What a person remembers, or what is called for it, likewise; it is stretched
            when the account is made or opened.
        secret: A `StoreSecret`, from a file descriptor for instance.
        timeout: How many seconds to wait for other processes.
        anchor: What finds a copy of the file that is put back or used twice: see
            docs/guides/anchor.md. From then on the store is not opened without it.

    Raises:
        StoreError: The file cannot be used; the subclass says why.

    >>> import e2ee, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with e2ee.SQLiteStore(f"{folder}/alice.db", passphrase="correct horse") as store:
    ...         e2ee.Account.create(store, "alice")
    Account('alice.1')
    """

    __slots__ = ("_anchor", "_connection", "_cursor", "_path", "_secret", "_turn")

    def __init__(  # noqa: PLR0913 - options, each by its name
        self,
        path: str | os.PathLike[str],
        *,
        key: Key | None = None,
        passphrase: Passphrase | None = None,
        secret: StoreSecret | None = None,
        timeout: float = 5.0,
        anchor: Anchor | None = None,
    ) -> None:
        self._anchor = anchor
        self._secret = store_secret(key, passphrase, secret)
        # A path, so that no name has a special meaning to SQLite.
        self._path = Path(path).absolute()
        self._connection = connect(self._path, timeout)
        self._cursor = self._connection.cursor()
        self._turn = Turn()

    on = staticmethod(lend)

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""
        return self._secret

    @property
    def anchor(self) -> Anchor | None:
        """What a copy of the file is found by."""
        return self._anchor

    @contextmanager
    def transaction(self) -> Iterator[SQLiteTransaction]:
        """A transaction, which is on disk when its block has ended, or undone if that raised.

        Raises:
            TransactionOpenError: One is open in this thread.
            StoreBusyError: Another process holds the store for longer than the timeout.
        """
        with self._turn:
            try:
                self._cursor.execute("BEGIN IMMEDIATE")
            except ERRORS as error:
                raise translation(error) from error
            transaction = SQLiteTransaction(self._connection, OWN, self._anchor)
            try:
                yield transaction
                with translated():
                    self._connection.execute("COMMIT")
            finally:
                transaction.end()
                self._undo()

    def exchange(self, work: Callable[[Callable[[Exchanged], bool]], _T | None]) -> _T | None:
        """Lets the work change one record in one statement, if it and another one are as known.

        Returns:
            What the work returns; `None` if the store has an anchor.

        Raises:
            TransactionOpenError: A transaction is open in this thread.
            StoreBusyError: Another process holds the store for longer than the timeout.
        """
        if self._anchor is not None:
            return None
        with self._turn:
            try:
                return work(self._exchange)
            except ERRORS as error:
                raise translation(error) from error

    def _exchange(self, change: Exchanged) -> bool:
        return self._cursor.execute(OWN.exchange, change).rowcount == 1

    def snapshot(self) -> AbstractContextManager[SQLiteReading]:
        """The records at one moment, to be read while others go on writing.

        Raises:
            TransactionOpenError: A transaction is open in this thread.
            StoreError: The file cannot be read.
        """
        with self._turn:
            return reading(self._path)

    def _undo(self) -> None:
        """Ends what was not committed; if that fails too, the file is whole without it."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes the secret under which the records are sealed from now on: see `Account.rekey`.

        Returns:
            Whether `scrub` has succeeded, so that nothing under the secret before is in the files.
        """
        self._secret = secret
        try:
            self.scrub()
        except StoreError:
            return False
        return True

    def scrub(self) -> None:
        """Rewrites the file, so that neither it nor its log has bytes of rows that are gone.

        Raises:
            TransactionOpenError: A transaction is open in this thread.
            StoreBusyError: Another connection uses the file for longer than the timeout.
            StoreUnavailableError: The disk has no room for a second copy, or fails.
        """
        with self._turn, translated():
            self._connection.execute("VACUUM")
            # What was written stands in the log until the checkpoint, with what was there before.
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreBusyError("another process holds the store")

    def close(self) -> None:
        """Closes the file."""
        if self._turn.is_foreign() or self._turn.is_closed():
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
