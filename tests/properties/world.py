# SPDX-License-Identifier: MIT OR Apache-2.0
"""The world of the properties: people with a store, processes that die, and rows to compare."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Protocol, final

import e2ee
from e2ee.store import RekeyableStore, Store, StoreSecret, Transaction
from tests.stores import protocols as spoken
from tests.stores.protocols import SIGNAL

#: A store's rows: name to revision and sealed bytes.
Rows = dict[str, tuple[int, bytes]]

INDEX_ROW = "index"
SESSION_PREFIX = "session/"
PEER_PREFIX = "peer/"
BASE_KEY_DIGITS = 64


def read_rows(store: Store) -> Rows:
    """All rows of a store."""
    with store.transaction() as transaction:
        found = ((name, transaction.get(name)) for name, _ in transaction.list(""))
        return {name: row for name, row in found if row is not None}


def put_rows(store: Store, wanted: Rows) -> None:
    """Makes these the rows of a store, as someone does who writes the file."""
    with store.transaction() as transaction:
        present = transaction.list("")
        transaction.apply([(name, revision, None, None) for name, revision in present])
        transaction.apply([(name, 0, *row) for name, row in wanted.items()])


def copy_of(rows: Rows, key: bytes) -> e2ee.MemoryStore:
    """A store of its own with the same rows: what someone has who copied the file."""
    store = e2ee.MemoryStore(key=key)
    put_rows(store, rows)
    return store


def is_head(name: str) -> bool:
    """Whether a row is the head of a session: its name ends with the base key."""
    return name.startswith(SESSION_PREFIX) and len(name.rsplit("/", 1)[1]) == BASE_KEY_DIGITS


def head_revisions(rows: Rows) -> dict[str, int]:
    """The revisions of the sessions' heads."""
    return {name: revision for name, (revision, _) in rows.items() if is_head(name)}


class CrashError(Exception):
    """The process dies here."""


class Moment(Enum):
    """When a process dies, as its transaction sees it."""

    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"


@final
class FaultyStore:
    """A store under which the process can die: before a commit, or before it heard of it."""

    def __init__(self, inner: RekeyableStore) -> None:
        self.inner = inner
        self._faults: list[Moment | None] = []

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    def die(self, moment: Moment, transactions_before: int = 0) -> None:
        """Lets the process die in one of the next transactions."""
        self._faults = [None] * transactions_before + [moment]

    def survived(self) -> bool:
        """Whether the process lives on because the transaction never came; forgets the fault."""
        left = bool(self._faults)
        self._faults = []
        return left

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that may end with a crash."""
        moment = self._faults.pop(0) if self._faults else None
        with self.inner.transaction() as transaction:
            yield transaction
            if moment is Moment.BEFORE_COMMIT:
                raise CrashError
        if moment is Moment.AFTER_COMMIT:
            raise CrashError

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Tells the store inside."""
        return self.inner.rekeyed(secret)

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


class OpensStores(Protocol):
    """Opens the store of a person, again and again the same."""

    def __call__(self, name: str) -> RekeyableStore:
        """The store of this person."""


@final
class Person:
    """Someone with an account, whose process can die and come back."""

    def __init__(self, name: str, opens: OpensStores, protocol: spoken.Protocol = SIGNAL) -> None:
        self.name = name
        self._opens = opens
        self.store = FaultyStore(opens(name))
        self.account = protocol.created(self.store, name)

    def rows(self) -> Rows:
        """The rows of the store."""
        return read_rows(self.store.inner)

    def restart(self) -> None:
        """Forgets the process and opens the store anew."""
        self.store = FaultyStore(self._opens(self.name))
        self.account = e2ee.Account.open(self.store)

    def refuses(self, act: Callable[[], object], *errors: type[e2ee.E2EEError]) -> e2ee.E2EEError:
        """The refusal of what must be refused, and must change no row."""
        before = self.rows()
        try:
            result = act()
        except errors as refusal:
            assert self.rows() == before, "a refusal changed the store"
            return refusal
        msg = f"{self.name} accepted what had to be refused: {result!r}"
        raise AssertionError(msg)


def pair(
    protocol: spoken.Protocol = SIGNAL,
) -> tuple[e2ee.Account, e2ee.Account, e2ee.MemoryStore, e2ee.MemoryStore]:
    """Alice and Bob, who have heard of each other, and their stores."""
    alice_store, bob_store = e2ee.MemoryStore(), e2ee.MemoryStore()
    alice, bob = protocol.created(alice_store, "alice"), protocol.created(bob_store, "bob")
    alice.connect(bob.address, bob.bundle())
    bob.decrypt(alice.address, alice.encrypt(bob.address, b"Hello, Bob."))
    alice.decrypt(bob.address, bob.encrypt(alice.address, b"Hello, Alice."))
    return alice, bob, alice_store, bob_store
