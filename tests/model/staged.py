# SPDX-License-Identifier: MIT OR Apache-2.0
"""A worker of the real library that stops where the model does: before and after its commit.

The call runs in a thread of its own, so that others go on while it stands between two steps.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue
from typing import final

import e2ee
from e2ee.store import LentStore, Store, StoreSecret, Transaction, Write
from tests.model import state

#: How long a stage may take; more is a deadlock.
TIMEOUT = 60.0

Outcome = bytes | Exception | None


class CutError(Exception):
    """What the path does to a call here: its process dies, or its caller gives up."""


@final
class WatchedTransaction:
    """A transaction that remembers whether something was written."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner
        self.wrote = False

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The record as the store has it."""
        return self._inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """The names as the store has them."""
        return self._inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        """Passes the writes on."""
        self.wrote = self.wrote or bool(writes)
        self._inner.apply(writes)


@final
class Stops:
    """Where the next transaction waits for an order: before its commit and after it."""

    def __init__(self) -> None:
        self.armed = False
        self.news: SimpleQueue[str] = SimpleQueue()
        self.orders: SimpleQueue[Exception | None] = SimpleQueue()

    def disarm(self) -> bool:
        """Whether this transaction waits; those after it do not."""
        armed, self.armed = self.armed, False
        return armed

    def stop(self, stage: str) -> None:
        """Waits, and raises what it is told to."""
        self.news.put(stage)
        order = self.orders.get(timeout=TIMEOUT)
        if order is not None:
            raise order


@contextmanager
def staged(inner: AbstractContextManager[Transaction], stops: Stops) -> Iterator[Transaction]:
    """A transaction that stops if it was armed, and goes on as it is told."""
    armed, refused = stops.disarm(), False
    try:
        with inner as transaction:
            watched = WatchedTransaction(transaction)
            try:
                yield watched
            except e2ee.E2EEError:
                refused = True
                raise
            if armed and watched.wrote:
                stops.stop(state.STEPPED)
    except e2ee.E2EEError:
        if armed and refused:
            stops.stop(state.CONFIRMED)
        raise
    if armed:
        stops.stop(state.CONFIRMED)


@final
class StagedStore:
    """A store whose next transaction stops before its commit and after it."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.stops = Stops()

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction that stops if it was armed."""
        return staged(self.inner.transaction(), self.stops)

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


@final
class StagedLentStore:
    """The same on a connection of the application's, whose own transactions stop by themselves."""

    def __init__(self, inner: LentStore) -> None:
        self.inner = inner
        self.stops = Stops()

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction that stops if it was armed."""
        return staged(self.inner.transaction(), self.stops)

    def in_transaction(self) -> bool:
        """Whether the application's is open."""
        return self.inner.in_transaction()

    def joined(self) -> AbstractContextManager[Transaction]:
        """A part of the application's."""
        return self.inner.joined()

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


@final
class StagedWorker:
    """An account with a thread for its calls."""

    def __init__(self, store: StagedStore | StagedLentStore) -> None:
        self.store = store
        self.account = e2ee.Account.open(store)
        self._thread: threading.Thread | None = None
        self._outcome: Outcome = None

    def begin(self, call: Callable[[e2ee.Account], bytes | None]) -> str:
        """Starts a call, and returns the stage at which it stops."""

        def run() -> None:
            try:
                self._outcome = call(self.account)
            except (CutError, e2ee.E2EEError) as error:
                self._outcome = error
            self.store.stops.news.put(state.IDLE)

        self.store.stops.armed = True
        self._thread = threading.Thread(target=run)
        self._thread.start()
        return self.store.stops.news.get(timeout=TIMEOUT)

    def go_on(self, order: Exception | None = None) -> str:
        """Lets the call go on to its next stage, or raises something where it stands."""
        self.store.stops.orders.put(order)
        return self.store.stops.news.get(timeout=TIMEOUT)

    def finish(self, order: Exception | None = None) -> Outcome:
        """Lets the call end; what came out of it."""
        assert self._thread is not None
        assert self.go_on(order) == state.IDLE
        self._thread.join(TIMEOUT)
        self._thread = None
        return self._outcome

    def abandon(self) -> None:
        """Ends a call wherever it stands."""
        if self._thread is not None:
            for _ in range(2):
                self.store.stops.orders.put(CutError())
            self._thread.join(TIMEOUT)
            self._thread = None

    def is_busy(self) -> bool:
        """Whether a call stands between two stages."""
        return self._thread is not None
