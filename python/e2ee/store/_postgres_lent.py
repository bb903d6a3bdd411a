# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store on the application's own PostgreSQL connection (docs/storage.md, "Lent connections").

Its rows and ours are one transaction.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, final

from e2ee._core import Turn
from e2ee.errors import (
    InvalidArgumentError,
    StoreOutcomeUnknownError,
    StoreRollbackError,
    StoreUnavailableError,
    TransactionOpenError,
)
from e2ee.store import _postgres_commit
from e2ee.store._postgres_driver import driver
from e2ee.store._postgres_errors import translated
from e2ee.store._postgres_guard import Guard, timeline_of
from e2ee.store._postgres_link import LentLink
from e2ee.store._postgres_locks import Locks, check_names, weakness
from e2ee.store._postgres_schema import check, prepare
from e2ee.store._postgres_transaction import PostgresTransaction, Statements
from e2ee.store._secret import Key, Passphrase, store_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from e2ee._core import StoreSecret
    from e2ee.store.anchor import Anchor

#: For the making of tables, whatever the application has set; nothing of its own is run instead.
_PREPARING: Final = (
    b"SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = pg_catalog"
)
_SAVEPOINT: Final = b"e2ee_part"


@final
class LentPostgresStore:
    """Keeps sealed records beside the application's own tables; made by `PostgresStore.on`."""

    __slots__ = ("_connection", "_guard", "_link", "_locks", "_secret", "_statements", "_turn")

    def __init__(
        self,
        connection: Connection[Any],
        secret: StoreSecret,
        place: tuple[str, str],
        anchor: Anchor | None,
    ) -> None:
        schema, account = place
        self._connection = connection
        self._link = LentLink(connection)
        self._locks = Locks(schema, account)
        self._secret = secret
        self._statements = Statements(schema, account)
        self._turn = Turn()
        self._refuse_open()
        try:
            with translated():
                self._begin(_PREPARING)
            prepare(self._link, schema)
            _postgres_commit.commit(self._link)
            self._guard = Guard() if anchor is None else self._guarded(anchor)
        finally:
            _postgres_commit.undo(self._link)

    def _guarded(self, anchor: Anchor) -> Guard:
        """The anchor, and the timeline of the connection's server."""
        with translated():
            self._begin(_PREPARING)
        return Guard(anchor, timeline_of(self._link))

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""
        return self._secret

    @property
    def anchor(self) -> Anchor | None:
        """What a database that was set back is found by."""
        return self._guard.anchor

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """A transaction that has the account for itself, and is durable when its block has ended.

        It is undone if the block raised, and as isolated as the application's own are.

        Raises:
            TransactionOpenError: One is open on the connection.
            StoreUnavailableError: The server could lose the commit, or is gone.
            StoreBusyError: Others use the account for longer than the connection's `lock_timeout`.
            StoreConflictError: Others have used it since the transaction's snapshot was made.
            StoreOutcomeUnknownError: The connection broke during the commit.
        """
        with self._turn:
            self._refuse_open()
            self._refuse_encoding()
            try:
                with translated():
                    self._begin(b"")
                transaction = self._locked(b"", self._guard)
                try:
                    yield transaction
                    self._commit(transaction)
                except StoreRollbackError:
                    _postgres_commit.confirm(self._link)
                    raise
                finally:
                    transaction.end()
            finally:
                _postgres_commit.undo(self._link)

    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection, or a pipeline."""
        status = driver().pq.TransactionStatus
        now = self._connection.info.transaction_status
        return now not in {status.IDLE, status.UNKNOWN} or self._is_pipelined()

    @contextmanager
    def joined(self) -> Iterator[PostgresTransaction]:
        """A part of the application's transaction, which is undone alone if its block raises.

        The account is held until the application's transaction ends.

        Raises:
            TransactionOpenError: The application's transaction has failed, or a pipeline is open.
            StoreUnavailableError: The server could lose the commit, or is gone.
            StoreBusyError: Others use the account for longer than the connection's `lock_timeout`.
            StoreConflictError: Others have used it since the transaction's snapshot was made, or
                wait for what this one holds: the application's transaction cannot succeed.
        """
        with self._turn:
            self._refuse_failed()
            self._refuse_encoding()
            transaction: PostgresTransaction | None = None
            try:
                part = replace(self._guard, is_part=True)
                transaction = self._locked(b"SAVEPOINT " + _SAVEPOINT + b"; ", part)
                yield transaction
                with translated():
                    self._link.execute(b"RELEASE " + _SAVEPOINT, prepare=False)
            except BaseException as error:
                with suppress(driver().Error):
                    back = b"ROLLBACK TO %b; RELEASE %b" % (_SAVEPOINT, _SAVEPOINT)
                    self._link.execute(back, prepare=False)
                if isinstance(error, StoreRollbackError):
                    _postgres_commit.confirm(self._link)
                raise
            finally:
                if transaction is not None:
                    transaction.end()

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes the secret under which the records are sealed from now on: see `Account.rekey`.

        Returns:
            False: the server keeps older versions of the rows (docs/storage.md, "Keys").
        """
        self._secret = secret
        return False

    def close(self) -> None:
        """Ends the use of the connection, which stays open: it is the application's."""
        if self._turn.is_foreign() or self._turn.is_closed():
            return
        with self._turn:
            self._turn.close()

    def _begin(self, then: bytes) -> None:
        """Begins as the application's own transactions do, and runs something in it."""
        begin = b""
        # Otherwise, psycopg begins before the first statement.
        if self._connection.autocommit:
            level = self._connection.isolation_level
            begin = b"BEGIN"
            if level is not None:
                begin += b" ISOLATION LEVEL " + level.name.replace("_", " ").encode()
        statements = b"; ".join(each for each in (begin, then) if each)
        if statements:
            self._link.execute(statements, prepare=False)

    def _locked(self, before: bytes, guard: Guard) -> PostgresTransaction:
        """The transaction, once it has its lock, and the server could not lose the commit."""
        with translated():
            cursor = self._link.execute(before + self._locks.inside, prepare=False)
            while cursor.nextset():
                pass
            version, *settings, isolation, reads_only = cursor.fetchone() or (None,) * 7
        check(version)
        fault = weakness(tuple(settings))
        if fault is not None:
            raise StoreUnavailableError(fault)
        # The snapshot of others was made before the lock was there; who only reads reuses nothing.
        stale = isolation not in {"read committed", "read uncommitted"} and reads_only == "off"
        statements = self._statements
        return PostgresTransaction(self._link, statements, guard=guard, may_be_stale=stale)

    def _commit(self, transaction: PostgresTransaction) -> None:
        if not self.in_transaction() and not self._link.closed:
            raise StoreOutcomeUnknownError("the block has ended the transaction: nothing has left")
        if not transaction.is_changed:
            _postgres_commit.wait_for_log(self._link)
        _postgres_commit.commit(self._link)

    def _is_pipelined(self) -> bool:
        off = driver().pq.PipelineStatus.OFF
        return not self._link.closed and self._connection.info.pipeline_status != off

    def _refuse_open(self) -> None:
        if self.in_transaction():
            raise TransactionOpenError(
                "a transaction is open on the connection, which without autocommit any statement "
                "begins: commit or roll back first"
            )

    def _refuse_failed(self) -> None:
        """Refuses a transaction in which nothing can be done any more."""
        if self._is_pipelined():
            raise TransactionOpenError("a pipeline is open on the connection: end it first")
        failed = driver().pq.TransactionStatus.INERROR
        if self._connection.info.transaction_status == failed:
            raise TransactionOpenError("the application's transaction has failed: roll it back")

    def _refuse_encoding(self) -> None:
        """Refuses a connection that cannot carry every name; asked anew, like all else."""
        if not self._link.closed and self._connection.info.encoding != "utf-8":
            raise StoreUnavailableError("the connection has another encoding: set it to UTF8")

    def __repr__(self) -> str:
        """The type alone."""
        return "LentPostgresStore()"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: the connection belongs to one process."""
        msg = "a store cannot be copied"
        raise TypeError(msg)


def lend(  # noqa: PLR0913 - options, each by its name
    connection: Connection[Any],
    *,
    key: Key | None = None,
    passphrase: Passphrase | None = None,
    secret: StoreSecret | None = None,
    schema: str = "e2ee",
    account: str = "main",
    anchor: Anchor | None = None,
) -> LentPostgresStore:
    """A store on a psycopg connection that stays the application's, beside its tables.

    The application's rows and ours can be one transaction: see `Account.queue`, `Account.receive`
    and `Account.handled`. The connection is never closed from here, is used as the application set
    it up (by one thread at a time), and is refused whenever a crash of the server could undo what
    it has committed. The tables are those of `PostgresStore`, which other workers may use.

    Args:
        connection: Open, with no transaction; not one of asyncio.
        key: 32 uniformly random bytes, or what is called for them. The caller's copy cannot be
            wiped from here; a `bytearray` that comes from a call is.
        passphrase: What a person remembers, or what is called for it, likewise; it is stretched
            when the account is made or opened.
        secret: A `StoreSecret`, from a file descriptor for instance.
        schema: The schema of the tables, made if it is missing: 1 to 63 bytes in UTF-8, no %.
        account: Which of the accounts in these tables, a name of 1 to 255 characters.
        anchor: As of `PostgresStore`.

    Raises:
        TransactionOpenError: A transaction is open on the connection.
        StoreError: The database cannot be used; the subclass says why.
        InvalidArgumentError: A name is out of its range, or this is no such connection.
    """
    check_names(schema, account)
    made = store_secret(key, passphrase, secret)
    if not isinstance(connection, driver().Connection):
        raise InvalidArgumentError("a connection of psycopg is needed, not one of asyncio")
    store = LentPostgresStore(connection, made, (schema, account), anchor)
    with store.transaction():
        pass
    return store
