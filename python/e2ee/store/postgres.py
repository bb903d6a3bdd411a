# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store in a PostgreSQL database: one account for many workers, on as many machines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, final

from e2ee.errors import InvalidArgumentError, StoreRollbackError, StoreUnavailableError
from e2ee.store import _postgres_commit
from e2ee.store._postgres_errors import translated
from e2ee.store._postgres_lent import lend
from e2ee.store._postgres_locks import Locks, check_names, weakness
from e2ee.store._postgres_pool import Pool
from e2ee.store._postgres_schema import check, prepare
from e2ee.store._postgres_transaction import PostgresTransaction, Statements
from e2ee.store._secret import Key, Passphrase, store_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from e2ee._core import StoreSecret
    from e2ee.store._postgres_pool import Link
    from e2ee.store.anchor import Anchor
    from e2ee.store.protocol import Scope

#: Seconds: a day.
MAX_TIMEOUT: Final = 86_400.0


@final
class PostgresStore:
    """Keeps sealed records in a PostgreSQL database; needs the extra `libe2ee[postgres]`.

    Give exactly one of `key`, `passphrase` and `secret`. Threads, processes and machines may open
    the same account; those that work on different peers do not wait for each other. A server that
    could lose an acknowledged commit is refused, whenever a transaction begins. A database that is
    restored from a backup, or a standby that was behind, uses message keys twice: see
    docs/storage.md.

    Args:
        conninfo: Where the database is: a connection string or URI of libpq, or its parameters.
        key: 32 uniformly random bytes, or what is called for them. The caller's copy cannot be
            wiped from here; a `bytearray` that comes from a call is.
        passphrase: What a person remembers, or what is called for it, likewise; it is stretched
            when the account is made or opened.
        secret: A `StoreSecret`, from a file descriptor for instance.
        schema: The schema of the tables, made if it is missing: 1 to 63 bytes in UTF-8, no %.
        account: Which of the accounts in these tables, a name of 1 to 255 characters.
        timeout: How many seconds to wait for others.
        connections: How many threads at most are inside a transaction; each uses a connection.
        anchor: What finds a database that was set back, and a fail-over to a standby that was
            behind: see docs/guides/anchor.md. Without it, such a store is not opened again.
            Senders wait for each other then.

    Raises:
        StoreError: The database cannot be used; the subclass says why.
        InvalidArgumentError: A name, the timeout or the number of connections is out of its range.
    """

    __slots__ = ("_anchor", "_locks", "_pool", "_secret", "_statements")

    def __init__(  # noqa: PLR0913 - options, each by its name
        self,
        conninfo: str | Mapping[str, object],
        *,
        key: Key | None = None,
        passphrase: Passphrase | None = None,
        secret: StoreSecret | None = None,
        schema: str = "e2ee",
        account: str = "main",
        timeout: float = 5.0,
        connections: int = 16,
        anchor: Anchor | None = None,
    ) -> None:
        self._anchor = anchor
        self._secret = store_secret(key, passphrase, secret)
        check_names(schema, account)
        _check(timeout, connections)
        self._locks = Locks(schema, account)
        self._statements = Statements(schema, account)
        self._pool = Pool(conninfo, size=connections, timeout=timeout, anchor=anchor)
        with self._pool.turn():
            link = self._pool.opened()
            try:
                prepare(link, schema)
                self._begin(link, self._locks.alone)
                link.execute("ROLLBACK", prepare=False)
            except BaseException:
                link.close()
                raise
            self._pool.put_back(link)

    on = staticmethod(lend)

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""
        return self._secret

    @property
    def anchor(self) -> Anchor | None:
        """What a database that was set back is found by."""
        return self._anchor

    def transaction(self) -> AbstractContextManager[PostgresTransaction]:
        """A transaction that has the account for itself, and is durable when its block has ended.

        It is undone if the block raised.

        Raises:
            TransactionOpenError: One is open in this thread.
            StoreBusyError: Others use the account for longer than the timeout.
            StoreOutcomeUnknownError: The connection broke during the commit.
        """
        return self._transaction(self._locks.alone, None)

    def beside(self, scope: Scope) -> AbstractContextManager[PostgresTransaction]:
        """A transaction about a few records, beside those of others that are about other records.

        What the scope does not name can be read, and stays as it is meanwhile; a change of it
        raises `StoreConflictError`, and may be repeated in a transaction of the other kind.

        Raises:
            TransactionOpenError: One is open in this thread.
            InvalidArgumentError: The scope has no records of its own.
            StoreBusyError: Others use the same records for longer than the timeout.
            StoreOutcomeUnknownError: The connection broke during the commit.
        """
        if not scope.own:
            raise InvalidArgumentError("a scope names its own records")
        return self._transaction(self._locks.beside(scope.own), scope)

    @contextmanager
    def snapshot(self) -> Iterator[PostgresTransaction]:
        """The records at one moment, to be read while others go on writing.

        Raises:
            TransactionOpenError: A transaction is open in this thread.
            StoreUnavailableError: The server cannot be reached.
        """
        with self._pool.turn():
            link = self._begun(self._locks.snapshot)
            guard = self._pool.guard(link)
            transaction = PostgresTransaction(link, self._statements, None, guard)
            try:
                yield transaction
            finally:
                transaction.end()
                _postgres_commit.undo(link)
                self._pool.put_back(link)

    @contextmanager
    def _transaction(self, begin: bytes, scope: Scope | None) -> Iterator[PostgresTransaction]:
        with self._pool.turn():
            link = self._begun(begin)
            try:
                guard = self._pool.guard(link)
                transaction = PostgresTransaction(link, self._statements, scope, guard)
                try:
                    yield transaction
                    if not transaction.is_changed:
                        _postgres_commit.wait_for_log(link)
                    _postgres_commit.commit(link)
                except StoreRollbackError:
                    _postgres_commit.confirm(link)
                    raise
                finally:
                    transaction.end()
            finally:
                _postgres_commit.undo(link)
                self._pool.put_back(link)

    def _begun(self, begin: bytes) -> Link:
        """A connection inside a transaction; if one that was kept is broken, a new one."""
        while True:
            kept = self._pool.idle()
            link = self._pool.opened() if kept is None else kept
            try:
                self._begin(link, begin)
            except BaseException as error:
                lost = kept is not None and link.closed
                _postgres_commit.undo(link)
                self._pool.put_back(link)
                if not lost or not isinstance(error, StoreUnavailableError):
                    raise
                self._pool.forget_idle()
            else:
                return link

    @staticmethod
    def _begin(link: Link, begin: bytes) -> None:
        """Begins, waits for the locks, and refuses a server that could lose the commit."""
        with translated():
            cursor = link.execute(begin, prepare=False)
            while cursor.nextset():
                pass
            version, *settings = cursor.fetchone() or (None,)
        check(version)
        fault = weakness(tuple(settings))
        if fault is not None:
            raise StoreUnavailableError(fault)

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes the secret under which the records are sealed from now on: see `Account.rekey`.

        Returns:
            False: the server keeps rows under the secret before (docs/storage.md, "Keys").
        """
        self._secret = secret
        return False

    def close(self) -> None:
        """Closes the connections; those that other threads use, when their transactions end."""
        self._pool.close()

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
        return "PostgresStore()"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: connections belong to one process."""
        msg = "a store cannot be copied"
        raise TypeError(msg)


def _check(timeout: float, connections: int) -> None:
    """Refuses what the server could not keep."""
    if not 0 < timeout <= MAX_TIMEOUT:
        raise InvalidArgumentError("a timeout is above zero, and of a day at most")
    if connections < 1:
        raise InvalidArgumentError("a store needs a connection")
