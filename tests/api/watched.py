# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store that counts its commits, waits where a test wants it to, and fails on purpose."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import final

from e2ee.errors import StoreConflictError, StoreOutcomeUnknownError, StoreUnavailableError
from e2ee.store import Store, StoreSecret, Transaction, Write

#: Seconds after which a test that waits for a thread has failed.
PATIENCE = 20


class Place(Enum):
    """Where a transaction can wait; at the last two, one that has changed something."""

    BEGIN = "before it begins"
    MADE = "before its commit"
    DURABLE = "after its commit"


class Fault(Enum):
    """How a commit fails."""

    CONFLICT = "another process was quicker"
    UNDONE = "it was undone, and nobody knows"
    DONE = "it was made, and nobody knows"
    FULL = "the disk is full"


@final
class Gate:
    """Where one transaction waits, until it is let through."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.reached = threading.Event()
        self._opened = threading.Event()

    def open(self) -> None:
        """Lets the transaction through."""
        self._opened.set()

    def wait(self) -> None:
        """Waits, in the transaction's thread."""
        self.reached.set()
        assert self._opened.wait(PATIENCE), "nobody opened the gate"


@final
class Watched:
    """A store around another one."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        #: Transactions that were committed and have changed something.
        self.commits = 0
        #: How each of the next commits fails; `None` if it does not.
        self.faults: deque[Fault | None] = deque()
        self.gates: deque[Gate] = deque()
        #: Whether a transaction is open that is not durable yet.
        self.uncommitted = False
        #: What transactions were ended by.
        self.ended_by: list[type[BaseException]] = []

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    def gate(self, place: Place) -> Gate:
        """Makes the next transaction that comes to a place wait there."""
        gate = Gate(place)
        self.gates.append(gate)
        return gate

    def _pass(self, place: Place) -> None:
        if self.gates and self.gates[0].place is place:
            self.gates.popleft().wait()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is watched."""
        self._pass(Place.BEGIN)
        fault = None
        try:
            with self.inner.transaction() as transaction:
                watched = _Transaction(transaction, self)
                yield watched
                if watched.changed:
                    self._pass(Place.MADE)
                fault = self.faults.popleft() if self.faults and watched.changed else None
                _fail_before(fault)
        except BaseException as error:
            self.ended_by.append(type(error))
            raise
        finally:
            self.uncommitted = False
        self.commits += watched.changed
        if watched.changed:
            self._pass(Place.DURABLE)
        if fault is Fault.DONE:
            raise StoreOutcomeUnknownError("the line broke")

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes another secret."""
        assert hasattr(self.inner, "rekeyed"), "a store whose key stays"
        done: bool = self.inner.rekeyed(secret)
        return done

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


def _fail_before(fault: Fault | None) -> None:
    if fault is Fault.CONFLICT:
        raise StoreConflictError("another process was quicker")
    if fault is Fault.UNDONE:
        raise StoreOutcomeUnknownError("the line broke")
    if fault is Fault.FULL:
        raise StoreUnavailableError("the disk is full")


@final
class _Transaction:
    def __init__(self, inner: Transaction, store: Watched) -> None:
        self._inner = inner
        self._store = store
        self.changed = False
        self.get, self.list = inner.get, inner.list

    def apply(self, writes: Sequence[Write], /) -> None:
        if writes:
            self.changed = self._store.uncommitted = True
        self._inner.apply(writes)
