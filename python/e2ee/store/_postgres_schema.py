# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of a `PostgresStore`: their numbered versions, and moving from one to the next.

docs/formats.md, "PostgreSQL", says what each version holds. A step is never changed once it was
released; a new one is added behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from e2ee.errors import StoreCorruptionError, StoreFormatError, StoreUnavailableError
from e2ee.store._postgres_errors import translated
from e2ee.store._postgres_locks import lock_key, quoted

if TYPE_CHECKING:
    from e2ee.store._postgres_link import Link

    Rows = list[tuple[object, ...]]

#: What makes version n of version n - 1; `{0}` is the schema, quoted.
STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        # Names sort by code points; sealed bytes do not compress; heads are rewritten in place.
        """
        CREATE TABLE {0}.record (
            account text COLLATE "C" NOT NULL,
            name text COLLATE "C" NOT NULL,
            revision bigint NOT NULL CHECK (revision > 0),
            sealed bytea NOT NULL,
            PRIMARY KEY (account, name)
        ) WITH (fillfactor = 70)
        """,
        "ALTER TABLE {0}.record ALTER COLUMN sealed SET STORAGE EXTERNAL",
    ),
)
_TABLE: Final = """
    SELECT relpersistence::text FROM pg_class
    WHERE relnamespace = to_regnamespace(%s) AND relname = %s AND relkind = 'r'
"""


def prepare(connection: Link, schema: str) -> None:
    """Makes the tables, or brings older ones to this version.

    Raises:
        StoreFormatError: The schema is another program's, or of a newer version.
        StoreUnavailableError: The role may not make them, or a crash of the server empties them.
    """
    with translated():
        if _rows(connection, "SHOW server_encoding") != [("UTF8",)]:
            raise StoreUnavailableError("the database has another encoding: choose one in UTF8")
        if _version(connection, schema) != len(STEPS):
            _migrate(connection, schema)
        (persistence,) = _rows(connection, _TABLE, quoted(schema), "record") or [("",)]
    if not persistence[0]:
        raise StoreCorruptionError("the store's tables are damaged")
    if persistence != ("p",):
        raise StoreUnavailableError(
            "a crash of the server empties the store's table: alter it to LOGGED"
        )


def check(number: object) -> None:
    """Refuses tables that are not of this version.

    Raises:
        StoreFormatError: They are newer, or another program's.
    """
    if not isinstance(number, int) or number < 1:
        raise StoreFormatError("the schema belongs to another program: choose another one")
    if number > len(STEPS):
        raise StoreFormatError("the store is of a newer version of this program: update")


def _migrate(connection: Link, schema: str) -> None:
    """All missing steps in one transaction; another process that does the same is waited for."""
    with connection.transaction():
        _run(connection, "SELECT pg_advisory_xact_lock(%s)", lock_key("schema", schema))
        found = _version(connection, schema)
        if found == 0:
            # Asked first: a schema that an administrator made is enough for a lesser role.
            if _rows(connection, "SELECT to_regnamespace(%s)::text", quoted(schema)) == [(None,)]:
                _run(connection, f"CREATE SCHEMA {quoted(schema)}")
            _run(connection, f"CREATE TABLE {quoted(schema)}.version (number integer NOT NULL)")
            # Statements here are made of our own texts and of a quoted name.
            _run(connection, f"INSERT INTO {quoted(schema)}.version VALUES (0)")  # noqa: S608
        for step in STEPS[found:]:
            for statement in step:
                _run(connection, statement.format(quoted(schema)))
        _run(connection, f"UPDATE {quoted(schema)}.version SET number = %s", len(STEPS))  # noqa: S608


def _version(connection: Link, schema: str) -> int:
    """The version of the tables, 0 if there are none.

    Raises:
        StoreFormatError: It is newer than ours, or the tables are another program's.
    """
    if not _rows(connection, _TABLE, quoted(schema), "version"):
        if _rows(connection, _TABLE, quoted(schema), "record"):
            raise StoreFormatError("the schema belongs to another program: choose another one")
        return 0
    found = _rows(connection, f"SELECT number FROM {quoted(schema)}.version")  # noqa: S608
    number = found[0][0] if len(found) == 1 else None
    check(number)
    return cast("int", number)


def _rows(connection: Link, statement: str, *values: object) -> Rows:
    return connection.execute(statement.encode(), values or None).fetchall()


def _run(connection: Link, statement: str, *values: object) -> None:
    connection.execute(statement.encode(), values or None)
