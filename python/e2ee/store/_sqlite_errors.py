# SPDX-License-Identifier: MIT OR Apache-2.0
"""From SQLite's errors to ours: what a caller can do about them decides the class."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from e2ee.errors import StoreBusyError, StoreCorruptionError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What passes when another connection has finished.
BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
#: `SQLITE_ERROR` is a missing table, since our statements are right; the two last are values that
#: the table's own rules forbid.
_CORRUPT: Final = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}
_UNAVAILABLE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the store cannot be written",
    sqlite3.SQLITE_PERM: "the store cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the store's file cannot be opened",
    sqlite3.SQLITE_IOERR: "the store's file cannot be read or written",
}


@contextmanager
def translated() -> Iterator[None]:
    """Raises SQLite's errors as ours; the sentences never name the file."""
    try:
        yield
    # The module cannot say what is wrong if SQLite's message quotes damaged text.
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _translation(error) from error


def _translation(error: Exception) -> StoreError:
    # The low byte is the kind; the others say more than a caller can use. The module's own errors,
    # on text that is not UTF-8 for instance, have no code: the rows are not as we wrote them.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in BUSY:
        return StoreBusyError("another process holds the store")
    if code in _CORRUPT:
        return StoreCorruptionError("the store's file is damaged")
    return StoreUnavailableError(_UNAVAILABLE.get(code, "the store failed"))
