# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store whose writes are watched one by one, so that something can happen before each of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import final

from e2ee.store import RekeyableStore, Store, StoreSecret, Transaction, Write


def let(_: Write) -> None:
    """Lets a write happen."""


@final
class WatchedStore:
    """Asks before each write; what it is told of another secret goes to the store inside."""

    def __init__(self, inner: RekeyableStore, watch: Callable[[Write], None] = let) -> None:
        self.inner, self.watch = inner, watch
        #: How many bytes came at a time.
        self.batches: list[int] = []

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is watched."""
        with self.inner.transaction() as transaction:
            yield WatchedTransaction(transaction, self)

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Tells the store inside."""
        return self.inner.rekeyed(secret)

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


@final
class WatchedTransaction:
    """Makes each write by itself."""

    def __init__(self, inner: Transaction, store: WatchedStore) -> None:
        self.inner, self.store = inner, store

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """As the transaction inside."""
        return self.inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """As the transaction inside."""
        return self.inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        """Makes the writes, unless the watch stops one."""
        self.store.batches.append(sum(len(sealed or b"") for _, _, _, sealed in writes))
        for write in writes:
            self.store.watch(write)
            self.inner.apply([write])


@final
class PlainStore:
    """A store that knows nothing of changes of its key."""

    def __init__(self, inner: Store) -> None:
        self.secret, self.transaction, self.close = inner.secret, inner.transaction, inner.close
