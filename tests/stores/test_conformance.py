# SPDX-License-Identifier: MIT OR Apache-2.0
"""What every store has to do, for each that we have (`e2ee.store.Store`)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import e2ee
from e2ee.store import Store, Write
from tests.properties.world import read_rows
from tests.stores.kinds import DURABLE, KINDS, introduced, kind_name
from tests.stores.protocols import Protocol

OTHER_KEY = bytes(32)
MAX_REVISION = (1 << 63) - 1

names = st.sampled_from(["index", "peer/a", "peer/b", "peer/", "a%", "a_", "é", "\U0001f511"])
writes = st.tuples(names, st.integers(0, 3), st.integers(1, 3), st.none() | st.binary(max_size=9))


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = request.param(tmp_path)
    yield opened
    opened.close()


def write(store: Store, *rows: Write) -> None:
    """One transaction with these writes."""
    with store.transaction() as transaction:
        transaction.apply(rows)


def test_a_new_store_is_empty(store: Store) -> None:
    with store.transaction() as transaction:
        assert transaction.get("index") is None
        assert transaction.list("") == []


@pytest.mark.parametrize("sealed", [b"", b"row", bytes(1 << 20)], ids=["empty", "short", "long"])
@pytest.mark.parametrize("revision", [1, MAX_REVISION])
def test_what_was_committed_is_read(store: Store, revision: int, sealed: bytes) -> None:
    write(store, ("index", 0, revision, sealed))

    with store.transaction() as transaction:
        assert transaction.get("index") == (revision, sealed)
        assert transaction.list("ind") == [("index", revision)]


def test_a_transaction_reads_its_own_writes(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.apply([("a", 0, 1, b"one"), ("b", 0, 1, b"two")])
        transaction.apply([("a", 1, 2, b"three"), ("b", 1, None, None)])

        assert transaction.get("a") == (2, b"three")
        assert transaction.get("b") is None
        assert transaction.list("") == [("a", 2)]


@pytest.mark.parametrize(
    "conflicting",
    [
        ("index", 0, 1, b"new"),
        ("index", 1, 3, b"new"),
        ("index", 3, 4, b"new"),
        ("index", 1, None, None),
        ("other", 1, 2, b"new"),
        ("other", 1, None, None),
    ],
)
def test_a_write_finds_the_revision_it_names(store: Store, conflicting: Write) -> None:
    write(store, ("index", 0, 2, b"row"))

    with pytest.raises(e2ee.StoreConflictError):
        write(store, ("before", 0, 1, b"undone"), conflicting, ("behind", 0, 1, b"never"))

    assert read_rows(store) == {"index": (2, b"row")}


def test_a_row_can_be_changed_deleted_and_made_again(store: Store) -> None:
    write(store, ("index", 0, 1, b"one"))
    write(store, ("index", 1, 2, b"two"))
    write(store, ("index", 2, None, None))
    assert read_rows(store) == {}

    write(store, ("index", 0, 1, b"again"))

    assert read_rows(store) == {"index": (1, b"again")}


def test_names_are_listed_in_the_order_of_code_points(store: Store) -> None:
    written = ["b", "a/2", "a/10", "a", "A", "é", "\uffee", "\U0001f511", "a0"]
    write(store, *((name, 0, 1, b"") for name in written))

    with store.transaction() as transaction:
        assert [name for name, _ in transaction.list("")] == sorted(written)
        assert [name for name, _ in transaction.list("a/")] == ["a/10", "a/2"]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("a%", ["a%b"]), ("a_", ["a_b"]), ("A", []), ("a", ["a%b", "a_b", "ab"]), ("ab*", [])],
)
def test_no_character_of_a_prefix_is_special(store: Store, prefix: str, found: list[str]) -> None:
    write(store, *((name, 0, 1, b"") for name in ("a%b", "a_b", "ab")))

    with store.transaction() as transaction:
        assert [name for name, _ in transaction.list(prefix)] == found


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, GeneratorExit])
def test_a_block_that_raises_undoes_everything(store: Store, error: type[BaseException]) -> None:
    write(store, ("kept", 0, 1, b"row"))

    def work() -> None:
        with store.transaction() as transaction:
            transaction.apply([("kept", 1, None, None), ("new", 0, 1, b"row")])
            raise error

    with pytest.raises(error):
        work()

    assert read_rows(store) == {"kept": (1, b"row")}


def test_a_nested_transaction_is_refused(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.apply([("index", 0, 1, b"row")])
        with pytest.raises(e2ee.TransactionOpenError), store.transaction():
            pass

    assert read_rows(store) == {"index": (1, b"row")}


def test_another_thread_waits_for_its_turn(store: Store) -> None:
    def count() -> None:
        for _ in range(50):
            with store.transaction() as transaction:
                found = transaction.get("count")
                base = 0 if found is None else found[0]
                transaction.apply([("count", base, base + 1, b"")])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read_rows(store) == {"count": (200, b"")}


@pytest.mark.parametrize(
    "use",
    [
        lambda transaction: transaction.get("index"),
        lambda transaction: transaction.list(""),
        lambda transaction: transaction.apply([("index", 0, 1, b"")]),
    ],
    ids=["get", "list", "apply"],
)
def test_a_transaction_ends_with_its_block(store: Store, use: Callable[[object], object]) -> None:
    with store.transaction() as transaction:
        pass

    with pytest.raises(e2ee.StaleSessionError):
        use(transaction)


def test_a_closed_store_is_not_used(store: Store) -> None:
    store.close()
    store.close()

    with pytest.raises(e2ee.StaleSessionError), store.transaction():
        pass


def test_an_account_is_made_once_and_opened_again(store: Store, protocol: Protocol) -> None:
    with pytest.raises(e2ee.StoreMissingError):
        e2ee.Account.open(store)
    made = protocol.created(store, "alice")

    with pytest.raises(e2ee.StoreExistsError):
        protocol.created(store, "alice")

    assert e2ee.Account.open(store).identity_key == made.identity_key


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_a_wrong_key_is_told_from_damage(
    kind: Callable[..., Store], tmp_path: Path, protocol: Protocol
) -> None:
    with closing(kind(tmp_path)) as store:
        protocol.created(store, "alice")

    with closing(kind(tmp_path, OTHER_KEY)) as store, pytest.raises(e2ee.StoreKeyError):
        e2ee.Account.open(store)


def test_a_text_of_16_mib_is_the_longest(store: Store, protocol: Protocol) -> None:
    bob, longest = protocol.created(e2ee.MemoryStore(), "bob"), bytes(16 << 20)
    alice = introduced(store, bob)

    envelope = alice.encrypt(bob.address, longest)

    assert bob.decrypt(alice.address, envelope).plaintext == longest
    before = read_rows(store)
    for send in (alice.encrypt, alice.queue):
        with pytest.raises(e2ee.InvalidArgumentError):
            send(bob.address, longest + b"x")
    assert read_rows(store) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(batches=st.lists(st.lists(writes, max_size=4), max_size=8))
def test_any_transactions_do_what_a_dict_does(
    store: Store, batches: list[list[tuple[str, int, int, bytes | None]]]
) -> None:
    clear(store)
    expected: dict[str, tuple[int, bytes]] = {}
    for batch in batches:
        rows: list[Write] = [
            (name, base, revision, sealed) if sealed else (name, max(base, 1), None, None)
            for name, base, revision, sealed in batch
        ]
        after, fits = applied(expected, rows)
        if fits:
            write(store, *rows)
            expected = after
        else:
            with pytest.raises(e2ee.StoreConflictError):
                write(store, *rows)

        assert read_rows(store) == expected


def clear(store: Store) -> None:
    """Deletes all rows."""
    with store.transaction() as transaction:
        transaction.apply([(name, rev, None, None) for name, rev in transaction.list("")])


def applied(
    rows: dict[str, tuple[int, bytes]], batch: list[Write]
) -> tuple[dict[str, tuple[int, bytes]], bool]:
    """The rows after a batch, and whether each write found its revision."""
    after = dict(rows)
    for name, base, revision, sealed in batch:
        if after.get(name, (0, b""))[0] != base:
            return rows, False
        if revision is None or sealed is None:
            del after[name]
        else:
            after[name] = (revision, sealed)
    return after, True
