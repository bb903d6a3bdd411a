# SPDX-License-Identifier: MIT OR Apache-2.0
"""From SQLite's errors to ours: what a caller can do about them decides the class."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, final

from e2ee.errors import StoreBusyError, StoreCorruptionError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from types import TracebackType

#: Text that is not UTF-8, also in a message of SQLite about the file, is damage.
ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
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


@final
class _Translated:
    """A block whose errors of SQLite are raised as ours. It keeps nothing, so one serves all."""

    __slots__ = ()

    def __enter__(self) -> None:
        """The block follows."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises what was raised, as ours."""
        if isinstance(error, ERRORS):
            raise translation(error) from error


_TRANSLATED: Final = _Translated()


def translated() -> _Translated:
    """Raises SQLite's errors as ours; the sentences never name the file.

    A class, not a generator: each record that is read passes here, and it takes a quarter of the
    time.
    """
    return _TRANSLATED


def translation(error: Exception) -> StoreError:
    """One of `ERRORS` as ours."""
    # The low byte is the kind; the others say more than a caller can use. The module's own errors,
    # on text that is not UTF-8 for instance, have no code: the rows are not as we wrote them.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in BUSY:
        return StoreBusyError("another process holds the store")
    if code in _CORRUPT:
        return StoreCorruptionError("the store's file is damaged")
    return StoreUnavailableError(_UNAVAILABLE.get(code, "the store failed"))
