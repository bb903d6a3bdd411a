# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a connection to an SQLite file has to be like to be lent."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from tests.stores.kinds import KEY
from tests.stores.lent import FileApplication, desk_with


def opened(path: Path, *, pragma: str = "journal_mode = WAL") -> sqlite3.Connection:
    """A connection as an application opens it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@pytest.fixture
def application(tmp_path: Path) -> Iterator[FileApplication]:
    with closing(FileApplication(tmp_path)) as made:
        yield made


@pytest.mark.parametrize(
    "pragma", ["synchronous = OFF", "synchronous = NORMAL", "journal_mode = MEMORY"]
)
def test_a_connection_that_could_lose_a_commit_is_refused(tmp_path: Path, pragma: str) -> None:
    with closing(opened(tmp_path / "weak.db")) as connection:
        connection.execute(f"PRAGMA {pragma}")

        with pytest.raises(e2ee.StoreUnavailableError):
            e2ee.SQLiteStore.on(connection, key=KEY)


def test_a_connection_that_is_weakened_later_is_refused_too(
    application: FileApplication,
) -> None:
    desk = desk_with(application)
    desk.execute("PRAGMA synchronous = OFF")

    with pytest.raises(e2ee.StoreUnavailableError):
        desk.alice.encrypt(desk.bob.address, b"x")
    desk.execute("BEGIN")
    with pytest.raises(e2ee.StoreUnavailableError):
        desk.alice.queue(desk.bob.address, b"x")


def test_a_database_in_memory_is_refused() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(e2ee.StoreError):
        e2ee.SQLiteStore.on(connection, key=KEY)


def test_a_deleted_journal_needs_extra(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "old.db", pragma="journal_mode = DELETE")) as connection:
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
    with closing(opened(tmp_path / "rows.db")) as connection:
        connection.row_factory = lambda _, row: {"row": row}
        store = e2ee.SQLiteStore.on(connection, key=KEY)
        assert e2ee.Account.create(store, "alice").bundle().to_bytes()


def test_a_newer_version_is_refused(application: FileApplication) -> None:
    application.store()
    application.execute("UPDATE e2ee_version SET number = 2")

    with pytest.raises(e2ee.StoreFormatError):
        application.store()


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
def test_a_block_that_ends_the_transaction_itself_is_of_unknown_outcome(
    application: FileApplication, statement: str
) -> None:
    desk = desk_with(application)

    def block() -> None:
        with desk.alice.receive(desk.bob.address, desk.bob.encrypt(desk.alice.address, b"x")):
            desk.execute(statement)

    with pytest.raises(e2ee.StoreOutcomeUnknownError):
        block()

    assert len(desk.alice.inbox()) == (1 if statement == "ROLLBACK" else 0)
    assert desk.read(desk.alice.encrypt(desk.bob.address, b"y")) == b"y"
