# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rows that somebody changed in the file of an `SQLiteStore`: each is found."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import e2ee

KEY = bytes(32)
PEERS = ("bob", "carol")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Alice's store, with two peers to whom she has sent."""
    path = tmp_path / "alice.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        alice = e2ee.Account.create(store, "alice")
        for peer in PEERS:
            alice.connect(peer, e2ee.Account.create(e2ee.MemoryStore(), peer).bundle())
            alice.encrypt(peer, b"x")
    return path


@pytest.fixture
def rows(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody's own access to the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def names(rows: sqlite3.Connection, prefix: str) -> list[str]:
    listed = rows.execute("SELECT name FROM record WHERE name LIKE ? || '%'", (prefix,))
    return [name for (name,) in listed]


def use(path: Path) -> None:
    """All that a program does with an account after it starts."""
    with e2ee.SQLiteStore(path, key=KEY) as store:
        alice = e2ee.Account.open(store)
        alice.bundle()
        for peer in PEERS:
            alice.encrypt(peer, b"y")
        alice.inbox()
        alice.contacts()


def test_the_untouched_store_is_used(path: Path) -> None:
    use(path)


def every_row() -> list[str]:
    return ["store", "identity", "index", "prekeys", "peer/bob/1", "session/bob/1/*"]


def matching(rows: sqlite3.Connection, pattern: str) -> list[str]:
    found = rows.execute("SELECT name FROM record WHERE name GLOB ?", (pattern,)).fetchall()
    assert found
    return [name for (name,) in found]


@pytest.mark.parametrize("pattern", every_row())
def test_a_changed_byte_is_found(path: Path, rows: sqlite3.Connection, pattern: str) -> None:
    for name in matching(rows, pattern):
        (sealed,) = rows.execute("SELECT sealed FROM record WHERE name = ?", (name,)).fetchone()
        for position in (0, 1, len(sealed) // 2, len(sealed) - 1):
            changed = bytearray(sealed)
            changed[position] ^= 1
            rows.execute("UPDATE record SET sealed = ? WHERE name = ?", (bytes(changed), name))
            with pytest.raises(e2ee.StoreCorruptionError):
                use(path)
        rows.execute("UPDATE record SET sealed = ? WHERE name = ?", (sealed, name))
    use(path)


@pytest.mark.parametrize("pattern", every_row()[1:])
@pytest.mark.parametrize("change", ["sealed = x''", "revision = revision + 1", "revision = -1"])
def test_a_changed_row_is_found(
    path: Path, rows: sqlite3.Connection, pattern: str, change: str
) -> None:
    rows.execute(f"UPDATE record SET {change} WHERE name GLOB ?", (pattern,))

    with pytest.raises(e2ee.StoreCorruptionError):
        use(path)


@pytest.mark.parametrize("pattern", every_row()[1:])
def test_a_deleted_row_is_found(path: Path, rows: sqlite3.Connection, pattern: str) -> None:
    for name in matching(rows, pattern):
        row = rows.execute("SELECT * FROM record WHERE name = ?", (name,)).fetchone()
        rows.execute("DELETE FROM record WHERE name = ?", (name,))
        with pytest.raises(e2ee.StoreCorruptionError):
            use(path)
        rows.execute("INSERT INTO record VALUES (?, ?, ?)", row)
    use(path)


@pytest.mark.parametrize("prefix", ["peer/", "session/"])
def test_swapped_rows_are_found(path: Path, rows: sqlite3.Connection, prefix: str) -> None:
    all_names = [name for name in names(rows, prefix) if name.count("/") in {2, 3}]
    first, second = all_names
    rows.execute("UPDATE record SET name = 'x' WHERE name = ?", (first,))
    rows.execute("UPDATE record SET name = ? WHERE name = ?", (first, second))
    rows.execute("UPDATE record SET name = ? WHERE name = 'x'", (second,))

    with pytest.raises(e2ee.StoreCorruptionError):
        use(path)


def test_a_deleted_peer_is_found_by_a_running_program(path: Path, rows: sqlite3.Connection) -> None:
    with e2ee.SQLiteStore(path, key=KEY) as store:
        alice = e2ee.Account.open(store)
        rows.execute("DELETE FROM record WHERE name = 'peer/bob/1'")

        with pytest.raises(e2ee.StoreCorruptionError):
            alice.encrypt("bob", b"y")
        with pytest.raises(e2ee.StoreCorruptionError):
            alice.connect("bob", e2ee.Account.create(e2ee.MemoryStore(), "bob").bundle())


def test_a_forgotten_peer_that_was_put_back_is_found(path: Path, rows: sqlite3.Connection) -> None:
    old = rows.execute("SELECT * FROM record WHERE name = 'peer/bob/1'").fetchone()
    with e2ee.SQLiteStore(path, key=KEY) as store:
        e2ee.Account.open(store).forget("bob")
    rows.execute("INSERT INTO record VALUES (?, ?, ?)", old)

    with pytest.raises(e2ee.StoreCorruptionError):
        use(path)


def test_an_old_identity_that_was_put_back_is_found(path: Path, rows: sqlite3.Connection) -> None:
    old = rows.execute("SELECT * FROM record WHERE name = 'peer/bob/1'").fetchone()
    new_bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    with e2ee.SQLiteStore(path, key=KEY) as store:
        e2ee.Account.open(store).accept_identity("bob", new_bob.bundle())
    rows.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", old)

    with pytest.raises(e2ee.StoreCorruptionError):
        use(path)


@pytest.mark.parametrize("prefix", ["session/bob", ""])
def test_rows_that_were_set_back_are_found_by_a_running_program(
    path: Path, rows: sqlite3.Connection, prefix: str
) -> None:
    rows.execute(
        "CREATE TEMP TABLE backup AS SELECT * FROM record WHERE name LIKE ? || '%'", (prefix,)
    )
    with e2ee.SQLiteStore(path, key=KEY) as store:
        alice = e2ee.Account.open(store)
        alice.bundle()
        alice.encrypt("bob", b"y")
        rows.execute("INSERT OR REPLACE INTO record SELECT * FROM backup")

        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt("bob", b"z")


def test_a_missing_table_is_found(path: Path, rows: sqlite3.Connection) -> None:
    rows.execute("DROP TABLE record")

    with pytest.raises(e2ee.StoreCorruptionError):
        use(path)


@pytest.mark.parametrize(
    "values", ["('index', 'one', x'00')", "('index', 1, 'text')", "('index', 1, NULL)"]
)
def test_a_table_of_other_types_is_found(path: Path, rows: sqlite3.Connection, values: str) -> None:
    rows.execute("DROP TABLE record")
    rows.execute("CREATE TABLE record (name TEXT PRIMARY KEY, revision, sealed)")
    rows.execute(f"INSERT INTO record VALUES {values}")

    with (
        e2ee.SQLiteStore(path, key=KEY) as store,
        store.transaction() as transaction,
        pytest.raises(e2ee.StoreCorruptionError),
    ):
        transaction.get("index")


def test_a_name_that_is_no_text_is_found(path: Path, rows: sqlite3.Connection) -> None:
    rows.execute("UPDATE record SET name = CAST(x'706565722fff' AS TEXT) WHERE name = 'peer/bob/1'")

    with pytest.raises(e2ee.StoreCorruptionError):
        use(path)
