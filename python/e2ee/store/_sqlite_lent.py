# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store on the application's own SQLite connection (docs/storage.md, "Lent connections").

Its rows and ours are one transaction.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, final

from e2ee._core import Turn
from e2ee.errors import (
    InvalidArgumentError,
    StoreFormatError,
    StoreOutcomeUnknownError,
    StoreUnavailableError,
    TransactionOpenError,
)
from e2ee.store._secret import Key, Passphrase, store_secret
from e2ee.store._sqlite_errors import translated
from e2ee.store._sqlite_transaction import SQLiteTransaction, Statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2ee._core import StoreSecret
    from e2ee.store.anchor import Anchor

#: The version of our tables in a database that is not ours.
FORMAT_VERSION: Final = 1
_TABLES: Final = (
    "CREATE TABLE e2ee_version (number INTEGER NOT NULL) STRICT",
    (
        "CREATE TABLE e2ee_record (name TEXT PRIMARY KEY, revision INTEGER NOT NULL, "
        "sealed BLOB NOT NULL) STRICT, WITHOUT ROWID"
    ),
    # A number of ours.
    f"INSERT INTO e2ee_version VALUES ({FORMAT_VERSION})",  # noqa: S608
)
_LENT: Final = Statements("e2ee_record")
#: The levels of `synchronous` at which a commit survives a power cut, for each journal mode in
#: which one can: behind a deleted journal, only EXTRA syncs the folder.
_DURABLE: Final = {"wal": {2, 3}, "truncate": {2, 3}, "persist": {2, 3}, "delete": {3}}
_SAVEPOINT: Final = "e2ee_part"


@final
class LentSQLiteStore:
    """Keeps sealed records beside the application's own tables; made by `SQLiteStore.on`."""

    __slots__ = ("_anchor", "_connection", "_secret", "_turn")

    def __init__(
        self, connection: sqlite3.Connection, secret: StoreSecret, anchor: Anchor | None
    ) -> None:
        self._anchor = anchor
        self._connection = connection
        self._secret = secret
        self._turn = Turn()
        if connection.text_factory is not str or getattr(connection, "autocommit", -1) is False:
            raise InvalidArgumentError(
                "the connection has its own text_factory, or autocommit=False: open it otherwise"
            )
        if connection.in_transaction:
            raise TransactionOpenError("a transaction is open on the connection: end it first")
        with translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._prepare()
                connection.execute("COMMIT")
            finally:
                self._undo()

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""
        return self._secret

    @property
    def anchor(self) -> Anchor | None:
        """What a copy of the database is found by."""
        return self._anchor

    @contextmanager
    def transaction(self) -> Iterator[SQLiteTransaction]:
        """A transaction, which is on disk when its block has ended, or undone if that raised.

        Raises:
            TransactionOpenError: One is open on the connection.
            StoreUnavailableError: The connection could lose a commit in a power cut.
            StoreBusyError: Another process holds the file for longer than its timeout.
            StoreOutcomeUnknownError: The application's code has ended the transaction.
        """
        with self._turn:
            if self._connection.in_transaction:
                raise TransactionOpenError("the application's transaction is open: commit it first")
            self._refuse_weakness()
            with translated():
                self._connection.execute("BEGIN IMMEDIATE")
            transaction = SQLiteTransaction(self._connection, _LENT, self._anchor)
            try:
                yield transaction
                if not self.in_transaction():
                    raise StoreOutcomeUnknownError(
                        "the block has ended the transaction: nothing has left"
                    )
                with translated():
                    self._connection.execute("COMMIT")
            finally:
                transaction.end()
                self._undo()

    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection."""
        return self._connection.in_transaction

    @contextmanager
    def joined(self) -> Iterator[SQLiteTransaction]:
        """A part of the application's transaction, which is undone alone if its block raises.

        Raises:
            StoreUnavailableError: The connection could lose a commit in a power cut.
        """
        with self._turn:
            self._refuse_weakness()
            with translated():
                self._connection.execute(f"SAVEPOINT {_SAVEPOINT}")
            transaction = SQLiteTransaction(self._connection, _LENT, self._anchor, is_part=True)
            try:
                yield transaction
            except BaseException:
                # A fault of the disk has undone the application's transaction too.
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
                        self._connection.execute(f"RELEASE {_SAVEPOINT}")
                raise
            else:
                with translated():
                    self._connection.execute(f"RELEASE {_SAVEPOINT}")
            finally:
                transaction.end()

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes the secret under which the records are sealed from now on: see `Account.rekey`.

        Returns:
            False: the file is the application's to rewrite (docs/storage.md, "Keys").
        """
        self._secret = secret
        return False

    def close(self) -> None:
        """Ends the use of the connection, which stays open: it is the application's."""
        if self._turn.is_foreign() or self._turn.is_closed():
            return
        with self._turn:
            self._turn.close()

    def _prepare(self) -> None:
        """Makes our tables, if they are not there."""
        found = self._value("SELECT count(*) FROM sqlite_schema WHERE name = 'e2ee_version'")
        if found == 0:
            for statement in _TABLES:
                self._connection.execute(statement)
        if self._value("SELECT number FROM e2ee_version") != FORMAT_VERSION:
            raise StoreFormatError("the store is of a newer version of this program: update")

    def _refuse_weakness(self) -> None:
        """Refuses a connection that could lose a commit; asked anew, as the application sets it."""
        with translated():
            mode, level = self._value("PRAGMA journal_mode"), self._value("PRAGMA synchronous")
        if level not in _DURABLE.get(str(mode), set()):
            raise StoreUnavailableError(
                "a power cut could undo a commit: set journal_mode to WAL and synchronous to FULL"
            )

    def _value(self, statement: str) -> object:
        cursor = self._connection.cursor()
        cursor.row_factory = None
        row = cursor.execute(statement).fetchone()
        return None if row is None else row[0]

    def _undo(self) -> None:
        """Ends what was not committed; if that fails too, the file is whole without it."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def __repr__(self) -> str:
        """The type alone."""
        return "LentSQLiteStore()"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: the connection belongs to one process."""
        msg = "a store cannot be copied"
        raise TypeError(msg)


def lend(
    connection: sqlite3.Connection,
    *,
    key: Key | None = None,
    passphrase: Passphrase | None = None,
    secret: StoreSecret | None = None,
    anchor: Anchor | None = None,
) -> LentSQLiteStore:
    """A store on a connection that stays the application's, beside its tables.

    The application's rows and ours can be one transaction: see `Account.queue`, `Account.receive`
    and `Account.handled`. The connection is never closed from here, is used as the application set
    it up (by one thread at a time, unless it allows more), and is refused whenever a power cut
    could undo what it has committed. The tables are called `e2ee_record` and `e2ee_version`.

    Args:
        connection: Open, with no transaction, and not with `autocommit=False`.
        key: 32 uniformly random bytes, or what is called for them. The caller's copy cannot be
            wiped from here; a `bytearray` that comes from a call is.
        passphrase: What a person remembers, or what is called for it, likewise; it is stretched
            when the account is made or opened.
        secret: A `StoreSecret`, from a file descriptor for instance.
        anchor: As of `SQLiteStore`.

    Raises:
        TransactionOpenError: A transaction is open on the connection.
        StoreUnavailableError: The connection could lose a commit in a power cut.
        InvalidArgumentError: The connection is set up so that it cannot be used.
    """
    store = LentSQLiteStore(connection, store_secret(key, passphrase, secret), anchor)
    with store.transaction():
        pass
    return store
