# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the store asks of a connection: psycopg's own, or one that the application set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

from e2ee.store._postgres_driver import driver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from psycopg import Connection, ConnectionInfo, Cursor
    from psycopg.errors import Diagnostic


class Link(Protocol):
    """A connection whose rows are tuples of the types that their columns have."""

    @property
    def closed(self) -> bool:
        """Whether it is of no use any more."""

    @property
    def info(self) -> ConnectionInfo:
        """What is known of it."""

    def execute(
        self,
        query: bytes,
        params: Sequence[object] | None = None,
        *,
        prepare: bool | None = None,
        binary: bool = False,
    ) -> Cursor[tuple[object, ...]]:
        """Runs a statement."""

    def pipeline(self) -> AbstractContextManager[object]:
        """A block whose statements are sent together."""

    def transaction(self) -> AbstractContextManager[object]:
        """A block that is undone if it raises."""

    def add_notice_handler(self, callback: Callable[[Diagnostic], None]) -> None:
        """Calls something with each notice of the server."""

    def remove_notice_handler(self, callback: Callable[[Diagnostic], None]) -> None:
        """Does so no more."""


@final
class LentLink:
    """The application's connection, whatever it has its own rows and values made into."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection[object]) -> None:
        self._connection = connection

    @property
    def closed(self) -> bool:
        """Whether it is of no use any more."""
        return self._connection.closed

    @property
    def info(self) -> ConnectionInfo:
        """What is known of it."""
        return self._connection.info

    def execute(
        self,
        query: bytes,
        params: Sequence[object] | None = None,
        *,
        prepare: bool | None = None,
        binary: bool = False,
    ) -> Cursor[tuple[object, ...]]:
        """Runs a statement, which is prepared by the application's rules for its own."""
        wanted = False if prepare is False else None
        return self._cursor().execute(query, params, prepare=wanted, binary=binary)

    def _cursor(self) -> Cursor[tuple[object, ...]]:
        """A cursor of psycopg's own kind, with psycopg's own way with our types."""
        psycopg = driver()
        from psycopg.types import numeric, string  # noqa: PLC0415 - an extra

        cursor: Cursor[tuple[object, ...]] = psycopg.Cursor(
            self._connection, row_factory=psycopg.rows.tuple_row
        )
        adapters = cursor.adapters
        adapters.register_dumper(str, string.StrBinaryDumper)
        adapters.register_dumper(bytes, string.BytesBinaryDumper)
        adapters.register_dumper(int, numeric.IntDumper)
        for kind, loaders in (
            ("text", (string.TextLoader, string.TextBinaryLoader)),
            ("bytea", (string.ByteaLoader, string.ByteaBinaryLoader)),
            ("int4", (numeric.IntLoader, numeric.Int4BinaryLoader)),
            ("int8", (numeric.IntLoader, numeric.Int8BinaryLoader)),
        ):
            for loader in loaders:
                adapters.register_loader(kind, loader)
        return cursor

    def pipeline(self) -> AbstractContextManager[object]:
        """A block whose statements are sent together."""
        return self._connection.pipeline()

    def transaction(self) -> AbstractContextManager[object]:
        """A block that is undone if it raises."""
        return self._connection.transaction()

    def add_notice_handler(self, callback: Callable[[Diagnostic], None]) -> None:
        """Calls something with each notice of the server."""
        self._connection.add_notice_handler(callback)

    def remove_notice_handler(self, callback: Callable[[Diagnostic], None]) -> None:
        """Does so no more."""
        self._connection.remove_notice_handler(callback)
