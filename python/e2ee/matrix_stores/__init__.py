# SPDX-License-Identifier: MIT OR Apache-2.0
"""Moves a bot or client of Matrix over from the store of matrix-nio or mautrix (olm_megolm.md §3).

Both keep their Olm and Megolm states as pickles of libolm or vodozemac in an SQLite file.
`import_store` reads all of it and gives the states of `e2ee.olm`, with a report that has a row for
every record; docs/guides/moving.md goes through a move from its beginning to its end.

>>> import secrets
>>> from e2ee import matrix_stores, olm
>>> key = olm.StateKey(secrets.token_bytes(32))
>>> matrix_stores.import_store("nobody.db", key, pickle_key="DEFAULT_KEY", dry_run=True)
Traceback (most recent call last):
    ...
e2ee.errors.StoreMissingError: there is no file of this name
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from e2ee.errors import StoreFormatError
from e2ee.matrix_stores import _mautrix, _nio
from e2ee.matrix_stores._file import Tables, reading
from e2ee.matrix_stores._unpickled import Unpickling
from e2ee.matrix_stores._values import (
    ImportedDevice,
    KnownCrossSigningKey,
    KnownDevice,
    ReceivedRoomKey,
    SentRoomKey,
    StoreImport,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from e2ee.matrix_stores._raw import RawStore
    from e2ee.olm import Pickles, StateKey

__all__ = [
    "ImportedDevice",
    "KnownCrossSigningKey",
    "KnownDevice",
    "ReceivedRoomKey",
    "SentRoomKey",
    "StoreImport",
    "import_store",
]


def import_store(
    path: str | os.PathLike[str], key: StateKey, *, pickle_key: str, dry_run: bool = False
) -> StoreImport:
    """Reads the SQLite file of matrix-nio or mautrix, which is not changed (olm_megolm.md §3).

    The program must not run any more, nor ever again on this file: two that go on from one state
    use message keys twice, and so does a second import. A record that cannot be used is refused
    with a reason and does not stop the others. A dry run checks every record and gives the report
    alone.

    Args:
        path: The file; decisions that matrix-nio's `DefaultStore` keeps in files beside it are read
            too.
        key: What the states will be sealed under.
        pickle_key: The key of the pickles, as the program was given it: `DEFAULT_KEY` for clients
            of matrix-nio, `mautrix.bridge.e2ee` for bridges, if nobody chose another.
        dry_run: Whether to give no states.

    Raises:
        StoreKeyError: No pickle opens under this pickle key.
        StoreFormatError: It is no such store, or a newer one than is known here.
        StoreMissingError: There is no such file.
        StoreBusyError: The program is running.
        StoreCorruptionError: The file is damaged.
        StoreUnavailableError: It cannot be read.
    """
    with reading(Path(path)) as tables:
        families, raw = _read(tables, Path(path), pickle_key)
    found = Unpickling(families, key).store(raw)
    return replace(found, devices=()) if dry_run else found


def _read(tables: Tables, path: Path, pickle_key: str) -> tuple[list[Pickles], RawStore]:
    """How the pickles of a store open, and what stands in its tables."""
    if _is(tables, _nio.TABLES):
        families, raw, newest = _nio.families(pickle_key), _nio.read(tables, path), _nio.NEWEST
    elif _is(tables, _mautrix.TABLES):
        families, raw = _mautrix.families(pickle_key), _mautrix.read(tables)
        newest = _mautrix.NEWEST
    else:
        raise StoreFormatError("the file is no store of matrix-nio or mautrix: give that one")
    if raw.version > newest:
        raise StoreFormatError("the store is of a newer version than is known here: update")
    return families, raw


def _is(tables: Tables, wanted: Mapping[str, set[str]]) -> bool:
    """Whether the file has these tables and columns."""
    return all(columns <= tables.columns(table) for table, columns in wanted.items())
