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
from e2ee.store import (
    Anchor,
    AnchoredTransaction,
    LentStore,
    Store,
    StoreSecret,
    Transaction,
    Write,
)
from tests.model import state

#: The record that a step of a store with an anchor changes if it spends a message key.
GENERATION = "generation"
#: How long a stage may take; more is a deadlock.
TIMEOUT = 60.0

Outcome = bytes | Exception | None


class CutError(Exception):
    """What the path does to a call here: its process dies, or its caller gives up."""


@final
class Stops:
    """Where the next transaction waits for an order: before its commit and after it."""

    def __init__(self) -> None:
        self.armed = False
        #: Whether the next thing that the anchor is told is of a commit that waited here.
        self.tells = False
        #: And whether it held something else, and is looked at next.
        self.looks = False
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


@final
class StagedAnchor:
    """An anchor at which whoever tells it of a commit of its own waits for an order."""

    def __init__(self, inner: Anchor, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops

    def read(self) -> bytes | None:
        """The value; a worker that was not the one to set it waits after it has looked."""
        value = self._inner.read()
        if self._stops.looks:
            self._stops.looks = False
            self._stops.stop(state.CONFIRMED)
        return value

    def advance(self, old: bytes | None, new: bytes, /) -> bool:
        """Sets the value, and waits if this is of the worker's own commit."""
        done = self._inner.advance(old, new)
        if self._stops.tells:
            self._stops.tells, self._stops.looks = False, not done
            if done:
                self._stops.stop(state.CONFIRMED)
        return done


@final
class WatchedTransaction:
    """A transaction that remembers whether something was written."""

    def __init__(self, inner: Transaction, stops: Stops) -> None:
        self._inner = inner
        self._stops = stops
        self.written: set[str] = set()

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The record as the store has it."""
        return self._inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """The names as the store has them."""
        return self._inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        """Passes the writes on."""
        self.written.update(name for name, _, _, _ in writes)
        self._inner.apply(writes)

    @property
    def anchor(self) -> Anchor | None:
        """That of the store inside, where a worker stops."""
        held: Anchor | None = getattr(self._inner, "anchor", None)
        return None if held is None else StagedAnchor(held, self._stops)

    def wrote(self, name: str, /) -> bool | None:
        """As the transaction inside says."""
        inner: AnchoredTransaction = self._inner  # type: ignore[assignment] # those of ours are
        return inner.wrote(name)


@contextmanager
def staged(inner: AbstractContextManager[Transaction], stops: Stops) -> Iterator[Transaction]:
    """A transaction that stops if it was armed, and goes on as it is told."""
    armed, refused = stops.disarm(), False
    try:
        with inner as transaction:
            watched = WatchedTransaction(transaction, stops)
            try:
                yield watched
            except e2ee.E2EEError:
                refused = True
                raise
            if armed and watched.written:
                stops.stop(state.STEPPED)
    except e2ee.E2EEError:
        if armed and refused:
            stops.stop(state.CONFIRMED)
        raise
    if armed:
        stops.stop(state.CONFIRMED)
        stops.tells = GENERATION in watched.written


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

    @property
    def anchor(self) -> Anchor | None:
        """That of the store inside, if it has one."""
        return getattr(self.inner, "anchor", None)

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
        #: Where its call stands.
        self.stage = state.IDLE
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
        self.stage = self.store.stops.news.get(timeout=TIMEOUT)
        return self.stage

    def go_on(self, order: Exception | None = None) -> str:
        """Lets the call go on to its next stage, or raises something where it stands."""
        self.let_go_on(order)
        self.stage = self.store.stops.news.get(timeout=TIMEOUT)
        return self.stage

    def finish(self, order: Exception | None = None) -> Outcome:
        """Lets the call end; what came out of it."""
        self.let_go_on(order)
        return self.ended()

    def let_go_on(self, order: Exception | None = None) -> None:
        """Lets the call go on, and does not wait for it."""
        self.store.stops.orders.put(order)

    def ended(self) -> Outcome:
        """What came out of a call that stops no more."""
        assert self._thread is not None
        self.stage = self.store.stops.news.get(timeout=TIMEOUT)
        assert self.stage == state.IDLE
        self._thread.join(TIMEOUT)
        self._thread = None
        return self._outcome

    def abandon(self) -> None:
        """Ends a call wherever it stands."""
        if self._thread is not None:
            for _ in range(3):
                self.store.stops.orders.put(CutError())
            self._thread.join(TIMEOUT)
            self._thread = None

    def is_busy(self) -> bool:
        """Whether a call stands between two stages."""
        return self._thread is not None
