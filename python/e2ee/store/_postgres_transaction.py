# SPDX-License-Identifier: MIT OR Apache-2.0
"""An open transaction of a `PostgresStore`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, TypeVar, final

from e2ee.errors import StaleSessionError, StoreConflictError, StoreCorruptionError
from e2ee.store._postgres_errors import translated
from e2ee.store._postgres_guard import UNGUARDED
from e2ee.store._postgres_locks import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Cursor

    from e2ee.store._postgres_guard import Guard
    from e2ee.store._postgres_link import Link
    from e2ee.store.anchor import Anchor
    from e2ee.store.protocol import Scope, Write

    Records = dict[str, tuple[int, bytes]]

_T = TypeVar("_T")
_LAST: Final = chr(sys.maxunicode)


@final
class Statements:
    """The statements on one schema, with the account whose rows they touch."""

    __slots__ = ("account", "delete", "get", "get_newest", "insert", "list", "own", "update")

    def __init__(self, schema: str, account: str) -> None:
        table = f"{quoted(schema)}.record"
        of = "WHERE account = %s AND name"
        # Made of our own texts and of a quoted name.
        self.account = account
        self.get = f"SELECT revision, sealed FROM {table} {of} = %s".encode()  # noqa: S608
        #: Refused if the row was changed after the transaction's snapshot was made.
        self.get_newest = self.get + b" FOR SHARE"
        self.list = (
            f"SELECT name, revision FROM {table} {of} >= %s AND name < %s ORDER BY name"  # noqa: S608
        ).encode()
        self.own = (
            f"SELECT name, revision, sealed FROM {table} {of} = ANY(%s) UNION ALL "  # noqa: S608
            f"SELECT name, revision, sealed FROM {table} {of} >= %s AND name < %s"
        ).encode()
        self.delete = f"DELETE FROM {table} {of} = %s AND revision = %s".encode()  # noqa: S608
        self.insert = (
            f"INSERT INTO {table} (account, name, revision, sealed) VALUES (%s, %s, %s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING"
        ).encode()
        self.update = (
            f"UPDATE {table} SET revision = %s, sealed = %s {of} = %s AND revision = %s"  # noqa: S608
        ).encode()


@final
class PostgresTransaction:
    """Reads and changes the records under the locks that the transaction began with."""

    __slots__ = (
        "_get",
        "_guard",
        "_link",
        "_open",
        "_read",
        "_scope",
        "_statements",
        "_written",
        "is_changed",
    )

    def __init__(
        self,
        link: Link,
        statements: Statements,
        scope: Scope | None = None,
        guard: Guard = UNGUARDED,
        *,
        may_be_stale: bool = False,
    ) -> None:
        self._guard = guard
        self._get = statements.get_newest if may_be_stale else statements.get
        self._link = link
        self._open = True
        self._scope = scope
        self._statements = statements
        self._written: set[str] = set()
        self._read: Records | None = None if scope is None else self._read_ahead(scope)
        #: Whether it has changed something.
        self.is_changed = False

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The revision and the sealed bytes of a record, or `None` if there is none."""
        if self._open and self._read is not None and self._is_read_ahead(name):
            return self._read.get(name)
        with translated():
            row = self._execute(self._get, self._statements.account, name).fetchone()
        return None if row is None else (_checked(row[0], int), _checked(row[1], bytes))

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """Names and revisions of the records whose names begin so, in the order of code points."""
        first, last = self._statements.account, successor(prefix)
        with translated():
            rows = self._execute(self._statements.list, first, prefix, last).fetchall()
        return [(_checked(name, str), _checked(revision, int)) for name, revision in rows]

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes the records.

        Raises:
            StoreConflictError: A record does not have the revision that must be found, or is not
                one of those that the transaction is about.
        """
        if self._scope is not None and not self._scope.allows(writes):
            raise StoreConflictError("the transaction is about other records")
        self._read = None
        self.is_changed = self.is_changed or bool(writes)
        with translated():
            if len(writes) == 1:
                changed = [self._apply(writes[0])]
            else:
                with self._link.pipeline():
                    changed = [self._apply(write) for write in writes]
        if any(cursor.rowcount != 1 for cursor in changed):
            raise StoreConflictError("another process changed the record")
        self._written.update(name for name, _, _, _ in writes)

    @property
    def anchor(self) -> Anchor | None:
        """The anchor that the store was given."""
        return self._guard.anchor

    @property
    def timeline(self) -> tuple[int, int] | None:
        """The system identifier and the timeline of the server, if the store has an anchor."""
        return self._guard.timeline

    def wrote(self, name: str, /) -> bool | None:
        """Whether this transaction has written the record; part of another, it may not know."""
        return name in self._written or (None if self._guard.is_part else False)

    def end(self) -> None:
        """Refuses all further use."""
        self._open = False

    def _apply(self, write: Write) -> Cursor[tuple[object, ...]]:
        """Sends one write; the cursor says how many records it changed."""
        name, base, revision, sealed = write
        account = self._statements.account
        if revision is None:
            return self._execute(self._statements.delete, account, name, base)
        if base == 0:
            return self._execute(self._statements.insert, account, name, revision, sealed)
        return self._execute(self._statements.update, revision, sealed, account, name, base)

    def _read_ahead(self, scope: Scope) -> Records:
        """In one round trip, what a transaction about these records will ask for."""
        account = self._statements.account
        last = successor(scope.own)
        with translated():
            rows = self._execute(
                self._statements.own, account, list(scope.reads), account, scope.own, last
            ).fetchall()
        return {
            _checked(name, str): (_checked(revision, int), _checked(sealed, bytes))
            for name, revision, sealed in rows
        }

    def _is_read_ahead(self, name: str) -> bool:
        scope = self._scope
        return scope is not None and (name.startswith(scope.own) or name in scope.reads)

    def _execute(self, statement: bytes, *values: object) -> Cursor[tuple[object, ...]]:
        if not self._open:
            raise StaleSessionError("the transaction has ended: open another one")
        return self._link.execute(statement, values, prepare=True, binary=True)


def successor(prefix: str) -> str:
    """The least text, by code points, that is behind all that begin so."""
    stem = prefix.rstrip(_LAST)
    if not stem:
        # No name is behind this one: user names and our own are shorter.
        return _LAST * 4_096
    following = ord(stem[-1]) + 1
    # Surrogates are no characters.
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # noqa: PLR2004


def _checked(value: object, kind: type[_T]) -> _T:
    """A value of a row; the table's rules say its type, but somebody may have changed the table."""
    if not isinstance(value, kind) or (isinstance(value, int) and value < 1):
        raise StoreCorruptionError("the store's tables are damaged")
    return value
