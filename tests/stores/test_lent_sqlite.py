# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store on the application's own connection: its rows and ours commit together, or not at all."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import e2ee
from tests.properties import wire
from tests.stores.kinds import KEY, application, undone

if TYPE_CHECKING:
    from e2ee.store import Store


@dataclass(slots=True)
class Desk:
    """Alice beside her application's table, and Bob in memory; they have talked."""

    path: Path
    connection: sqlite3.Connection
    alice: e2ee.Account
    bob: e2ee.Account

    def texts(self) -> list[str]:
        """The application's rows, as another connection sees them."""
        with closing(sqlite3.connect(self.path)) as other:
            return [text for (text,) in other.execute("SELECT text FROM chat ORDER BY rowid")]

    def write(self, text: str) -> None:
        """One row of the application's."""
        self.connection.execute("INSERT INTO chat VALUES (?)", (text,))

    def reopened(self) -> e2ee.Account:
        """Alice in a process that comes later."""
        connection = application(self.path)
        return e2ee.Account.open(e2ee.SQLiteStore.on(connection, key=KEY))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "application.db"
    with closing(application(path)) as connection:
        store = e2ee.SQLiteStore.on(connection, key=KEY)
        alice = e2ee.Account.create(store, "alice")
        bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
        alice.connect("bob", bob.bundle())
        bob.decrypt("alice", alice.encrypt("bob", b"Hello."))
        alice.decrypt("bob", bob.encrypt("alice", b"Hello."))
        yield Desk(path, connection, alice, bob)


def test_a_message_and_its_row_commit_together(desk: Desk) -> None:
    envelope = desk.bob.encrypt("alice", b"one")

    with desk.alice.receive("bob", envelope) as message:
        desk.write(message.plaintext.decode())
        assert desk.texts() == []

    assert desk.texts() == ["one"]
    assert desk.alice.inbox() == []
    with pytest.raises(e2ee.DuplicateMessageError) as caught, desk.alice.receive("bob", envelope):
        desk.write("never")
    assert caught.value.delivered
    assert desk.texts() == ["one"]


def test_a_block_that_raises_undoes_its_row_and_keeps_the_message(desk: Desk) -> None:
    envelope = desk.bob.encrypt("alice", b"one")

    undone(desk.alice, envelope, lambda: desk.write("never"))

    assert desk.texts() == []
    assert [message.plaintext for message in desk.alice.inbox()] == [b"one"]
    with desk.alice.receive("bob", envelope) as message:
        desk.write(message.plaintext.decode())
    assert desk.texts() == ["one"]


def test_of_two_workers_that_show_one_message_the_second_is_told(desk: Desk) -> None:
    envelope = desk.bob.encrypt("alice", b"one")
    undone(desk.alice, envelope, lambda: None)
    other = desk.reopened()
    (waiting,) = other.inbox()

    with desk.alice.receive("bob", envelope) as message:
        desk.write(message.plaintext.decode())

    with pytest.raises(e2ee.DuplicateMessageError) as caught:
        other.handled(waiting)
    assert caught.value.delivered
    assert desk.texts() == ["one"]


def test_a_reply_is_part_of_the_block(desk: Desk) -> None:
    envelope = desk.bob.encrypt("alice", b"one")
    undone(desk.alice, envelope, lambda: desk.alice.queue("bob", b"never sent"))
    assert desk.alice.outbox() == []

    (message,) = desk.alice.inbox()
    desk.connection.execute("BEGIN")
    desk.write("one")
    name = desk.alice.queue("bob", b"reply")
    desk.alice.handled(message)
    desk.connection.execute("COMMIT")

    (outgoing,) = desk.alice.outbox()
    assert outgoing.id == name
    assert desk.bob.decrypt("alice", outgoing.envelope).plaintext == b"reply"
    assert desk.texts() == ["one"]


def test_what_is_queued_leaves_after_the_commit_as_the_same_bytes_each_time(desk: Desk) -> None:
    desk.connection.execute("BEGIN IMMEDIATE")
    desk.write("two")
    desk.alice.queue("bob", b"two")
    with pytest.raises(e2ee.TransactionOpenError):
        desk.alice.outbox()
    desk.connection.execute("COMMIT")

    (first,) = desk.alice.outbox()
    (again,) = desk.reopened().outbox()

    assert first == again
    assert desk.bob.decrypt("alice", first.envelope).plaintext == b"two"
    desk.alice.sent(first)
    desk.alice.sent(first)
    assert desk.reopened().outbox() == []


def test_what_was_rolled_back_leaves_nothing_and_reuses_nothing(desk: Desk) -> None:
    for _ in range(3):
        desk.connection.execute("BEGIN")
        desk.write("undone")
        desk.alice.queue("bob", b"first")
        desk.alice.queue("bob", b"second")
        desk.connection.execute("ROLLBACK")
    assert desk.alice.outbox() == []

    kept = desk.alice.encrypt("bob", b"kept").to_bytes()
    desk.alice.queue("bob", b"queued")

    (queued,) = desk.alice.outbox()
    assert desk.bob.decrypt("alice", kept).plaintext == b"kept"
    assert desk.bob.decrypt("alice", queued.envelope).plaintext == b"queued"
    headers = {wire.header(each) for each in (kept, queued.envelope.to_bytes())}
    assert len(headers) == 2
    assert desk.texts() == []


