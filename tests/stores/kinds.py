# SPDX-License-Identifier: MIT OR Apache-2.0
"""The stores that we have, each as a test opens it for its own folder; again and again the same."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

import e2ee
from e2ee.store import Anchor, FileAnchor, RekeyableStore, Store
from tests.stores.server import schema_of, server

KEY: Final = bytes(range(32))
#: A file with a connection string: who works in this folder, works in that database.
CONNINFO: Final = "conninfo"


def in_memory(_: Path, key: bytes = KEY) -> RekeyableStore:
    """A `MemoryStore`."""
    return e2ee.MemoryStore(key=key)


def in_a_file(folder: Path, key: bytes = KEY, anchor: Anchor | None = None) -> RekeyableStore:
    """An `SQLiteStore`."""
    return e2ee.SQLiteStore(folder / "store.db", key=key, anchor=anchor)


def in_a_database(
    folder: Path, key: bytes = KEY, anchor: Anchor | None = None
) -> e2ee.PostgresStore:
    """A `PostgresStore`; the test is left out, or fails, if there is no server."""
    schema = schema_of(folder)
    return e2ee.PostgresStore(server().conninfo, key=key, schema=schema, anchor=anchor)


KINDS: Final[list[Callable[..., RekeyableStore]]] = [in_memory, in_a_file, in_a_database]
DURABLE: Final[list[Callable[..., RekeyableStore]]] = [in_a_file, in_a_database]


def kind_name(kind: Callable[..., object]) -> str:
    """How a test's report calls a store, or what opens it."""
    return kind.__name__


def place_in(kind: Callable[..., Store], folder: Path) -> None:
    """Says where processes that work in a folder keep their accounts."""
    if kind is in_a_database:
        (folder / CONNINFO).write_text(server().conninfo)


def store_of(
    folder: Path, name: str, timeout: float = 5.0, anchor: Anchor | None = None
) -> e2ee.PostgresStore | e2ee.SQLiteStore:
    """The store of a person, for processes that work in a folder."""
    place = folder / CONNINFO
    if place.exists():
        return e2ee.PostgresStore(
            place.read_text(),
            key=KEY,
            schema=schema_of(folder),
            account=name,
            timeout=timeout,
            anchor=anchor,
        )
    return e2ee.SQLiteStore(folder / f"{name}.db", key=KEY, timeout=timeout, anchor=anchor)


def anchored_in(folder: Path) -> e2ee.PostgresStore | e2ee.SQLiteStore:
    """Alice's store, whose anchor is a file in the folder."""
    return store_of(folder, "alice", 60.0, FileAnchor(folder / "anchor"))


def application(path: Path, *, pragma: str = "journal_mode = WAL") -> sqlite3.Connection:
    """A connection as an application opens it, with a table of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS chat (text TEXT)")
    return connection


class UndoneError(Exception):
    """The application's code fails."""


def undone(alice: e2ee.Account, envelope: e2ee.Envelope, work: Callable[[], object]) -> None:
    """Receives an envelope of Bob's in a block that does some work, and then raises."""

    def block() -> None:
        with alice.receive(e2ee.Address("bob", alice.device), envelope):
            work()
            raise UndoneError

    with pytest.raises(UndoneError):
        block()


def introduced(store: Store, bob: e2ee.Account) -> e2ee.Account:
    """Alice, who has a session with Bob, and speaks what he does."""
    alice = e2ee.Account.create(store, "alice", device=bob.device, protocol=bob.protocol)
    alice.connect(bob.address, bob.bundle())
    bob.decrypt(alice.address, alice.encrypt(bob.address, b"Hello."))
    alice.decrypt(bob.address, bob.encrypt(alice.address, b"Hello."))
    return alice
