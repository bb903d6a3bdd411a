# SPDX-License-Identifier: MIT OR Apache-2.0
"""From PostgreSQL's errors to ours: what a caller can do about them decides the class."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from e2ee.errors import (
    StoreBusyError,
    StoreConflictError,
    StoreCorruptionError,
    StoreError,
    StoreUnavailableError,
)
from e2ee.store._postgres_driver import driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

#: By SQLSTATE, or else by its class, the first two characters (PostgreSQL, appendix A).
_CONFLICT: Final = {"40"}
_BUSY: Final = {"55P03", "57014", "57P03", "53300"}
#: Our statements are right: what they do not fit is a table that somebody changed.
_CORRUPT: Final = {"21", "22", "23", "42", "3F", "XX001", "XX002"}
_UNAVAILABLE: Final = {
    "53100": "the server's disk is full",
    "25006": "the server cannot be written: it is a standby, or read-only",
    # A question about its log.
    "55000": "the server cannot be written: it is a standby, or read-only",
    "28": "the server refuses this role",
    "42501": "the role lacks a privilege on the store's schema",
    "08": "the connection to the server is lost",
    "57P01": "the connection to the server is lost",
    "57P02": "the connection to the server is lost",
    "0A000": "the store's tables were changed: open the store again",
    "25P03": "the server ended a transaction that stood still for too long",
    "25P04": "the server ended a transaction that stood still for too long",
    "": "the server cannot be reached",
}


@contextmanager
def translated() -> Iterator[None]:
    """Raises PostgreSQL's errors as ours; the sentences name no server, role or schema."""
    try:
        yield
    except driver().Error as error:
        raise translation(error) from error


def translation(error: psycopg.Error) -> StoreError:
    """The error that says what a caller can do."""
    state = error.sqlstate or ""
    kinds = {state, state[:2]}
    if kinds & _CONFLICT:
        return StoreConflictError("another process changed the record")
    if kinds & _BUSY:
        return StoreBusyError("another process holds the store")
    for kind in (state, state[:2]):
        if kind in _UNAVAILABLE:
            return StoreUnavailableError(_UNAVAILABLE[kind])
    if kinds & _CORRUPT:
        return StoreCorruptionError("the store's tables are damaged")
    return StoreUnavailableError("the store failed")
