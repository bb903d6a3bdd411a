# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a `PostgresStore`: versions, moving from one to the next, and damage."""

import threading
from pathlib import Path

import psycopg
import pytest

import e2ee
from e2ee.store import PostgresStore, _postgres_schema
from tests.stores.kinds import KEY, in_a_database
from tests.stores.server import Server, schema_of, server

#: Version 1 as it was released: never to be changed.
FIXTURE = Path(__file__).parent / "postgres_version_1.sql"
#: A step that no release has.
NEXT = "ALTER TABLE {0}.record ADD COLUMN written timestamptz DEFAULT now()"
THREADS = 8


@pytest.fixture
def running() -> Server:
    return server()


@pytest.fixture
def schema(tmp_path: Path) -> str:
    return schema_of(tmp_path)


def version(running: Server, schema: str) -> int:
    """The version that the tables say."""
    ((number,),) = running.execute(f"SELECT number FROM {schema}.version")
    assert isinstance(number, int)
    return number


def set_version(running: Server, schema: str, number: int) -> None:
    """What a newer program does."""
    running.execute(f"UPDATE {schema}.version SET number = %s", number)


def columns(running: Server, schema: str) -> list[tuple[str, ...]]:
    """The table of the records, as the server describes it."""
    return running.execute(
        "SELECT column_name::text, data_type::text, collation_name::text, is_nullable::text "
        "FROM information_schema.columns WHERE table_schema = %s AND table_name = 'record' "
        "ORDER BY ordinal_position",
        schema,
    )


def test_a_new_schema_has_the_newest_version(running: Server, schema: str, tmp_path: Path) -> None:
    in_a_database(tmp_path).close()

    assert version(running, schema) == len(_postgres_schema.STEPS) == 1


def test_tables_of_version_1_are_used(running: Server, schema: str, tmp_path: Path) -> None:
    running.execute(FIXTURE.read_text().replace("SCHEMA_NAME", schema))
    before = columns(running, schema)

    with in_a_database(tmp_path) as store:
        e2ee.Account.create(store, "alice")
    with in_a_database(tmp_path) as store:
        assert e2ee.Account.open(store).user == "alice"

    assert columns(running, schema) == before
    assert version(running, schema) == 1


def test_version_1_of_now_is_that_of_then(running: Server, schema: str, tmp_path: Path) -> None:
    in_a_database(tmp_path).close()
    made = columns(running, schema)
    running.execute(f"DROP SCHEMA {schema} CASCADE")

    running.execute(FIXTURE.read_text().replace("SCHEMA_NAME", schema))

    assert columns(running, schema) == made


def test_older_tables_are_brought_to_the_next_version_once(
    running: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.execute(FIXTURE.read_text().replace("SCHEMA_NAME", schema))
    with in_a_database(tmp_path) as store:
        identity = e2ee.Account.create(store, "alice").identity_key
    monkeypatch.setattr(_postgres_schema, "STEPS", (*_postgres_schema.STEPS, (NEXT,)))
    opened: list[bytes] = []

    def work() -> None:
        with in_a_database(tmp_path) as store:
            opened.append(e2ee.Account.open(store).identity_key)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert opened == [identity] * THREADS
    assert version(running, schema) == 2
    assert columns(running, schema)[-1][0] == "written"


def test_a_step_that_fails_changes_nothing(
    running: Server, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_database(tmp_path).close()
    before = columns(running, schema)
    monkeypatch.setattr(
        _postgres_schema, "STEPS", (*_postgres_schema.STEPS, (NEXT, "SELECT 1 / 0"))
    )

    with pytest.raises(e2ee.StoreError):
        in_a_database(tmp_path)

    assert columns(running, schema) == before
    assert version(running, schema) == 1


def test_newer_tables_are_left_alone(running: Server, schema: str, tmp_path: Path) -> None:
    in_a_database(tmp_path).close()
    set_version(running, schema, 2)

    with pytest.raises(e2ee.StoreFormatError, match="newer version"):
        in_a_database(tmp_path)

    assert version(running, schema) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE {0}.record (song text)",
        "CREATE TABLE {0}.version (number integer)",
        "CREATE TABLE {0}.version (number text); INSERT INTO {0}.version VALUES ('one')",
    ],
)
def test_another_programs_schema_is_left_alone(
    running: Server, schema: str, tmp_path: Path, statement: str
) -> None:
    running.execute(f"CREATE SCHEMA {schema}; {statement}".format(schema))

    with pytest.raises(e2ee.StoreFormatError, match="another program"):
        in_a_database(tmp_path)


