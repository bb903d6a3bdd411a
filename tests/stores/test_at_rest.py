# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sessions at rest: one statement where nothing has to be read, a transaction everywhere else."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

import e2ee
from tests.assurance.planted import connection
from tests.properties.world import is_head
from tests.stores.kinds import KEY, introduced
from tests.stores.protocols import Protocol, peer_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def bob(protocol: Protocol) -> e2ee.Account:
    return protocol.created(e2ee.MemoryStore(), "bob")


@pytest.fixture
def store(path: Path) -> Iterator[e2ee.SQLiteStore]:
    with e2ee.SQLiteStore(path, key=KEY, timeout=0.1) as store:
        yield store


@pytest.fixture
def alice(store: e2ee.SQLiteStore, bob: e2ee.Account) -> e2ee.Account:
    """Alice, who has sent a message after Bob's answer: her session is at rest."""
    alice = introduced(store, bob)
    bob.decrypt(alice.address, alice.encrypt(bob.address, b"first"))
    return alice


T = TypeVar("T")


def words(store: e2ee.SQLiteStore, call: Callable[[], T]) -> tuple[list[str], T]:
    """The first words of what SQLite is asked during a call, and its result."""
    asked: list[str] = []
    connection(store).set_trace_callback(lambda text: asked.append(text.split()[0]))
    result = call()
    connection(store).set_trace_callback(None)
    return asked, result


def statements(store: e2ee.SQLiteStore, alice: e2ee.Account) -> tuple[list[str], e2ee.Envelope]:
    """The first words of what SQLite is asked while a message is encrypted."""
    return words(store, lambda: alice.encrypt(peer_of(alice), b"text"))


def opened(bob: e2ee.Account, envelope: e2ee.Envelope) -> bytes:
    return bob.decrypt(peer_of(bob, "alice"), envelope).plaintext


