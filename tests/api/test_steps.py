# SPDX-License-Identifier: MIT OR Apache-2.0
"""Steps and transactions: nothing leaves before its commit, and nothing of a store is hidden."""

import copy
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

import e2ee
from e2ee import _core
from e2ee.store import StoreSecret, Transaction, Write

Pair = tuple[e2ee.Account, e2ee.Account]


class DiskFailureError(Exception):
    """What this store raises; it is no error of ours."""


class FailingStore:
    """A store of an application's own, over one in memory, that fails where it is told to."""

    def __init__(self) -> None:
        self.inner = e2ee.MemoryStore()
        self.fails_at = ""

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of the store inside."""
        with self.inner.transaction() as transaction:
            yield FailingTransaction(self, transaction)
            self.fail("commit")
        self.fail("after the commit")

    def fail(self, place: str) -> None:
        """Fails, if this is the place."""
        if self.fails_at == place:
            raise DiskFailureError(place)

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


class FailingTransaction:
    """A transaction of a `FailingStore`."""

    def __init__(self, store: FailingStore, inner: Transaction) -> None:
        self.store = store
        self.inner = inner

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """A record of the store inside."""
        self.store.fail("get")
        return self.inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """Names of the store inside."""
        self.store.fail("list")
        return self.inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes the store inside."""
        self.store.fail("apply")
        self.inner.apply(writes)


PLACES = ["get", "apply", "commit", "after the commit"]


@pytest.mark.parametrize("place", PLACES)
def test_a_failing_store_releases_nothing(bob: e2ee.Account, place: str) -> None:
    store = FailingStore()
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())
    first = alice.encrypt("bob", b"first")

    store.fails_at = place
    with pytest.raises(DiskFailureError, match=place):
        alice.encrypt("bob", b"lost")
    store.fails_at = ""
    second = alice.encrypt("bob", b"second")

    opened = [bob.decrypt("alice", envelope).plaintext for envelope in (second, first)]
    assert opened == [b"second", b"first"]


@pytest.mark.parametrize("place", PLACES)
def test_a_failing_store_does_not_lose_what_comes_in(alice: e2ee.Account, place: str) -> None:
    store = FailingStore()
    bob = e2ee.Account.create(store, "bob")
    alice.connect("bob", bob.bundle())
    envelope = alice.encrypt("bob", b"important")

    store.fails_at = place
    with pytest.raises(DiskFailureError), bob.receive("alice", envelope):
        pytest.fail("the message was shown before it was saved")
    store.fails_at = ""

    with bob.receive("alice", envelope) as message:
        assert message.plaintext == b"important"


@pytest.mark.parametrize("place", ["get", "list"])
def test_an_exception_of_a_store_comes_out_unchanged(place: str) -> None:
    store = FailingStore()
    e2ee.Account.create(store, "alice")
    store.fails_at = place

    with pytest.raises(DiskFailureError) as caught:
        e2ee.Account.open(store)

    assert caught.value.__cause__ is None
    assert caught.traceback[-1].name == "fail"


@pytest.mark.parametrize("record", [(1, "text"), (-1, b""), (2**64, b""), 7, ("1", b"")], ids=repr)
def test_a_store_that_answers_nonsense_is_refused(
    monkeypatch: pytest.MonkeyPatch, record: object
) -> None:
    store = FailingStore()
    alice = e2ee.Account.create(store, "alice")
    monkeypatch.setattr(FailingTransaction, "get", lambda *_: record)

    with pytest.raises((TypeError, OverflowError)):
        alice.bundle()


def step_of(pair: Pair, store: e2ee.MemoryStore) -> _core.Step[_core.Account]:
    """A step that nobody has saved."""
    with store.transaction() as transaction:
        return _core.Account.create(store.secret, transaction, pair[0].address)


def test_a_step_gives_its_result_once(pair: Pair) -> None:
    step = step_of(pair, e2ee.MemoryStore())
    writes = step.writes

    first = step.release()
    with pytest.raises(e2ee.StaleSessionError):
        step.release()

    assert first.user == "alice"
    assert {name for name, *_ in writes} == {"store", "identity", "index", "prekeys"}
    assert all(base == 0 and revision == 1 for _, base, revision, _ in writes)


def test_a_step_that_is_dropped_changes_nothing(pair: Pair) -> None:
    store = e2ee.MemoryStore()

    step_of(pair, store)

    assert e2ee.Account.create(store, "alice").user == "alice"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_holds_secrets_cannot_be_copied(
    pair: Pair, duplicate: Callable[[object], object]
) -> None:
    store = e2ee.MemoryStore()
    step = step_of(pair, store)

    for secret in (store, store.secret, step, step.release()):
        with pytest.raises(TypeError):
            duplicate(secret)


def test_what_holds_secrets_shows_nothing(pair: Pair) -> None:
    store = e2ee.MemoryStore(key=b"0123456789abcdef0123456789abcdef")

    for shown in (repr(store), repr(store.secret), repr(step_of(pair, store))):
        assert "0123456789" not in shown
        assert "alice" not in shown


@pytest.mark.parametrize("key", [bytes(32), bytearray(32), memoryview(bytes(32))], ids=type)
def test_a_key_may_be_any_bytes(key: bytes | bytearray | memoryview) -> None:
    assert e2ee.Account.create(e2ee.MemoryStore(key=key), "alice").user == "alice"
