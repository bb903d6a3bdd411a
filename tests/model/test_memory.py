# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a process remembers between transactions must be what is stored, or be thrown away.

The model's fault `CACHE_BY_REVISION`, in the library. After a fail-over another worker may have
counted up to a remembered revision again; and a row that was read inside a transaction may be one
that is never committed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import e2ee
from e2ee._protocols import signal_of
from e2ee.store import Transaction
from tests.properties.world import put_rows, read_rows


class UndoneError(Exception):
    """The caller's block fails."""


@dataclass(slots=True)
class Pasts:
    """A worker that lives on, one of the other past, and peers that neither knows."""

    before: e2ee.Account
    behind: e2ee.Account
    store: e2ee.MemoryStore
    erin: e2ee.Account


@pytest.fixture
def pasts() -> Pasts:
    """Both have made as many changes since the rows were copied, but not the same."""
    store = e2ee.MemoryStore()
    people = {
        name: e2ee.Account.create(e2ee.MemoryStore(), name)
        for name in ("bob", "carol", "dave", "erin")
    }
    before = e2ee.Account.create(store, "alice")
    before.connect("bob", people["bob"].bundle())
    copied = read_rows(store)
    before.connect("carol", people["carol"].bundle())
    before.encrypt("bob", b"of one past")
    put_rows(store, copied)
    behind = e2ee.Account.open(store)
    behind.connect("dave", people["dave"].bundle())
    behind.encrypt("bob", b"of the other")
    return Pasts(before, behind, store, people["erin"])


def test_a_worker_of_another_past_does_not_damage_the_index(pasts: Pasts) -> None:
    with pytest.raises(e2ee.StoreRollbackError):
        pasts.before.connect("erin", pasts.erin.bundle())

    assert len(e2ee.Account.open(pasts.store).contacts()) == 2


def test_a_worker_of_another_past_does_not_send(pasts: Pasts) -> None:
    with pytest.raises(e2ee.StoreRollbackError):
        pasts.before.encrypt("bob", b"of which past?")


def test_the_worker_of_the_present_past_goes_on(pasts: Pasts) -> None:
    pasts.behind.encrypt("dave", b"goes on")

    assert len(pasts.behind.contacts()) == 2


def test_steps_that_were_undone_together_are_forgotten() -> None:
    store, bob = e2ee.MemoryStore(), e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())

    def two_steps() -> None:
        with store.transaction() as transaction:
            for text in (b"one", b"two"):
                step = alice._inner.encrypt(transaction, e2ee.Address("bob"), text)  # noqa: SLF001
                transaction.apply(step.writes)
            raise UndoneError

    with pytest.raises(UndoneError):
        two_steps()

    assert bob.decrypt("alice", alice.encrypt("bob", b"three")).plaintext == b"three"


def test_what_was_read_of_an_undone_transaction_is_forgotten() -> None:
    store, bob = e2ee.MemoryStore(), e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice = e2ee.Account.create(store, "alice")
    core = signal_of(alice._inner)  # noqa: SLF001
    whom, bundle = e2ee.Address("bob"), bob.bundle().to_bytes()

    def connected_and_read() -> None:
        with store.transaction() as transaction:
            step = core.connect(transaction, whom, bundle)
            transaction.apply(step.writes)
            assert len(alice._inner.contacts(transaction)) == 1  # noqa: SLF001
            sending = alice._inner.encrypt(transaction, whom, b"never sent")  # noqa: SLF001
            transaction.apply(sending.writes)
            raise UndoneError

    with pytest.raises(UndoneError):
        connected_and_read()

    assert alice.contacts() == []
    alice.connect("bob", bundle)
    assert bob.decrypt("alice", alice.encrypt("bob", b"sent")).plaintext == b"sent"


def test_a_damaged_index_teaches_a_process_nothing() -> None:
    store, bob = e2ee.MemoryStore(), e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())
    sound = read_rows(store)
    revision, sealed = sound["index"]
    put_rows(store, sound | {"index": (revision + 1_000, sealed[:-1] + b"\x00\x01")})

    with pytest.raises(e2ee.StoreCorruptionError):
        alice.encrypt("bob", b"never sent")

    put_rows(store, sound)
    assert bob.decrypt("alice", alice.encrypt("bob", b"sent")).plaintext == b"sent"


class LosingStore:
    """A store whose commits are made, but may not be answered."""

    def __init__(self) -> None:
        self.inner = e2ee.MemoryStore()
        self.secret = self.inner.secret
        self.loses = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is kept; whether the caller learns that is another matter."""
        with self.inner.transaction() as transaction:
            yield transaction
        if self.loses:
            raise e2ee.StoreOutcomeUnknownError("nobody knows")

    def close(self) -> None:
        """Forgets all."""
        self.inner.close()


def test_rows_of_a_commit_of_unknown_outcome_are_remembered_once_they_are_seen() -> None:
    store, bob = LosingStore(), e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())
    before = read_rows(store.inner)
    store.loses = True
    with pytest.raises(e2ee.StoreOutcomeUnknownError):
        alice.encrypt("bob", b"nobody knows")
    store.loses = False
    assert len(alice.contacts()) == 1

    put_rows(store.inner, before)

    with pytest.raises(e2ee.StoreRollbackError):
        alice.encrypt("bob", b"never sent")
