# SPDX-License-Identifier: MIT OR Apache-2.0
"""An application with a table of its own, in a file or in a database, and Alice beside it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, final

import psycopg
from psycopg import conninfo

import e2ee
from e2ee.store import Anchor, LentStore
from tests.stores import protocols as spoken
from tests.stores.kinds import CONNINFO, KEY, introduced
from tests.stores.server import schema_of, server


class Application(Protocol):
    """A connection as an application opens it, with a table of texts."""

    def store(self, anchor: Anchor | None = None) -> LentStore:
        """A store on the connection."""

    def execute(self, statement: str) -> None:
        """Runs a statement of the application's."""

    def write(self, text: str) -> None:
        """One row of the application's."""

    def texts(self, table: str = "chat") -> list[str]:
        """The application's rows, as another connection sees them."""

    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def close(self) -> None:
        """Closes the connection."""


@final
class FileApplication:
    """An application with an SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "application.db"
        # Used by one thread at a time, not always the same one.
        self.connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("CREATE TABLE IF NOT EXISTS chat (text TEXT)")

    def store(self, anchor: Anchor | None = None) -> LentStore:
        """A store on the connection."""
        return e2ee.SQLiteStore.on(self.connection, key=KEY, anchor=anchor)

    def execute(self, statement: str) -> None:
        """Runs a statement of the application's."""
        self.connection.execute(statement)

    def write(self, text: str) -> None:
        """One row of the application's."""
        self.connection.execute("INSERT INTO chat VALUES (?)", (text,))

    def texts(self, table: str = "chat") -> list[str]:
        """The application's rows, as another connection sees them."""
        with closing(sqlite3.connect(self._path)) as other:
            return [text for (text,) in other.execute(f"SELECT text FROM {table} ORDER BY rowid")]

    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    def close(self) -> None:
        """Closes the connection."""
        self.connection.close()


@final
class DatabaseApplication:
    """An application with a PostgreSQL database, in which it has a schema."""

    def __init__(self, folder: Path, *, autocommit: bool = True, place: str | None = None) -> None:
        schema = schema_of(folder)
        self._conninfo = conninfo.make_conninfo(
            place or server().conninfo, options=f"-c search_path={schema}_chat"
        )
        self.schema = schema
        with self._another() as other:
            other.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}_chat")
            other.execute("CREATE TABLE IF NOT EXISTS chat (number serial, text text)")
        self.connection: psycopg.Connection[Any] = psycopg.connect(
            self._conninfo, autocommit=autocommit
        )

    def _another(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._conninfo, autocommit=True)

    def store(self, anchor: Anchor | None = None) -> LentStore:
        """A store on the connection."""
        schema = self.schema
        return e2ee.PostgresStore.on(self.connection, key=KEY, schema=schema, anchor=anchor)

    def execute(self, statement: str) -> None:
        """Runs a statement of the application's."""
        self.connection.execute(statement.encode())

    def write(self, text: str) -> None:
        """One row of the application's."""
        self.connection.execute("INSERT INTO chat (text) VALUES (%s)", (text,))

    def texts(self, table: str = "chat") -> list[str]:
        """The application's rows, as another connection sees them."""
        with self._another() as other:
            return [
                text
                for (text,) in other.execute(f"SELECT text FROM {table} ORDER BY ctid".encode())
            ]

    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def close(self) -> None:
        """Closes the connection."""
        self.connection.close()


def beside_a_file(folder: Path) -> Application:
    """An application with an SQLite file."""
    return FileApplication(folder)


def beside_a_database(folder: Path) -> Application:
    """An application with a PostgreSQL database; left out, or failing, if there is no server."""
    return DatabaseApplication(folder)


def application_of(folder: Path) -> Application:
    """The application of processes that work in a folder."""
    place = folder / CONNINFO
    return (
        DatabaseApplication(folder, place=place.read_text())
        if place.exists()
        else FileApplication(folder)
    )


#: Opens an application in a folder: again and again the same, each time another connection.
LENDING: Final[list[Callable[[Path], Application]]] = [beside_a_file, beside_a_database]


@dataclass(slots=True)
class Desk:
    """Alice beside her application's table, and Bob in memory; they have talked."""

    application: Application
    store: LentStore
    alice: e2ee.Account
    bob: e2ee.Account

    def write(self, text: str) -> None:
        """One row of the application's."""
        self.application.write(text)

    def execute(self, statement: str) -> None:
        """Runs a statement of the application's."""
        self.application.execute(statement)

    def texts(self) -> list[str]:
        """The application's rows, as another connection sees them."""
        return self.application.texts()

    def read(self, envelope: e2ee.Envelope | bytes) -> bytes:
        """What Bob reads in an envelope of Alice's."""
        return self.bob.decrypt(self.alice.address, envelope).plaintext


def desk_with(application: Application, protocol: spoken.Protocol = spoken.SIGNAL) -> Desk:
    """Alice's account is made beside an application, and she and Bob talk."""
    store, bob = application.store(), protocol.created(e2ee.MemoryStore(), "bob")
    return Desk(application, store, introduced(store, bob), bob)
