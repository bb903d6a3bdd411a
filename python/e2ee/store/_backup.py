# SPDX-License-Identifier: MIT OR Apache-2.0
"""Copies of a live store, and putting one into use (docs/storage.md, "Backup and restore")."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from e2ee import _core
from e2ee._heal import healed
from e2ee.errors import (
    StoreAnchorError,
    StoreBackupError,
    StoreExistsError,
    StoreFormatError,
    StoreMissingError,
    StoreUnavailableError,
)
from e2ee.store._secret import store_secret
from e2ee.store._sqlite_errors import translated
from e2ee.store._sqlite_file import BACKUP_ID, FORMAT_VERSION, TABLE
from e2ee.store._sqlite_log import refuse_damaged_log
from e2ee.store._sqlite_reading import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2ee._core import StoreSecret
    from e2ee._heal import Healed
    from e2ee.store._secret import Key, Passphrase
    from e2ee.store.protocol import Reading, Store

    #: Told how many of how many records are done.
    Progress = Callable[[int, int], None]

#: Records that are written at a time.
_BATCH: Final = 500
_INSERT: Final = "INSERT INTO record (name, revision, sealed) VALUES (?, ?, ?)"
#: The one record without which there is no account (docs/formats.md, "Store record").
STORE_RECORD: Final = "store"
_BINARY: Final = getattr(os, "O_BINARY", 0)


def backup(
    source: Store | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
) -> None:
    """Writes all records of a store, as they are at one moment, into a new file.

    Others may go on using the store. The records are sealed under the store's key, as they are in
    it; the key is not needed. The file is made for its owner only, and is there whole or not at
    all. It is no store: `restore` puts it into use, and opening it raises `StoreBackupError`.

    Args:
        source: The store, or the file of an `SQLiteStore`.
        path: The new file.
        progress: Called with the number of records that are written, and that of all.

    Raises:
        StoreExistsError: There is a file of this name.
        StoreMissingError: The store holds no account.
        StoreBackupError: The source is a backup itself.
        StoreCorruptionError: The log beside the source is damaged.
        StoreUnavailableError: The file cannot be written.
    """
    target = Path(path).absolute()
    if target.exists():
        raise StoreExistsError("there is a file of this name: choose another one")
    with ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            refuse_damaged_log(Path(source))
            records = stack.enter_context(reading(Path(source)))
            if records.is_backup():
                raise StoreBackupError("the file is a backup: use restore")
            _write(records, target, progress)
        else:
            begin = getattr(source, "snapshot", source.transaction)
            _write(stack.enter_context(begin()), target, progress)


def restore(  # noqa: PLR0913 - options, each by its name
    path: str | os.PathLike[str],
    store: Store,
    *,
    key: Key | None = None,
    passphrase: Passphrase | None = None,
    secret: StoreSecret | None = None,
    progress: Progress | None = None,
) -> Healed:
    """Puts a backup into an empty store, so that no message key is used twice; then `open` it.

    What happened after the backup is not in it. So all sessions only receive from now on, our keys
    of groups end, and one-time prekeys are destroyed: connect again with fresh bundles, send
    invitations, and give a server what `prekeys` returns. Secret chats are closed: discard them at
    the server, and begin others. The store gets an id of its own, and its own key: nothing else
    that was ever sealed opens in it. All this is one transaction.

    Args:
        path: The backup.
        store: Where the account, or the chats, are to live, of any kind.
        key: What the store had been sealed with when the backup was made, or else
        passphrase: its passphrase, or else
        secret: either as a `StoreSecret`; if none is given, it is that of `store`.
        progress: Called with the number of records that are read, and that of all.

    Raises:
        StoreExistsError: The store is not empty.
        StoreAnchorError: Its anchor is another store's: the restored one needs one of its own.
        StoreKeyError: The key or passphrase is not the one that the backup was sealed with.
        StoreFormatError: The file is no backup.
        StoreCorruptionError: A record of the backup is damaged, missing or not its own: nothing
            was restored.
    """
    given = (key, passphrase, secret)
    asked = any(each is not None for each in given)
    former = store_secret(*given) if asked else store.secret
    with reading(Path(path)) as records, store.transaction() as transaction:
        if not records.is_backup():
            raise StoreFormatError("the file is no backup: open it, or make a backup of it")
        if transaction.list(""):
            raise StoreExistsError("the store already holds something: choose an empty one")
        if (anchor := getattr(store, "anchor", None)) is not None and anchor.read() is not None:
            raise StoreAnchorError("a restored backup is a store of its own: give an empty anchor")
        for rows in _batches(records, progress):
            transaction.apply([(name, 0, revision, sealed) for name, revision, sealed in rows])
        held = _core.open_any(former, transaction)
        healing = held.heal_copy(transaction)
        transaction.apply(healing.writes)
        move = _core.Rekeying.moving(held, transaction, store.secret)
        while writes := move.next(transaction):
            transaction.apply(writes)
    return healed(healing.release())


def _batches(records: Reading, progress: Progress | None) -> Iterator[list[tuple[str, int, bytes]]]:
    """All records, some at a time."""
    listed = records.list("")
    for start in range(0, len(listed), _BATCH):
        rows = []
        for name, _ in listed[start : start + _BATCH]:
            row = records.get(name)
            if row is not None:
                rows.append((name, *row))
        yield rows
        if progress is not None:
            progress(min(start + _BATCH, len(listed)), len(listed))


def _write(records: Reading, target: Path, progress: Progress | None) -> None:
    """Writes the backup beside its place, and puts it there when it is on the disk."""
    if records.get(STORE_RECORD) is None:
        raise StoreMissingError("the store holds no account")
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR | _BINARY, 0o600))
        _fill(records, beside, progress)
        _sync(beside)
        _place(beside, target)
        with suppress(OSError):
            # Some systems do not sync folders.
            _sync(target.parent)
    except (OSError, ValueError) as error:
        if isinstance(error, FileExistsError):
            raise StoreExistsError("there is a file of this name: choose another one") from error
        raise StoreUnavailableError("the backup cannot be written") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def _fill(records: Reading, path: Path, progress: Progress | None) -> None:
    with translated(), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nobody reads the file before it is whole.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.execute(TABLE)
        connection.execute(f"PRAGMA application_id = {BACKUP_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        for rows in _batches(records, progress):
            connection.executemany(_INSERT, rows)
        connection.execute("COMMIT")


def _place(beside: Path, target: Path) -> None:
    """Gives the file its name, if nobody has it."""
    try:
        target.hardlink_to(beside)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links: nobody else makes this name between the two lines.
        if target.exists():
            raise FileExistsError(str(target)) from None
        beside.rename(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
