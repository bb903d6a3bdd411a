# SPDX-License-Identifier: MIT OR Apache-2.0
"""How an application may have set up the PostgreSQL connection that it lends, and how not."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel, rows
from psycopg.types.string import StrDumper, TextLoader

import e2ee
from tests.stores.kinds import KEY
from tests.stores.lent import DatabaseApplication, Desk, desk_with
from tests.stores.protocols import SIGNAL, Protocol
from tests.stores.server import Server


@pytest.fixture
def protocol() -> Protocol:
    """These are tests of connections, whatever is spoken over them."""
    return SIGNAL


def test_a_connection_that_could_lose_a_commit_is_refused(
    application: DatabaseApplication,
) -> None:
    application.execute("SET synchronous_commit = off")

    with pytest.raises(e2ee.StoreUnavailableError, match="synchronous_commit"):
        application.store()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_could_lose_a_commit_is_refused(
    desk: Desk, ours: Server, setting: str
) -> None:
    with (
        ours.setting(setting, "off"),
        pytest.raises(e2ee.StoreUnavailableError, match=setting),
    ):
        desk.alice.encrypt("bob", b"x")


@pytest.mark.parametrize("word", ["SET", "SET LOCAL"])
def test_a_connection_that_is_weakened_later_is_refused_too(desk: Desk, word: str) -> None:
    desk.execute("BEGIN")
    desk.write("kept")
    desk.execute(f"{word} synchronous_commit = off")

    with pytest.raises(e2ee.StoreUnavailableError, match="synchronous_commit"):
        desk.alice.queue("bob", b"x")

    desk.execute("COMMIT")
    assert desk.texts() == ["kept"]
    desk.execute("RESET synchronous_commit")
    assert desk.alice.outbox() == []


def flushed(running: Server) -> bool:
    """Whether all that was written to the log is on the disk."""
    question = "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()"
    return running.execute(question) == [(True,)]


@pytest.mark.parametrize("lent", [True, False])
def test_what_was_committed_without_the_disk_leaves_only_behind_it(
    desk: Desk, application: DatabaseApplication, ours: Server, *, lent: bool
) -> None:
    with (
        ours.setting("wal_writer_delay", "10s"),
        e2ee.PostgresStore(ours.conninfo, key=KEY, schema=application.schema) as own,
    ):
        account = desk.alice if lent else e2ee.Account.open(own)
        for _ in range(3):
            desk.execute("BEGIN")
            desk.alice.queue("bob", b"hasty")
            desk.execute("SET LOCAL synchronous_commit = off")
            desk.execute("COMMIT")
        before = ours.execute("SELECT pg_current_wal_insert_lsn()::text")[0][0]
        assert not flushed(ours)

        assert len(account.outbox()) == 3

        passed = ours.execute("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", before)
        assert passed == [(True,)]


def as_dictionaries(connection: psycopg.Connection[Any]) -> None:
    connection.row_factory = rows.dict_row


def with_its_own_cursors(connection: psycopg.Connection[Any]) -> None:
    connection.cursor_factory = psycopg.ClientCursor


class ShoutingLoader(TextLoader):
    """Makes something else of every value."""

    def load(self, data: Any) -> str:  # noqa: ANN401 - as psycopg has it
        """The same for whatever it is."""
        return "!" + str(bytes(data))


class BinaryShoutingLoader(ShoutingLoader):
    """The same for binary values."""

    format = psycopg.pq.Format.BINARY


class ShoutingDumper(StrDumper):
    """Makes something else of every text."""

    def dump(self, obj: str) -> bytes:
        """Capitals."""
        return obj.upper().encode()


def with_its_own_values(connection: psycopg.Connection[Any]) -> None:
    for kind in ("text", "bytea", "int8", "int4"):
        connection.adapters.register_loader(kind, ShoutingLoader)
        connection.adapters.register_loader(kind, BinaryShoutingLoader)
    connection.adapters.register_dumper(str, ShoutingDumper)


def never_prepared(connection: psycopg.Connection[Any]) -> None:
    connection.prepare_threshold = None


def always_prepared(connection: psycopg.Connection[Any]) -> None:
    connection.prepare_threshold = 0


def serializable(connection: psycopg.Connection[Any]) -> None:
    connection.isolation_level = IsolationLevel.SERIALIZABLE


def with_functions_of_its_own(connection: psycopg.Connection[Any]) -> None:
    """Before those of the system, there is a function that says other things."""
    trap = "CREATE OR REPLACE FUNCTION current_setting(text) RETURNS text AS $$SELECT 'off'$$"
    connection.execute(trap + " LANGUAGE sql")
    connection.execute(
        "SELECT set_config('search_path', quote_ident(current_schema) || ', pg_catalog', false)"
    )


@pytest.mark.parametrize(
    "peculiar",
    [
        as_dictionaries,
        with_its_own_cursors,
        with_its_own_values,
        never_prepared,
        always_prepared,
        serializable,
        with_functions_of_its_own,
    ],
)
@pytest.mark.parametrize("autocommit", [True, False])
def test_what_the_application_makes_of_its_connection_does_not_matter(
    tmp_path: Path, peculiar: Callable[[psycopg.Connection[Any]], None], *, autocommit: bool
) -> None:
    with closing(DatabaseApplication(tmp_path, autocommit=autocommit)) as application:
        peculiar(application.connection)
        application.connection.commit()
        desk = desk_with(application)
        with desk.alice.receive("bob", desk.bob.encrypt("alice", b"one")):
            desk.alice.queue("bob", b"reply")

        for _ in range(7):
            desk.execute("SELECT 1" if not autocommit else "BEGIN")
            desk.alice.queue("bob", b"more")
            application.connection.commit()

        opened = [
            desk.bob.decrypt("alice", each.envelope).plaintext for each in desk.alice.outbox()
        ]
        assert opened == [b"reply"] + [b"more"] * 7


def test_a_connection_in_another_encoding_is_refused(desk: Desk) -> None:
    desk.execute("SET client_encoding = LATIN1")
    with pytest.raises(e2ee.StoreUnavailableError, match="UTF8"):
        desk.alice.encrypt("bob", b"x")
    desk.execute("BEGIN")
    desk.write("kept")
    with pytest.raises(e2ee.StoreUnavailableError, match="UTF8"):
        desk.alice.queue("bob", b"x")
    desk.execute("COMMIT")

    assert desk.texts() == ["kept"]


def test_what_is_no_connection_is_refused() -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.PostgresStore.on(object(), key=KEY)  # type: ignore[arg-type]


def test_a_newer_version_in_the_database_is_refused(
    desk: Desk, application: DatabaseApplication
) -> None:
    desk.execute(f"UPDATE {application.schema}.version SET number = 99")

    with pytest.raises(e2ee.StoreFormatError):
        desk.alice.encrypt("bob", b"x")
    with pytest.raises(e2ee.StoreFormatError):
        application.store()
    assert not application.in_transaction()