def test_a_lesser_role_uses_tables_that_were_made_for_it(
    running: Server, schema: str, tmp_path: Path
) -> None:
    in_a_database(tmp_path).close()
    role = f"{schema}_role"
    running.execute(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}; "
        f"GRANT SELECT ON {schema}.version TO {role}; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.record TO {role}"
    )
    acting = running.to(options=f"-c role={role}")

    with PostgresStore(acting, key=KEY, schema=schema) as store:
        assert e2ee.Account.create(store, "alice").user == "alice"
    with pytest.raises(e2ee.StoreUnavailableError, match="lacks a privilege"):
        PostgresStore(acting, key=KEY, schema=f"{schema}_other")

    running.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE {0}.record",
        "ALTER TABLE {0}.record DROP COLUMN sealed",
        "ALTER TABLE {0}.record {2}, ALTER COLUMN revision TYPE text",
        "ALTER TABLE {0}.record ALTER COLUMN sealed TYPE text",
        "ALTER TABLE {0}.record {2}; {1}",
    ],
)
def test_changed_tables_are_found(
    running: Server, schema: str, tmp_path: Path, damage: str
) -> None:
    with in_a_database(tmp_path) as store:
        e2ee.Account.create(store, "alice")

    change, free = (
        f"UPDATE {schema}.record SET revision = -1",
        "DROP CONSTRAINT record_revision_check",
    )
    running.execute(damage.format(schema, change, free))

    with pytest.raises(e2ee.StoreCorruptionError), in_a_database(tmp_path) as store:
        e2ee.Account.open(store)


def test_tables_that_change_under_a_running_program_are_found(
    running: Server, schema: str, tmp_path: Path
) -> None:
    with in_a_database(tmp_path) as store:
        alice = e2ee.Account.create(store, "alice")
        running.execute(f"ALTER TABLE {schema}.record ALTER COLUMN sealed TYPE text")
        with pytest.raises(e2ee.StoreUnavailableError, match="open the store again"):
            alice.bundle()

        running.execute(f"DROP TABLE {schema}.record")
        with pytest.raises(e2ee.StoreCorruptionError):
            alice.bundle()


def test_a_running_program_is_told_of_a_newer_version(
    running: Server, schema: str, tmp_path: Path
) -> None:
    with in_a_database(tmp_path) as store:
        alice = e2ee.Account.create(store, "alice")
        set_version(running, schema, 2)

        with pytest.raises(e2ee.StoreFormatError, match="newer version"):
            alice.bundle()


@pytest.mark.parametrize("name", ["identity", "index", "prekeys"])
@pytest.mark.parametrize("change", ["sealed = ''", "revision = revision + 1"])
def test_a_changed_row_is_found(
    running: Server, schema: str, tmp_path: Path, name: str, change: str
) -> None:
    with in_a_database(tmp_path) as store:
        e2ee.Account.create(store, "alice")
    running.execute(f"UPDATE {schema}.record SET {change} WHERE name = %s", name)

    with in_a_database(tmp_path) as store, pytest.raises(e2ee.StoreCorruptionError):
        e2ee.Account.open(store).bundle()


def test_nothing_readable_is_in_the_table(running: Server, schema: str, tmp_path: Path) -> None:
    with in_a_database(tmp_path) as store:
        alice = e2ee.Account.create(store, "alice")
        bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
        bob.connect("alice", alice.bundle())
        with (
            pytest.raises(KeyError),
            alice.receive("bob", bob.encrypt("alice", b"a secret plaintext")),
        ):
            raise KeyError

    rows = running.execute(f"SELECT sealed FROM {schema}.record")
    assert len(rows) > 5
    assert not any(b"a secret plaintext" in sealed for (sealed,) in rows)


def test_the_table_does_not_try_to_compress(running: Server, schema: str, tmp_path: Path) -> None:
    in_a_database(tmp_path).close()

    with psycopg.connect(running.conninfo) as link:
        storage = link.execute(
            "SELECT attstorage::text FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attname = 'sealed'",
            (f"{schema}.record",),
        ).fetchone()

    assert storage == ("e",)
