# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stores with a planted fault, which the gates must find. They reach into the real one."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar, final

import e2ee
from e2ee.store import Exchanged, Store, StoreSecret, Transaction, Write
from e2ee.store._sqlite_transaction import OWN, SQLiteTransaction
from tests.stores.kinds import store_of

_T = TypeVar("_T")

#: How often a forgetful store loses a transaction.
FORGOTTEN: Final = 0.05


def real(folder: Path, name: str) -> e2ee.SQLiteStore:
    """The store that the others are made of."""
    store = store_of(folder, name)
    assert isinstance(store, e2ee.SQLiteStore)
    return store


def connection(store: Store) -> sqlite3.Connection:
    """What a store in a file does not show; those with a planted fault have it too."""
    found = getattr(store, "_connection", None)
    assert isinstance(found, sqlite3.Connection)
    return found


@final
class EarlyStore:
    """Says that a transaction is durable, and commits it before the next one begins."""

    def __init__(self, inner: e2ee.SQLiteStore) -> None:
        self._inner, self._connection = inner, connection(inner)

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction whose commit comes later."""
        self._settle()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield SQLiteTransaction(self._connection, OWN)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def _settle(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Commits and closes."""
        self._settle()
        self._inner.close()


@final
class PiecewiseStore:
    """Commits each record by itself."""

    def __init__(self, inner: e2ee.SQLiteStore) -> None:
        self._inner, self._connection = inner, connection(inner)

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is none."""
        yield SQLiteTransaction(self._connection, OWN)

    def close(self) -> None:
        """Closes the store inside."""
        self._inner.close()


@final
class HopefulStore:
    """Takes a commit that failed for one that was made."""

    def __init__(self, inner: e2ee.SQLiteStore) -> None:
        self._inner, self._connection = inner, connection(inner)

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction whose end is not looked at."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield SQLiteTransaction(self._connection, OWN)
            with suppress(sqlite3.Error):
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Closes the store inside."""
        self._inner.close()


@final
class BlindTransaction:
    """Writes over whatever revision it finds."""

    def __init__(self, inner: SQLiteTransaction) -> None:
        self._inner = inner

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """As in the real one."""
        return self._inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """As in the real one."""
        return self._inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes records, whoever else did."""
        for name, _, revision, sealed in writes:
            present = self._inner.get(name)
            base = 0 if present is None else present[0]
            if base or revision is not None:
                self._inner.apply([(name, base, revision, sealed)])


@final
class ForgetfulTransaction:
    """Loses what it was given, now and then."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """As in the real one."""
        return self._inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """As in the real one."""
        return self._inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes records, as a rule."""
        if random.random() < FORGOTTEN:  # noqa: S311 - now and then
            return
        self._inner.apply(writes)


@final
class ForgetfulStore:
    """Loses a transaction now and then, and says nothing."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that may be lost."""
        with self._inner.transaction() as transaction:
            yield ForgetfulTransaction(transaction)

    def close(self) -> None:
        """Closes the store inside."""
        self._inner.close()


@final
class BlindStore:
    """Begins without a lock, and writes without looking at revisions."""

    def __init__(self, inner: e2ee.SQLiteStore) -> None:
        self._inner, self._connection = inner, connection(inner)

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of nobody in particular."""
        yield BlindTransaction(SQLiteTransaction(self._connection, OWN))

    def close(self) -> None:
        """Closes the store inside."""
        self._inner.close()


@final
class TrustingStore:
    """Takes sessions at rest for those that are stored."""

    def __init__(self, inner: e2ee.SQLiteStore) -> None:
        self._inner, self._connection = inner, connection(inner)
        self.transaction = inner.transaction

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    def exchange(self, work: Callable[[Callable[[Exchanged], bool]], _T | None]) -> _T | None:
        """Changes the record, whatever it and its witness are."""

        def change(row: Exchanged) -> bool:
            self._connection.execute(
                "UPDATE record SET revision = ?, sealed = ? WHERE name = ?", row[:3]
            )
            return True

        with self._inner.transaction():
            return work(change)

    def close(self) -> None:
        """Closes the store inside."""
        self._inner.close()


def early(folder: Path, name: str) -> Store:
    """Acknowledges before the commit."""
    return EarlyStore(real(folder, name))


def piecewise(folder: Path, name: str) -> Store:
    """Commits each record by itself."""
    return PiecewiseStore(real(folder, name))


def hopeful(folder: Path, name: str) -> Store:
    """Does not look whether it has committed."""
    return HopefulStore(real(folder, name))


def forgetful(folder: Path, name: str) -> Store:
    """Loses a transaction now and then."""
    return ForgetfulStore(real(folder, name))


def blind(folder: Path, name: str) -> Store:
    """Has neither locks nor revisions."""
    return BlindStore(real(folder, name))


def trusting(folder: Path, name: str) -> Store:
    """Compares no rows with what is known of them."""
    return TrustingStore(real(folder, name))


def unsynced(folder: Path, name: str) -> Store:
    """Never syncs."""
    store = real(folder, name)
    connection(store).execute("PRAGMA synchronous = OFF")
    return store


def half_synced(folder: Path, name: str) -> Store:
    """Syncs before checkpoints only, as many advise."""
    store = real(folder, name)
    connection(store).execute("PRAGMA synchronous = NORMAL")
    return store