def test_a_message_in_place_is_one_statement(
    store: e2ee.SQLiteStore, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    for _ in range(3):
        asked, envelope = statements(store, alice)
        assert asked == ["UPDATE"]
        assert opened(bob, envelope) == b"text"


def test_a_batch_to_one_peer_in_place_is_one_statement(
    store: e2ee.SQLiteStore, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    texts = [b"one", b"two", b"three"]

    asked, envelopes = words(
        store, lambda: alice.encrypt_many([(bob.address, text) for text in texts])
    )

    assert asked == ["UPDATE"]
    assert texts == [opened(bob, envelope) for envelope in envelopes]
    assert opened(bob, alice.encrypt(bob.address, b"after")) == b"after"


def test_a_batch_to_two_peers_is_a_transaction(
    store: e2ee.SQLiteStore, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    carol = e2ee.Account.create(
        e2ee.MemoryStore(), "carol", device=bob.device, protocol=bob.protocol
    )
    alice.connect(carol.address, carol.bundle())
    to = [bob.address, carol.address, bob.address]

    asked, envelopes = words(store, lambda: alice.encrypt_many([(peer, b"text") for peer in to]))

    assert asked[0] == "BEGIN"
    assert opened(bob, envelopes[0]) == opened(bob, envelopes[2]) == b"text"
    assert carol.decrypt(alice.address, envelopes[1]).plaintext == b"text"


def test_a_batch_that_turns_the_ratchet_or_holds_nothing_is_a_transaction(
    store: e2ee.SQLiteStore, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    alice.decrypt(bob.address, bob.encrypt(alice.address, b"answer"))

    asked, envelopes = words(store, lambda: alice.encrypt_many([(bob.address, b"text")] * 2))
    of_nothing, none = words(store, lambda: alice.encrypt_many([]))

    assert [asked[0], of_nothing[0], none] == ["BEGIN", "BEGIN", []]
    assert [opened(bob, envelope) for envelope in envelopes] == [b"text"] * 2


def test_a_batch_to_one_peer_whose_record_has_changed_is_made_again(
    store: e2ee.SQLiteStore, path: Path, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    with e2ee.SQLiteStore(path, key=KEY) as second:
        theirs = e2ee.Account.open(second).encrypt(bob.address, b"theirs")

    asked, ours = words(store, lambda: alice.encrypt_many([(bob.address, b"text")] * 2))

    assert asked[:2] == ["UPDATE", "BEGIN"]
    assert opened(bob, theirs) == b"theirs"
    assert [opened(bob, envelope) for envelope in ours] == [b"text"] * 2


def test_a_batch_to_one_peer_of_which_one_is_too_long_says_which(alice: e2ee.Account) -> None:
    bob, long = peer_of(alice), bytes((16 << 20) + 1)

    with pytest.raises(e2ee.InvalidArgumentError) as raised:
        alice.encrypt_many([(bob, b"text"), (bob, long), (bob, b"text")])

    assert raised.value.place == 1


def test_a_message_that_turns_the_ratchet_is_a_transaction(
    store: e2ee.SQLiteStore, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    alice.decrypt(bob.address, bob.encrypt(alice.address, b"answer"))

    asked, envelope = statements(store, alice)

    assert asked[0] == "BEGIN"
    assert asked[-1] == "COMMIT"
    assert opened(bob, envelope) == b"text"


def test_two_programs_that_take_turns_never_use_a_key_twice(
    path: Path, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    with e2ee.SQLiteStore(path, key=KEY) as second:
        both = [alice, e2ee.Account.open(second)]
        for turn in (0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 0):
            assert opened(bob, both[turn].encrypt(bob.address, b"text")) == b"text"
            if turn:
                both[turn].decrypt(bob.address, bob.encrypt(alice.address, b"answer"))


def test_a_program_that_was_overtaken_reads_again(
    store: e2ee.SQLiteStore, path: Path, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    with e2ee.SQLiteStore(path, key=KEY) as second:
        theirs = e2ee.Account.open(second).encrypt(bob.address, b"theirs")

    asked, ours = statements(store, alice)

    assert asked[:2] == ["UPDATE", "BEGIN"]
    assert [opened(bob, theirs), opened(bob, ours)] == [b"theirs", b"text"]


def test_a_contact_that_another_program_forgot_is_forgotten(
    path: Path, alice: e2ee.Account
) -> None:
    with e2ee.SQLiteStore(path, key=KEY) as second:
        e2ee.Account.open(second).forget(peer_of(alice))

    with pytest.raises(e2ee.NoSessionError):
        alice.encrypt(peer_of(alice), b"text")


def test_a_locked_file_is_busy_and_no_message_is_lost(
    path: Path, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(e2ee.StoreBusyError):
                alice.encrypt(bob.address, b"text")
        other.execute("ROLLBACK")

    assert opened(bob, alice.encrypt(bob.address, b"after")) == b"after"


def heads(path: Path) -> dict[str, tuple[int, bytes]]:
    """The sessions' heads as they are in the file."""
    with closing(sqlite3.connect(path)) as reading:
        rows = reading.execute("SELECT name, revision, sealed FROM record WHERE name > 'session/'")
        return {name: (at, sealed) for name, at, sealed in rows if is_head(name)}


def put_back(path: Path, rows: dict[str, tuple[int, bytes]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writing:
        for name, (revision, sealed) in rows.items():
            writing.execute(
                "UPDATE record SET revision = ?, sealed = ? WHERE name = ?",
                (revision, sealed, name),
            )


def test_a_session_that_is_set_back_is_not_used(path: Path, alice: e2ee.Account) -> None:
    before = heads(path)
    assert before
    alice.encrypt(peer_of(alice), b"text")
    put_back(path, before)

    for _ in range(2):
        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt(peer_of(alice), b"text")


def test_a_session_of_another_past_with_the_same_number_is_not_used(
    path: Path, alice: e2ee.Account
) -> None:
    before = heads(path)
    alice.encrypt(peer_of(alice), b"ours")
    ours = heads(path)
    put_back(path, before)
    with e2ee.SQLiteStore(path, key=KEY) as second:
        e2ee.Account.open(second).encrypt(peer_of(alice), b"theirs")
    theirs = heads(path)
    assert [at for at, _ in theirs.values()] == [at for at, _ in ours.values()]

    with pytest.raises(e2ee.StoreRollbackError):
        alice.encrypt(peer_of(alice), b"text")


def test_an_open_transaction_refuses(store: e2ee.SQLiteStore, alice: e2ee.Account) -> None:
    with store.transaction(), pytest.raises(e2ee.TransactionOpenError):
        alice.encrypt(peer_of(alice), b"text")


def test_a_receive_block_refuses(alice: e2ee.Account, bob: e2ee.Account) -> None:
    answer = bob.encrypt(alice.address, b"answer")
    alice.encrypt(bob.address, b"text")

    with alice.receive(bob.address, answer), pytest.raises(e2ee.TransactionOpenError):
        alice.encrypt(bob.address, b"text")


def test_a_file_that_cannot_be_written_is_not_changed(
    store: e2ee.SQLiteStore, path: Path, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    before = heads(path)
    connection(store).execute("PRAGMA query_only = ON")
    with pytest.raises(e2ee.StoreError):
        alice.encrypt(bob.address, b"text")
    connection(store).execute("PRAGMA query_only = OFF")

    assert heads(path) == before
    assert opened(bob, alice.encrypt(bob.address, b"after")) == b"after"