def test_a_savepoint_that_is_undone_takes_what_was_queued_in_it(desk: Desk) -> None:
    desk.connection.execute("BEGIN")
    desk.alice.queue("bob", b"kept")
    desk.connection.execute("SAVEPOINT inner_part")
    desk.alice.queue("bob", b"undone")
    desk.connection.execute("ROLLBACK TO inner_part")
    desk.alice.queue("bob", b"kept too")
    desk.connection.execute("COMMIT")

    opened = [desk.bob.decrypt("alice", each.envelope).plaintext for each in desk.alice.outbox()]

    assert opened == [b"kept", b"kept too"]


CALLS: dict[str, Callable[[Desk], object]] = {
    "encrypt": lambda desk: desk.alice.encrypt("bob", b"x"),
    "decrypt": lambda desk: desk.alice.decrypt("bob", desk.bob.encrypt("alice", b"x")),
    "receive": lambda desk: desk.alice.receive("bob", b"\x01\x02").__enter__(),
    "receive_many": lambda desk: desk.alice.receive_many([]),
    "encrypt_many": lambda desk: desk.alice.encrypt_many([]),
    "bundle": lambda desk: desk.alice.bundle(),
    "outbox": lambda desk: desk.alice.outbox(),
    "connect": lambda desk: desk.alice.connect("bob", desk.bob.bundle()),
    "forget": lambda desk: desk.alice.forget("bob"),
    "create": lambda desk: e2ee.Account.create(desk.alice._commits.store, "x"),  # noqa: SLF001
}


@pytest.mark.parametrize("name", CALLS)
def test_what_would_leave_is_refused_inside_the_applications_transaction(
    desk: Desk, name: str
) -> None:
    desk.connection.execute("BEGIN")

    with pytest.raises(e2ee.TransactionOpenError):
        CALLS[name](desk)

    assert desk.connection.in_transaction
    desk.connection.execute("ROLLBACK")


def test_reading_is_part_of_the_applications_transaction(desk: Desk) -> None:
    desk.connection.execute("BEGIN")

    assert desk.alice.inbox() == []
    assert [contact.address.user for contact in desk.alice.contacts()] == ["bob"]
    assert desk.alice.safety_number("bob").digits
    assert e2ee.Account.open(desk.alice._commits.store).user == "alice"  # noqa: SLF001
    desk.connection.execute("COMMIT")


def test_a_refused_call_leaves_the_applications_transaction_as_it_was(desk: Desk) -> None:
    desk.connection.execute("BEGIN")
    desk.write("kept")
    with pytest.raises(e2ee.NoSessionError):
        desk.alice.queue("nobody", b"x")
    desk.connection.execute("COMMIT")

    assert desk.texts() == ["kept"]


@pytest.mark.parametrize(
    "pragma", ["synchronous = OFF", "synchronous = NORMAL", "journal_mode = MEMORY"]
)
def test_a_connection_that_could_lose_a_commit_is_refused(tmp_path: Path, pragma: str) -> None:
    with closing(application(tmp_path / "weak.db")) as connection:
        connection.execute(f"PRAGMA {pragma}")

        with pytest.raises(e2ee.StoreUnavailableError):
            e2ee.SQLiteStore.on(connection, key=KEY)


def test_a_connection_that_is_weakened_later_is_refused_too(desk: Desk) -> None:
    desk.connection.execute("PRAGMA synchronous = OFF")

    with pytest.raises(e2ee.StoreUnavailableError):
        desk.alice.encrypt("bob", b"x")
    desk.connection.execute("BEGIN")
    with pytest.raises(e2ee.StoreUnavailableError):
        desk.alice.queue("bob", b"x")


def test_a_database_in_memory_is_refused() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(e2ee.StoreError):
        e2ee.SQLiteStore.on(connection, key=KEY)


def test_a_deleted_journal_needs_extra(tmp_path: Path) -> None:
    with closing(application(tmp_path / "old.db", pragma="journal_mode = DELETE")) as connection:
        with pytest.raises(e2ee.StoreUnavailableError):
            e2ee.SQLiteStore.on(connection, key=KEY)
        connection.execute("PRAGMA synchronous = EXTRA")
        assert e2ee.Account.create(e2ee.SQLiteStore.on(connection, key=KEY), "alice").device == 1


def test_a_connection_inside_a_transaction_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "implicit.db")) as connection:
        connection.execute("CREATE TABLE chat (text TEXT)")
        connection.execute("INSERT INTO chat VALUES ('begins a transaction')")
        with pytest.raises(e2ee.TransactionOpenError):
            e2ee.SQLiteStore.on(connection, key=KEY)


def test_what_the_application_makes_of_its_rows_does_not_matter(tmp_path: Path) -> None:
    with closing(application(tmp_path / "rows.db")) as connection:
        connection.row_factory = lambda _, row: {"row": row}
        store = e2ee.SQLiteStore.on(connection, key=KEY)
        assert e2ee.Account.create(store, "alice").bundle().to_bytes()


def test_a_closed_store_leaves_the_connection_open(desk: Desk) -> None:
    store: Store = desk.alice._commits.store  # noqa: SLF001
    store.close()

    with pytest.raises(e2ee.StaleSessionError):
        desk.alice.inbox()
    desk.write("still open")
    assert desk.texts() == ["still open"]


def test_a_newer_version_is_refused(desk: Desk) -> None:
    desk.connection.execute("UPDATE e2ee_version SET number = 2")

    with pytest.raises(e2ee.StoreFormatError):
        e2ee.SQLiteStore.on(desk.connection, key=KEY)
